"""The records in DynamoDB: reading, writing, listing, and what their items look like.

May import `requests` and `domain`.
"""
