"""The use cases that channels share. May import everything below: `store`, `adapters`, `requests` and `domain`."""
