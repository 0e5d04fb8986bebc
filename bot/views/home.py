"""The app's Home: the approvals that wait for a user, that they requested, and that were decided recently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from approvals.domain import wording
from approvals.domain.model import Approval
from approvals.domain.omissions import fit
from approvals.domain.parts import Text, truncate
from approvals.domain.summary import Summary, summarize
from bot.surfaces import SLACK_HOME
from bot.views import approval as message
from bot.views import details
from bot.views.buttons import REFRESH_ID, response_buttons
from bot.views.comparison import comparison, user_sees_values
from bot.views.lists import Link, long_title, row
from bot.views.text import footnote, local_time, paragraph, sentence
from bot.visibility import Overview

MAX_WAITING = 8
"""Waiting approvals that are shown in full: each has 12 blocks at most, and a Home 100.

Source: https://docs.slack.dev/reference/views/home-tab-views
"""

MAX_BLOCKS_WAITING = 70
MAX_ROWS = 10
"""Approvals in each other section."""

MAX_SAID = 1000

_NOTHING_WAITS = "Nothing is waiting for you. New requests appear here and in their channel."
_NOTHING_REQUESTED = "You have no requests from the last 30 days. Requests that name you as the requester appear here."
_NOTHING_DECIDED = "No recent decisions involve you."
_HELP = "`/approvals` shows this list in any channel, only to you. `/approvals help` lists the commands."


def home_view(
    overview: Overview,
    waiting: Iterable[Approval],
    link: Link,
    *,
    now: datetime,
    said: Text | str = "",
    tells: Callable[[Approval], str] = lambda _: "",
    user: str = "",
) -> View:
    """Return the Home, with `said` at its top. `waiting` has the waiting approvals in full, read as far as shown.

    `tells` returns what the user needs to know to respond to one of them, or nothing. `user` is their ID.
    """
    told = [paragraph(sentence(truncate(said, MAX_SAID)))] if said else []
    number = len(overview.waiting)
    refresh = ButtonElement(text="Refresh", action_id=REFRESH_ID, value="refresh")
    return View(
        type="home",
        blocks=[
            *told,
            HeaderBlock(text=f"Waiting for you ({number})" if number else "Waiting for you"),
            *_waiting(number, ((each, tells(each)) for each in waiting), link, user),
            HeaderBlock(text="Your requests"),
            *_rows(overview.requested, link, _NOTHING_REQUESTED, own=True),
            HeaderBlock(text="Recently decided"),
            *_rows(overview.decided, link, _NOTHING_DECIDED),
            DividerBlock(),
            ActionsBlock(elements=[refresh]),
            footnote(f"Updated {local_time(now)}. {_HELP}"),
        ],
    )


def _waiting(number: int, approvals: Iterable[tuple[Approval, str]], link: Link, user: str) -> list[Block]:
    blocks: list[Block] = []
    shown = 0
    for place, (approval, told) in enumerate(islice(approvals, MAX_WAITING)):
        more = _waits(approval, told, link, place, user)
        if len(blocks) + len(more) > MAX_BLOCKS_WAITING:
            break
        blocks += more
        shown += 1
    return [*blocks, *_rest(number - shown)] if number else [paragraph(_NOTHING_WAITS)]


def _waits(approval: Approval, told: str, link: Link, place: int, user: str) -> list[Block]:
    """Return a waiting approval with all of its request if there is room for it, else with its title alone."""
    shown = fit(approval, SLACK_HOME)
    title = [row(summarize(approval), link), *long_title(approval)]
    title += comparison(approval, values=user_sees_values(approval, user))
    if shown.is_complete:
        content = details.from_request(shown)
    else:
        shown = fit(approval, SLACK_HOME, taken=SLACK_HOME.room)
        content = [message.omitted(shown, message.on_the_page())]
    ours = footnote(*filter(None, (message.source_line(approval), sentence(wording.requester_warning(approval)))))
    fits = message.has_fitting_form(approval)
    notes = [*([sentence(told)] if told else []), *([] if fits else [message.FORM_ON_THE_PAGE])]
    note = [paragraph(" ".join(notes))] if notes else []
    buttons = response_buttons(approval, all_shown=shown.is_complete and fits, place=place)
    return [*title, *content, ours, *note, buttons, DividerBlock()]


def _rows(approvals: Sequence[Summary], link: Link, nothing: str, *, own: bool = False) -> list[Block]:
    shown = [row(approval, link, own=own) for approval in approvals[:MAX_ROWS]]
    return [*shown, *_rest(len(approvals) - len(shown))] if shown else [paragraph(nothing)]


def _rest(number: int) -> list[Block]:
    return [footnote(f"{number:,} more: use `/approvals`.")] if number else []
