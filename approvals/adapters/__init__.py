"""The other AWS services and the environment, in the words of the domain. May import `requests` and `domain`."""
