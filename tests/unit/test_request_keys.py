"""Every key of the request's schema is read, stored, shown, searched, exported and has an option; or says why not.

A key that is forgotten somewhere fails here, with the name of the place.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.facts import LABELS
from approvals.domain.model import Action, Approval, Json
from approvals.domain.search import has_words
from approvals.requests.codec import read, write
from approvals.requests.schema import load
from bot.views.approval import request_blocks
from cli.commands.request import command
from cli.document import lines
from cli.export_columns import COLUMNS, row
from cli.request_options import WITHOUT_OPTION
from mail.messages import Links, request_mail
from tests.support.builders import NOW, an_approval
from web import pages

KEYS: dict[str, Any] = load("request.schema.json")["properties"]
NOT_EXPORTED = {
    *("Links", "Facts", "Notify", "Channel", "Comment", "Form", "TimeoutMinutes", "OnTimeout", "Reminders"),
    *("RemindDuring", "EscalateAfterMinutes", "MoreTime"),
}
"""An export says what was decided by whom: `approvals show --json` has the whole request."""

NOT_SHOWN = {"Channel"}
"""Texts that say how to ask. All others are what is asked."""

VALUES: dict[str, Json] = {
    "Links": [{"Label": "Plan", "Url": "https://example.com/plan"}],
    "Facts": [{"Label": "Version", "Value": "2"}],
    "Action": {"Command": ["marker"]},
    "Grant": {"Uses": 3},
    "Groups": [{"Name": "security", "Approvers": ["ann@example.com"]}],
    "Channel": "C0123456789",
    "Comment": {"Reject": "required"},
    "Form": [{"Name": "Version", "Type": "text"}],
    "Reminders": [5],
    "RemindDuring": {"Days": ["Mon"], "From": "09:00", "To": "17:00", "TimeZone": "Europe/Berlin"},
    "MoreTime": {"Times": 3},
}
"""Values of the keys whose form a schema does not tell."""

PAGE = "the page (web/sections.py)"
SURFACES: dict[str, Callable[[Approval], str]] = {
    PAGE: lambda approval: pages.confirm(approval, Action.APPROVE, {}, now=NOW),
    "the email (mail/messages.py)": lambda approval: (
        request_mail(approval, "ann@example.com", Links("https://example.com", one_click=False)).text
    ),
    "Slack (bot/views)": lambda approval: str([block.to_dict() for block in request_blocks(approval)]),
    "the command show (cli/document.py)": lambda approval: "\n".join(lines(approval, NOW)),
}
REMEDY = 'give its field in approvals/domain/model.py a label: field(default=None, metadata={"label": "…"})'


def a_value(key: str) -> Json:
    schema = KEYS[key]
    if key in VALUES:
        return VALUES[key]
    if "enum" in schema:
        return str(schema["enum"][-1])
    values: dict[str, Json] = {"integer": 3, "boolean": True, "array": ["ann@example.com"]}
    return values.get(schema["type"], "marker@example.com" if schema.get("format") == "person" else "marker")


def asking(**asked: Json) -> Approval:
    request = read(asked, default_timeout=timedelta(hours=1), context={}, digest="")
    return an_approval(request=request)


TEXTS = [key for key, schema in KEYS.items() if schema.get("type") == "string" and key not in NOT_SHOWN] + ["Action"]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_read_and_stored(key: str) -> None:
    request = asking(**{key: a_value(key)}).request
    is_read = write(request) != write(asking().request)
    assert is_read, f"{key} is not read: add its field to Request in approvals/domain/model.py"
    assert asking(**dict(write(request))).request == request


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_an_option(key: str) -> None:
    options = {parameter.name for parameter in command.params}
    assert (key in options) is not (key in WITHOUT_OPTION), f"{key} has no option: see cli/request_options.py"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_in_the_export_or_said_not_to_be(key: str) -> None:
    exported = row(asking(**{key: a_value(key)})) != row(asking())
    assert exported is not (key in NOT_EXPORTED), (
        f"{key} has no export column: {REMEDY}, or a column (cli/export_columns.py)"
    )


@pytest.mark.parametrize("key", TEXTS)
def test_a_search_finds_every_text(key: str) -> None:
    assert has_words(asking(**{key: a_value(key)}), "marker"), f"a search does not find {key}: {REMEDY}"


@pytest.mark.parametrize("place", SURFACES)
@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_shown(key: str, place: str) -> None:
    assert "marker" in SURFACES[place](asking(**{key: a_value(key)})), f"{key} is not shown on {place}: {REMEDY}"


@pytest.mark.parametrize("place", SURFACES)
def test_the_terms_of_a_grant_are_shown(place: str) -> None:
    shown = SURFACES[place](asking(Action="apply", Grant={"Uses": 3, "ValidMinutes": 90}))
    shown = " ".join(shown.replace("\n| ", " ").split())  # emails are wrapped
    assert "the action can be executed up to 3 times, within 90 minutes of the approval" in shown


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_has_its_position_on_the_page_before_the_rules(key: str) -> None:
    page = SURFACES[PAGE](asking(**{key: a_value(key)}))
    assert -1 < page.find("marker") < page.index("Who can respond"), f"{key} has no position on {PAGE}: {REMEDY}"


def test_every_label_has_a_column_of_its_own() -> None:
    assert set(LABELS) <= set(COLUMNS)
