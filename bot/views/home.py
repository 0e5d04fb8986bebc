"""The app's Home: what waits for somebody, what they asked for, and what was decided lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    SectionBlock,
)
from slack_sdk.models.views import View

from approvals.domain import facts, wording
from approvals.domain.model import Approval
from approvals.domain.omissions import fit
from approvals.domain.parts import Text, truncate
from approvals.domain.summary import Summary, summarize
from bot.surfaces import SLACK_HOME
from bot.views import approval as message
from bot.views import details
from bot.views.buttons import REFRESH_ID, answers
from bot.views.rows import Link, long_title, row
from bot.views.text import fit as fit_text
from bot.views.text import local_time, mrkdwn, sentence
from bot.visibility import Overview

MAX_WAITING = 8
"""Requests that wait, shown with what is asked: each has 12 blocks at most, and a Home 100.

Source: https://docs.slack.dev/reference/views/home-tab-views
"""

MAX_BLOCKS_WAITING = 70
MAX_ROWS = 10
"""Approvals of each other kind."""

MAX_SAID = 1000
MAX_SOURCE = 300
"""Characters of the name of a workflow or an execution: each has 80, and its marks are kept from formatting."""

_NOTHING_WAITS = "Nothing waits for you. \U0001f389 When somebody needs your answer, it is here and in the channel."
_NOTHING_ASKED = "You asked for nothing in the last 30 days. What workflows ask in your name shows up here."
_NOTHING_DECIDED = "Nothing was decided lately that concerns you."
_HELP = "In any channel, `/approvals` shows the same to you alone; `/approvals help` says what else it knows."


def home_view(
    overview: Overview, waiting: Iterable[Approval], link: Link, *, now: datetime, said: Text | str = ""
) -> View:
    """The Home. `waiting` are those that wait, in full; no more are taken of them than are shown.

    `said` is what to tell the person above all, for once.
    """
    told = [SectionBlock(text=mrkdwn(sentence(truncate(said, MAX_SAID))))] if said else []
    refresh = ButtonElement(text="Refresh", action_id=REFRESH_ID, value="refresh")
    return View(
        type="home",
        blocks=[
            *told,
            HeaderBlock(text=_headline(len(overview.waiting))),
            *_waiting(len(overview.waiting), waiting, link),
            HeaderBlock(text="You asked for"),
            *_rows(overview.requested, link, _NOTHING_ASKED),
            HeaderBlock(text="Decided lately"),
            *_rows(overview.decided, link, _NOTHING_DECIDED),
            DividerBlock(),
            ActionsBlock(elements=[refresh]),
            ContextBlock(elements=[mrkdwn(f"As of {local_time(now)}. {_HELP}")]),
        ],
    )


def _headline(waiting: int) -> str:
    return f"Waits for you ({waiting})" if waiting else "Waits for you"


def _waiting(number: int, approvals: Iterable[Approval], link: Link) -> list[Block]:
    blocks: list[Block] = []
    shown = 0
    for place, approval in enumerate(islice(approvals, MAX_WAITING)):
        more = _waits(approval, link, place)
        if len(blocks) + len(more) > MAX_BLOCKS_WAITING:
            break
        blocks += more
        shown += 1
    return [*blocks, *_rest(number - shown)] if number else [_sentence(_NOTHING_WAITS)]


def _waits(approval: Approval, link: Link, place: int) -> list[Block]:
    """What waits, with all that is asked where there is room for it; else with its title alone."""
    shown = fit(approval, SLACK_HOME)
    title = [row(summarize(approval), link), *long_title(approval)]
    if shown.is_complete:
        content = details.from_request(shown)
    else:
        shown = fit(approval, SLACK_HOME, taken=SLACK_HOME.room)
        content = [message.omitted(shown, message.on_the_page())]
    source = " \u00b7 ".join(f"{label}: {fit_text(value, MAX_SOURCE)}" for label, value in facts.source(approval))
    ours = ContextBlock(
        elements=[mrkdwn(each) for each in (source, sentence(wording.requester_warning(approval))) if each]
    )
    return [*title, *content, ours, answers(approval, all_shown=shown.is_complete, place=place), DividerBlock()]


def _rows(approvals: Sequence[Summary], link: Link, nothing: str) -> list[Block]:
    shown = [row(approval, link) for approval in approvals[:MAX_ROWS]]
    return [*shown, *_rest(len(approvals) - len(shown))] if shown else [_sentence(nothing)]


def _rest(number: int) -> list[Block]:
    return [_note(f"And {number} more: `/approvals` lists them.")] if number else []


def _sentence(text: str) -> Block:
    return SectionBlock(text=mrkdwn(text))


def _note(text: str) -> Block:
    return ContextBlock(elements=[mrkdwn(text)])
