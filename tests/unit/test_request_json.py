"""A request as JSON: what is read, what is written, and its fingerprint."""

from __future__ import annotations

import json
import re
from datetime import time, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given

from approvals.domain.facts import LABELS
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.grants import GrantTerms
from approvals.domain.groups import Group
from approvals.domain.model import Action, Json, MoreTime, OnTimeout, Presence, Request, RequestKind, Severity
from approvals.domain.working_hours import WorkingHours
from approvals.requests.codec import fingerprint, read, write
from approvals.requests.parse import InvalidRequestError, parse_request, read_request
from approvals.requests.schema import load, problems
from scripts.request_reference import EXAMPLES, PAGE, page
from tests.support.schema_values import SCHEMA, fitting

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

EVERYTHING: dict[str, Json] = {
    "Title": "Deploy",
    "Details": "**line 1**\nline 2",
    "Links": [{"Label": " Plan ", "Url": "https://example.com/plan"}],
    "Facts": [{"Label": "Version", "Value": "2"}, {"Label": "Users", "Value": 1.5}, {"Label": "Hot", "Value": True}],
    "RequestedBy": "ro@example.com",
    "Kind": "question",
    "Severity": "high",
    "Action": {"Command": ["apply"], "Count": 1.0},
    "Grant": {"Uses": 2.0, "ValidMinutes": None},
    "Approvers": ["ann@example.com", "U0CY000003", "S0GROUP001"],
    "Groups": [{"Name": "ops ", "Approvers": [" bo@example.com"], "Required": 1}],
    "Silent": ["fay@example.com"],
    "RequiredApprovals": 2,
    "RequiredRejections": 2,
    "AllowSelfApproval": True,
    "Notify": ["dan@example.com"],
    "Channel": "C0123456789",
    "Comment": {"Approve": "off", "Reject": "required"},
    "Form": [
        {"Name": "A", "Type": "text", "Default": " x ", "MaxLength": 5},
        {"Name": "B", "Label": "Bee", "Type": "number", "Default": 0, "Minimum": 0, "Maximum": 1.5, "Required": True},
        {"Name": "C", "Type": "choice", "Choices": ["x", " y "]},
        {"Name": "D", "Type": "yes-no", "Default": False},
        {"Name": "E", "Type": "date", "Minimum": "2026-11-23"},
    ],
    "TimeoutMinutes": 90.0,
    "OnTimeout": "reject",
    "Reminders": [60, 30],
    "RemindDuring": {"Days": ["Fri", "Mon"], "From": "22:30", "To": " 06:00", "TimeZone": "Europe/Berlin "},
    "EscalateTo": ["eve@example.com"],
    "EscalateAfterMinutes": 45,
    "MoreTime": {"Times": 3, "Minutes": 15},
}


def parsed(asked: dict[str, Json]) -> Request:
    return parse_request({"Approval": asked}, default_timeout=HOUR)


def test_every_key_is_read() -> None:
    labelled = {name.title().replace("_", "") for name in LABELS}  # tests/unit/test_request_keys.py reads them.
    assert set(EVERYTHING) == set(SCHEMA["properties"]) - labelled
    # Some keys contradict each other: a question has no grant.
    request = read_request({"Approval": EVERYTHING}, default_timeout=HOUR)
    assert request == Request(
        title="Deploy",
        details="**line 1**\nline 2",
        links=(("Plan", "https://example.com/plan"),),
        facts=(("Version", "2"), ("Users", "1.5"), ("Hot", "true")),
        action={"Command": ["apply"], "Count": 1.0},
        grant=GrantTerms(uses=2, valid=HOUR),
        requested_by="ro@example.com",
        kind=RequestKind.QUESTION,
        severity=Severity.HIGH,
        approvers=("ann@example.com", "U0CY000003", "S0GROUP001"),
        groups=(Group(name="ops", approvers=("bo@example.com",)),),
        silent=("fay@example.com",),
        required_approvals=2,
        required_rejections=2,
        allow_self_approval=True,
        notify=("dan@example.com",),
        channel="C0123456789",
        comments={Action.APPROVE: Presence.OFF, Action.REJECT: Presence.REQUIRED},
        form=(
            FormField(name="A", label="A", type=FieldType.TEXT, default="x", max_length=5),
            FormField(name="B", label="Bee", type=FieldType.NUMBER, default=0, minimum=0, maximum=1.5, required=True),
            FormField(name="C", label="C", type=FieldType.CHOICE, choices=("x", "y")),
            FormField(name="D", label="D", type=FieldType.YES_NO, default=False),
            FormField(name="E", label="E", type=FieldType.DATE, minimum="2026-11-23"),
        ),
        timeout=90 * MINUTE,
        on_timeout=OnTimeout.REJECT,
        reminders=(30 * MINUTE, 60 * MINUTE),
        remind_during=WorkingHours(days=("Mon", "Fri"), start=time(22, 30), end=time(6), zone="Europe/Berlin"),
        escalate_to=("eve@example.com",),
        escalate_after=45 * MINUTE,
        more_time=MoreTime(3, 15 * MINUTE),
        digest=request.digest,
    )


def test_omitted_keys_have_the_schemas_default() -> None:
    written: dict[str, Any] = write(parsed({"Comment": {}, "MoreTime": {}, "Form": [{"Name": "A", "Type": "text"}]}))
    for given_, schema in (
        (written, SCHEMA),
        (written["Comment"], SCHEMA["properties"]["Comment"]),
        (written["MoreTime"], SCHEMA["properties"]["MoreTime"]),
        (written["Form"][0], SCHEMA["properties"]["Form"]["items"]),
    ):
        for key, value in schema["properties"].items():
            if "default" in value:
                assert given_[key] == value["default"]


@pytest.mark.parametrize("key", sorted(EVERYTHING))
def test_each_key_read_alone_is_written_alone(key: str) -> None:
    asked = {name: None for name in EVERYTHING if name != key} | {key: EVERYTHING[key]}
    request = read(asked, default_timeout=2 * HOUR, context={}, digest="")
    assert read(write(request), default_timeout=HOUR, context={}, digest="") == request


@given(fitting(SCHEMA))
def test_a_written_request_is_read_as_the_same_request(asked: Any) -> None:
    context: dict[str, Json] = {"Version": 3}
    request = read(asked, default_timeout=HOUR, context=context, digest="d")
    written = json.loads(json.dumps(write(request)))
    assert read(written, default_timeout=9 * HOUR, context=context, digest="d") == request


@given(fitting(SCHEMA))
def test_a_written_request_could_have_been_sent(asked: Any) -> None:
    try:
        request = parsed(asked)
    except InvalidRequestError:
        return
    assert list(problems(write(request), SCHEMA, "Approval")) == []
    again = parsed(write(request))
    assert write(again) == write(request)


@pytest.mark.parametrize(
    ("minutes", "reminders"), [(60, [30, 45]), (61, [31, 46]), (4, [2, 3]), (3, [2]), (2, [1]), (1, [])]
)
def test_auto_reminds_at_half_and_at_three_quarters_of_the_time(minutes: int, reminders: list[int]) -> None:
    request = parsed({"TimeoutMinutes": minutes, "Reminders": "auto"})
    assert request.reminders == tuple(each * MINUTE for each in reminders)


def test_more_time_is_as_long_as_the_request_was_to_wait_at_first() -> None:
    assert parsed({"TimeoutMinutes": 30}).more_time == MoreTime(1, 30 * MINUTE)
    assert parsed({"MoreTime": {"Times": 2}}).more_time == MoreTime(2, HOUR)


def test_the_digest_is_what_the_docs_show_how_to_compute() -> None:
    """A later state sees the input with the result added."""
    asked: dict[str, Json] = {"Title": "Deploy 🚀"}
    execution_input: dict[str, Json] = {"Version": 2.5, "Größe": ["ü", None], "Approval": asked}
    request = parse_request(execution_input, default_timeout=HOUR)
    page = PAGE.with_name("call.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 the page's own example
    result = {**execution_input, "Approval": {**asked, "Result": {"Digest": request.digest}}}
    assert names["handler"](result, None) == result
    with pytest.raises(ValueError, match="not what was approved"):
        names["handler"]({**result, "Version": 2.6}, None)


def test_the_digest_is_of_canonical_json() -> None:
    text = '{"Approval":{"Title":"ü"},"a":[1,2.5,null],"b":{"c":1,"d":true}}'
    execution_input: Json = {"b": {"d": True, "c": 1}, "a": [1, 2.5, None], "Approval": {"Title": "ü"}}
    assert isinstance(execution_input, dict)
    assert fingerprint(execution_input) == sha256(text.encode()).hexdigest()


def test_an_input_without_a_request_has_the_digest_of_an_empty_one() -> None:
    assert fingerprint({"a": 1}) == fingerprint({"a": 1, "Approval": {}})
    assert fingerprint({"a": 1}) == fingerprint({"a": 1, "Approval": {"Result": {"Decision": "APPROVED"}}})


@given(fitting(SCHEMA), fitting(SCHEMA))
def test_two_requests_have_one_digest_only_if_they_are_one(one: Any, other: Any) -> None:
    texts = [json.dumps(each, sort_keys=True) for each in (one, other)]
    digests = [fingerprint({"Approval": each}) for each in (one, other)]
    assert (texts[0] == texts[1]) == (digests[0] == digests[1])


# docs/request.md


def test_the_reference_is_up_to_date() -> None:
    """Else run `python -m scripts.request_reference`."""
    assert PAGE.read_text() == page(load("request.schema.json"))


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_example_of_the_reference_is_a_request(title: str) -> None:
    _, request = EXAMPLES[title]
    parsed(request)


def test_the_reference_shows_each_key_and_each_kind_of_request() -> None:
    text = PAGE.read_text()
    assert all(f"| `{key}` |" in text for key in SCHEMA["properties"])
    used = {key for _, request in EXAMPLES.values() for key in request}
    assert {"RequiredApprovals", "Form", "EscalateTo", "Severity", "Reminders", "MoreTime"} <= used
