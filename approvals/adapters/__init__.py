"""Other AWS services, in terms of the domain. May import `requests` and `domain`."""
