"""The approver's pages: plain HTML for a phone in a hurry, without scripts.

May import `approvals`, and no other channel.
"""
