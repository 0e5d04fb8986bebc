"""The email channel: who gets which email, the texts of emails, and SNS, which sends them.

May import `approvals`, and no other channel.
"""
