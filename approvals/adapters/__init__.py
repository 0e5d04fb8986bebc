"""The other AWS services, in the words of the domain. May import `requests` and `domain`."""
