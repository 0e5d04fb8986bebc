"""The IAM channel: responses as calls that people sign with their AWS credentials.

May import `approvals`, and no other channel.
"""
