"""What Slack's messages have room for. Standard library only."""

from __future__ import annotations

import json
from dataclasses import replace

from approvals.domain import facts
from approvals.domain.model import Approval
from approvals.domain.omissions import Surface, fit

MAX_RUN = 2900
"""Characters of one element of Slack's rich text: no limit is documented, a section's text has 3,000."""

_RUN = 30
"""What a run of rich text weighs beside its text and address: the JSON around it."""


def weigh(text: str) -> int:
    """Return what JSON weighs in a Slack message: UTF-16 units, with the three characters that Slack escapes."""
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return units + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def text_weight(text: str) -> int:
    """Return what a text weighs in a Slack message, as JSON without its quotes."""
    return weigh(json.dumps(text, ensure_ascii=False)) - 2


def slack_weight(text: str) -> int:
    """Return what a text weighs in a Slack message, where a long one takes several runs."""
    return text_weight(text) + _RUN * (len(text) // MAX_RUN)


SLACK_MESSAGE = Surface(
    13_000, slack_weight, part=220, row=12, block=50, group=60, run=_RUN, style=25, line=6, note=1300
)
"""A message, and the answer to `/approvals show`. What we say ourselves takes from the room: see `fit`.

Slack documents no limit; it was seen at 13,297 characters of one block, and lower where text is spread over many
elements: so the elements' own JSON is counted, too.
Source: https://github.com/slackapi/bolt-js/issues/2509, https://github.com/slackapi/bolt-js/issues/2867
"""

SLACK_HOME = replace(SLACK_MESSAGE, room=2500, note=0)
"""A request in the app's Home, beside others."""

EARLIER_MESSAGE = Surface(1000, slack_weight, part=0, row=25, block=0, group=0, run=0, style=0, line=0)
"""A message of an earlier version, still open: it cut each value at 1,000 characters, and 41 values to 40."""

EARLIER_MAX_KEY = 100
"""Characters at which it cut the key of a value."""


def was_all_in_earlier_message(approval: Approval) -> bool:
    """Return True if a Slack message of an earlier version, which may still be open, showed all of the request."""
    if approval.request.action is not None:
        return False  # They did not show it.
    short = all(len(label) <= EARLIER_MAX_KEY for label, _ in facts.input_rows(approval))
    return short and fit(approval, EARLIER_MESSAGE).is_complete
