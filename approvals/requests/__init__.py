"""Turn the execution's input into a request, or into errors that name the field. May import `domain`."""
