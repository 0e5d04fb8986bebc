"""Approvals in a few lines each, for the app's Home and for lists."""

from __future__ import annotations

from collections.abc import Callable

from slack_sdk.models.blocks import Block, ButtonElement, SectionBlock

from approvals.domain.model import Approval, Delivery, Severity
from approvals.domain.parts import display_name
from approvals.domain.references import short
from approvals.domain.summary import Summary
from bot.addresses import SLACK, is_slack_user
from bot.deliveries import channel_message
from bot.views.buttons import OPEN_MESSAGE_ID
from bot.views.details import quote
from bot.views.text import fit, literal, local_time, mrkdwn

MAX_TITLE = 150
MAX_LONG_TITLE = 2000
MAX_NAME = 80

Link = Callable[[Delivery], str]
"""Returns the URL of a message."""


def row(approval: Summary, link: Link) -> Block:
    """Return the approval's title and state; a button leads to its message."""
    button = None
    if message := channel_message(approval):
        button = ButtonElement(text="Open", action_id=OPEN_MESSAGE_ID, url=link(message))
    text = f"*{fit(approval.title, MAX_TITLE)}*\n{_standing(approval)}"
    return SectionBlock(text=mrkdwn(text), accessory=button)


def long_title(approval: Approval) -> list[Block]:
    """Return the whole title if a row cuts it."""
    cut = fit(approval.title, MAX_TITLE) != literal(approval.title)
    return quote(approval.title, MAX_LONG_TITLE) if cut else []


def _standing(approval: Summary) -> str:
    return " \u00b7 ".join([*_state(approval), f"`{short(approval.id)}`"])


def _state(approval: Summary) -> list[str]:
    asked_by = approval.requested_by
    by = [f"asked by {_name(asked_by)}"] if asked_by else []
    decision = approval.decision
    if decision is None:
        severe = ["\u26a0\ufe0f high severity"] if approval.severity is Severity.HIGH else []
        progress = [approval.progress] if approval.progress else []
        return [f"Waits until {local_time(approval.deadline)}", *severe, *progress, *by]
    if decision.approver is None:
        how = ""
    elif decision.channel == SLACK:
        how = f" by <@{decision.approver.id}>"
    else:
        how = f" by {literal(display_name(decision.approver))}"
    return [f"{approval.headline}{how}, {local_time(decision.at)}", *by]


def _name(requested_by: str) -> str:
    return f"<@{requested_by}>" if is_slack_user(requested_by) else fit(requested_by, MAX_NAME)
