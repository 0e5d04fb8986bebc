"""The checks of `approvals doctor`, each with the fix for what it finds."""
