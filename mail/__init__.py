"""The email channel: who gets which email, their texts, and SNS, which sends them.

May import `approvals`, and no other channel.
"""
