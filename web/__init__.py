"""The approver's pages: plain HTML without scripts, for a phone.

May import `approvals`, and no other channel.
"""
