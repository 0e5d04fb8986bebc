"""A fake Slack: it takes what the app sends, refuses what Slack refuses, and sends its users' signed requests."""

from demo.slack.block_kit import SlackError
from demo.slack.directory import (
    DIRECT_CHANNELS,
    ELSEWHERE_CHANNEL,
    GROUPS,
    MEMBERS,
    PEOPLE,
    USERS,
    WORKSPACE,
    User,
    escape_mentions,
)
from demo.slack.user_actions import Slack
from demo.slack.web_api import HOOK_SECONDS, HOOK_USES, Message, Modal

__all__ = [
    "DIRECT_CHANNELS",
    "ELSEWHERE_CHANNEL",
    "GROUPS",
    "HOOK_SECONDS",
    "HOOK_USES",
    "MEMBERS",
    "PEOPLE",
    "USERS",
    "WORKSPACE",
    "Message",
    "Modal",
    "Slack",
    "SlackError",
    "User",
    "escape_mentions",
]
