"""What an approval is and how it changes, as pure functions and frozen types. Imports the standard library alone."""
