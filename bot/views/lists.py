"""Approvals in a few lines each: rows, and the lists and the help of /approvals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slack_sdk.models.blocks import Block, ButtonElement, SectionBlock

from approvals.domain.cancellation import cancelled_by
from approvals.domain.model import Approval, Delivery, Severity
from approvals.domain.parts import join_names
from approvals.domain.references import short
from approvals.domain.summary import Summary
from approvals.domain.wording import limit_names
from bot.deliveries import channel_message
from bot.views.buttons import OPEN_MESSAGE_ID
from bot.views.details import quote
from bot.views.text import (
    MAX_TOTAL,
    fit_literal,
    footnote,
    literal,
    local_time,
    mention_of,
    mention_or_name,
    mrkdwn,
    paragraph,
    weight_of,
)

MAX_TITLE = 150
MAX_LONG_TITLE = 2000
MAX_NAME = 80
MAX_PROGRESS = 500
MAX_LISTED = 20

Link = Callable[[Delivery], str]
"""Returns the URL of a message."""

HELP = """\
*Commands* (only you see the replies)
\u2022 `/approvals` or `/approvals list`: requests that wait for you, and other open requests that you can see
\u2022 `/approvals mine`: your requests from the last 30 days
\u2022 `/approvals search TEXT`: requests from the last 30 days that contain these words
\u2022 `/approvals show ID`: one request in full. Lists, messages and email subjects show the ID.
\u2022 `/approvals away until 2026-12-05, ask @dan`: requests that ask you ask Dan as well. `away off` ends it.
You see requests that you can respond to, responded to, made or are notified of, and those posted in your channels."""


def row(approval: Summary, link: Link, *, own: bool = False) -> Block:
    """Return the approval's title and state; a button leads to its message. `own`: the reader is its requester."""
    button = None
    if message := channel_message(approval):
        button = ButtonElement(text="Open message", action_id=OPEN_MESSAGE_ID, url=link(message))
    state = " \u00b7 ".join([*_state(approval), *([] if own else _requester(approval)), f"`{short(approval.id)}`"])
    return SectionBlock(text=mrkdwn(f"*{fit_literal(approval.title, MAX_TITLE)}*\n{state}"), accessory=button)


def long_title(approval: Approval) -> list[Block]:
    """Return the whole title if a row cuts it."""
    cut = fit_literal(approval.title, MAX_TITLE) != literal(approval.title)
    return quote(approval.title, MAX_LONG_TITLE) if cut else []


def list_blocks(
    parts: Sequence[tuple[str, Sequence[Summary]]], link: Link, nothing: str, *, own: bool = False
) -> list[Block]:
    """Return lists with headings, without the empty ones; as many rows as fit into a message."""
    blocks: list[Block] = []
    left = MAX_LISTED
    hidden = 0
    for heading, approvals in parts:
        shown: list[Block] = []
        for approval in approvals[:left]:
            more = row(approval, link, own=own)
            if weight_of([*blocks, *shown, more]) > MAX_TOTAL - 500:
                break
            shown.append(more)
        left -= len(shown)
        hidden += len(approvals) - len(shown)
        if shown:
            blocks += [paragraph(f"*{heading}*"), *shown]
    if hidden:
        blocks.append(footnote(f"{hidden:,} more: use `/approvals search`."))
    return blocks or [paragraph(nothing)]


def _requester(approval: Summary) -> list[str]:
    requester = approval.requested_by
    return [f"Requested by {mention_or_name(requester, requester, MAX_NAME)}"] if requester else []


def _state(approval: Summary) -> list[str]:
    decision = approval.decision
    if decision is None:
        severe = ["\u26a0\ufe0f High severity"] if approval.severity is Severity.HIGH else []
        progress = [fit_literal(approval.progress, MAX_PROGRESS)] if approval.progress else []
        return [f"Respond by {local_time(approval.deadline)}", *severe, *progress]
    names = [mention_of(approver) for approver in approval.deciders]
    how = f"by {join_names(limit_names(names))}" if names else literal(cancelled_by(decision))
    return [f"{f'{approval.headline} {how}'.rstrip()}, {local_time(decision.at)}"]
