"""The answers to /approvals: lists and help."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from approvals.domain.summary import Summary
from bot.views.rows import Link, row
from bot.views.text import MAX_TOTAL, footnote, paragraph, weight_of

MAX_ROWS = 20

HELP = """\
*/approvals* shows approvals to you alone, in any channel:
\u2022 `/approvals` or `/approvals list`: what waits for you, and what else is open where you are
\u2022 `/approvals mine`: what you asked for in the last 30 days
\u2022 `/approvals search TEXT`: what was asked in the last 30 days with these words in it
\u2022 `/approvals show ID`: one request in full; the id is in lists and in the subjects of mails
You see what you may answer, asked for, are told of or answered, and what was posted to a channel you are in."""


def list_blocks(parts: Sequence[tuple[str, Sequence[Summary]]], link: Link, nothing: str) -> list[Block]:
    """Return lists with headings, without the empty ones; as many rows as fit into a message."""
    blocks: list[Block] = []
    left = MAX_ROWS
    hidden = 0
    for heading, approvals in parts:
        shown: list[Block] = []
        for approval in approvals[:left]:
            more = row(approval, link)
            if weight_of([*blocks, *shown, more]) > MAX_TOTAL - 500:
                break
            shown.append(more)
        left -= len(shown)
        hidden += len(approvals) - len(shown)
        if shown:
            blocks += [paragraph(f"*{heading}*"), *shown]
    if hidden:
        blocks.append(footnote(f"And {hidden} more: `/approvals search` finds them."))
    return blocks or [paragraph(nothing)]
