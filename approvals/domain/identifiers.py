"""The forms of what names a person: email addresses, Slack user IDs and Slack user group IDs."""

from __future__ import annotations

import re

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL = rf"[a-zA-Z0-9_.+'-]+@(?:{_LABEL}\.)+[a-zA-Z][a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9]"
"""The template's own pattern for `Email`. The domain has no empty label and ends in a name: to a mail server
`a@example.com.` may be the same as `a@example.com`, and it would be another person here.
"""

SLACK_USER = "[UW][A-Z0-9]{6,20}"
SLACK_GROUP = "S[A-Z0-9]{6,20}"

_EMAIL, _USER, _GROUP = (re.compile(each) for each in (EMAIL, SLACK_USER, SLACK_GROUP))


def is_email(text: str) -> bool:
    """Whether the text has the form of an email address."""
    return _EMAIL.fullmatch(text) is not None


def is_slack_user(text: str) -> bool:
    """Whether the text has the form of a Slack user id."""
    return _USER.fullmatch(text) is not None


def is_slack_group(text: str) -> bool:
    """Whether the text has the form of a Slack user group id."""
    return _GROUP.fullmatch(text) is not None
