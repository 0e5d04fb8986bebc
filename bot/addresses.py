"""The forms of Slack user IDs and user group IDs. Standard library only."""

from __future__ import annotations

import re
from typing import Final

SLACK: Final = "slack"
"""The channel's name in records, results and events."""

USER = "[UW][A-Z0-9]{6,20}"
PLACE = "[CDGUW][A-Z0-9]{6,20}"
GROUP = "S[A-Z0-9]{6,20}"

_USER, _PLACE, _GROUP = (re.compile(each) for each in (USER, PLACE, GROUP))


def is_slack_user(text: str) -> bool:
    """Return True if the text has the form of a Slack user ID."""
    return _USER.fullmatch(text) is not None


def is_slack_group(text: str) -> bool:
    """Return True if the text has the form of a Slack user group ID."""
    return _GROUP.fullmatch(text) is not None


def is_slack_place(text: str) -> bool:
    """Return True if the text has the form of the ID of something that takes messages: a channel or a user."""
    return _PLACE.fullmatch(text) is not None
