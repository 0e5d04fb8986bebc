"""What the core says of email. Pure."""

from __future__ import annotations

from approvals.domain.profiles import ChannelProfile, register
from mail.addresses import EMAIL, is_email


def register_words() -> None:
    """Tell the core how it names the channel, and what an email address looks like."""
    forms = {"person": ["an email address"], "approver": ["an email address"]}
    register(EMAIL, ChannelProfile(where="by email", name="email", forms=forms, is_person=is_email))
