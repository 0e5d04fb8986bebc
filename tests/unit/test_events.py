"""The events on EventBridge: what they say, that it is documented, and that nothing else gets out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import create_autospec

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mypy_boto3_events import EventBridgeClient

from approvals.adapters.event_bus import MAX_BYTES as MAX_BATCH
from approvals.adapters.event_bus import MAX_ENTRIES, EventBus, batches
from approvals.domain.eligibility import Reason
from approvals.domain.errors import DeliveryError
from approvals.domain.events import MAX_CAUSE, Event, events, owed
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.history import Kind, history
from approvals.domain.model import Action, Approval, Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import MAX_REFUSALS, MAX_WITHDRAWALS_IN_ALL, judge
from approvals.domain.steps import Step
from approvals.requests.lookup import MAX_PEOPLE
from approvals.requests.schema import published
from scripts.events_reference import PAGE, approval, delivered, examples, page
from tests.support.builders import (
    MAX_REQUESTED_BY,
    MAX_TITLE,
    NOW,
    TOKEN,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)
from tests.support.delegates import ANN, BO, DAN, a_delegation, by_email
from tests.support.iam_callers import SSO_ROLE, by_iam
from tests.support.overrides import IVY, PINNED, TODAY, an_override

SCHEMA = published("events.schema.json")
EXAMPLES: list[dict[str, Any]] = [{**example} for example in examples()]
VALIDATOR = Draft202012Validator(dict(SCHEMA))

BY_IAM = "Role"
"""The key that only events about responses by IAM have."""

OF_DELEGATES = {"For", "WithdrawnBy"}
"""The keys that only events about responses of delegates have."""

UNDER_POLICY = "Policy"
"""The key that only events about requests under a policy have."""

OPTIONAL = {BY_IAM, UNDER_POLICY, "Override", *OF_DELEGATES}

ROLE = Person(id=SSO_ROLE, name="role", identities={"iam": SSO_ROLE})
OTHER_ROLE = f"{SSO_ROLE[:-1]}0"


def of(found: Approval) -> dict[str, dict[str, Any]]:
    """Return the details of all events of an approval, by the end of their id."""
    return {str(event.detail["Id"]).partition("/")[2]: dict(event.detail) for event in events(found, "prod")}


def test_the_page_is_what_the_schema_says() -> None:
    """Else run `python -m scripts.events_reference`."""
    assert PAGE.read_text() == page(SCHEMA)


def test_every_event_is_documented_with_an_example_that_fits_the_schema() -> None:
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    found = [example for example in shown if "Id" in example.get("detail", {})]
    assert [example["detail-type"] for example in found] == list(Kind)
    for example in found:
        VALIDATOR.validate(example)


def test_an_event_has_exactly_the_keys_that_the_schema_names() -> None:
    """The schema is open, for what a later version adds; the code keeps to it to the letter."""
    for example in EXAMPLES:
        known = [SCHEMA["$defs"][name] for name in ("EveryEvent", example["detail-type"])]
        keys = [key for part in known for key in part.get("properties", {})]
        required = [key for part in known for key in part.get("required", ())]
        assert list(example["detail"]) == required == [key for key in keys if key in required]
        assert {*keys} - {*required} <= OPTIONAL


def test_an_event_about_a_response_by_iam_names_the_role() -> None:
    refused = by_iam("bo@example.com", OTHER_ROLE)
    approval = an_approval(people=People(approvers=(ROLE,)))
    for response in (a_response(approver=refused), a_response(approver=by_iam("ann@example.com"))):
        approval = judge(approval, response).approval
    made = [event for event in events(approval, "prod") if event.kind in (Kind.RESPONDED, Kind.REFUSED)]
    for event, role in zip(made, (SSO_ROLE, OTHER_ROLE), strict=True):
        VALIDATOR.validate(delivered(event))
        assert event.detail[BY_IAM] == role


def test_events_about_delegates_name_the_person_whose_seat_it_is() -> None:
    approval = an_approval(
        people=People(approvers=(ANN, BO), delegations=(a_delegation(ANN, DAN),)),
        request=Request(timeout=timedelta(hours=1), approvers=(ANN.id, BO.id), required_approvals=2),
    )
    for approver, minutes in ((DAN, 1), (ANN, 2)):
        approval = judge(approval, a_response(approver=by_email(approver), minutes=minutes)).approval
    made = of(approval)
    for event in events(approval, "prod"):
        VALIDATOR.validate(delivered(event))
    assert made["delegation-1"] | {"Delegate": DAN.id, "For": ANN.id, "How": "away"} == made["delegation-1"]
    assert (made["response-1"]["By"], made["response-1"]["For"]) == (DAN.id, ANN.id)
    assert (made["withdrawal-1"]["By"], made["withdrawal-1"]["WithdrawnBy"]) == (DAN.id, ANN.id)
    assert "For" not in made["response-2"]
    texts = [entry.text for entry in history(approval)]
    assert "dan@example.com approved for ann@example.com by email." in texts
    assert "ann@example.com responded in person, so the response of dan@example.com no longer counts." in texts


def test_events_of_an_override_and_of_an_attempt_say_so() -> None:
    asked = an_approval(request=replace(an_approval().request, policy=PINNED), people=People(approvers=(ROLE,)))
    refused = judge(asked, an_override(approver=by_iam("bo@example.com"))).approval
    found = judge(refused, an_override()).approval
    for event in events(found, "prod"):
        VALIDATOR.validate(delivered(event))
    details = of(found)
    assert details["refusal-1"]["Override"] is True
    assert details["decided"]["Override"] == {
        "By": IVY.id,
        "Name": IVY.name,
        "Role": IVY.role,
        "Policy": {"Parameter": TODAY.parameter, "Version": TODAY.version, "Sha256": TODAY.sha256},
        "Skipped": [SSO_ROLE],
    }
    broken, found_detail = (
        delivered(next(event for event in events(found, "prod") if event.kind is Kind.DECIDED)),
        details["decided"],
    )
    assert not VALIDATOR.is_valid({**broken, "detail": {**found_detail, "Override": {}}})


@pytest.mark.parametrize("kind", Kind)
def test_the_schema_tells_a_detail_of_one_kind_from_all_that_lack_its_keys(kind: Kind) -> None:
    [example] = [each for each in EXAMPLES if each["detail-type"] == kind]
    for key in example["detail"]:
        broken = {**example, "detail": {k: v for k, v in example["detail"].items() if k != key}}
        assert not VALIDATOR.is_valid(broken), key
    assert not VALIDATOR.is_valid({**example, "detail-type": "SomethingElse"})


def test_the_reasons_in_the_schema_are_those_of_the_rules() -> None:
    """But for those that are not kept."""
    reasons = SCHEMA["$defs"]["ResponseRefused"]["properties"]["Reason"]["enum"]
    assert set(reasons) == {reason for reason in Reason if not reason.is_passing}


def test_there_is_one_event_for_each_entry_of_the_history_with_an_id_of_its_own() -> None:
    found = approval()
    assert [event.kind for event in events(found, "prod")] == [entry.kind for entry in history(found)]
    assert list(of(found)) == [entry.key for entry in history(found)]
    assert {event.detail["ApprovalId"] for event in events(found, "prod")} == {found.id}


def test_the_status_is_the_one_right_after_what_happened() -> None:
    found = of(replace(decided(), steps={Step.RESUME: NOW + timedelta(minutes=2)}))
    assert {key: detail["Status"] for key, detail in found.items()} == {
        "requested": "PENDING",
        "response-1": "PENDING",
        "decided": "APPROVED",
        "workflow": "APPROVED",
    }


def test_a_decision_says_who_or_why() -> None:
    assert (
        of(decided(Action.REJECT, comment="No"))["decided"].items()
        >= {
            "Status": "REJECTED",
            "DecidedBy": "alice@example.com",
            "Channel": "email",
            "Comment": "No",
            "Error": None,
        }.items()
    )
    assert of(expired())["decided"].items() >= {"DecidedBy": None, "Error": "ApprovalExpired"}.items()
    long = of(cancelled("x" * (MAX_CAUSE + 1)))["decided"]
    assert (len(long["Cause"]), long["Cause"][-1]) == (MAX_CAUSE, "…")


def test_people_told_are_named_as_on_the_channel_that_told_them() -> None:
    steps = (
        "request_slack",
        "request_slack:U0DAVE0006",
        "request_email:a@example.com",
        "notice_email:b@x.org",
        "notice_slack",
    )
    told = [
        detail for key, detail in of(an_approval(steps=dict.fromkeys(steps, NOW))).items() if key.startswith("told-")
    ]
    assert [(detail["To"], detail["Channel"]) for detail in told] == [
        (None, "slack"),
        ("U0DAVE0006", "slack"),
        ("a@example.com", "email"),
        ("b@x.org", "email"),
        (None, "slack"),
    ]


def test_published_events_are_owed_no_more_and_later_ones_are() -> None:
    before = an_approval(steps={"request_email:alice@example.com": NOW})
    published = frozenset(event.mark for event in owed(before, "prod"))
    assert owed(replace(before, published=published), "prod") == ()
    later = decided(steps=before.steps, published=published)
    assert [event.kind for event in owed(later, "prod")] == [Kind.RESPONDED, Kind.DECIDED]


def test_the_deadline_of_the_request_stays_when_it_moves() -> None:
    moved = of(approval())
    assert moved["requested"]["Deadline"] == "2026-11-23T13:00:00.000Z"
    assert moved["extension-1"]["Deadline"] == "2026-11-23T14:00:00.000Z"


def test_no_event_has_a_secret_or_anything_of_the_input() -> None:
    request = Request(
        timeout=timedelta(hours=1), details="the details", facts=(("a", "the fact"),), context={"a": "it"}
    )
    text = json.dumps([delivered(event) for event in events(decided(request=request), "prod")])
    for hidden in (TOKEN, "k" * 32, "the details", "the fact", '"it"'):
        assert hidden not in text


def test_the_marks_of_all_that_can_happen_take_little_of_a_record() -> None:
    """DynamoDB's 400 KB are for what was asked and answered."""
    addresses = [f"{number:03}@{'a' * 240}.example.com" for number in range(MAX_PEOPLE + 50)]
    steps = {f"{kind}:{to}": NOW for kind in ("request_email", "notice_email") for to in addresses}
    told = [event.mark for event in events(an_approval(steps=steps), "prod")]
    assert len(set(told)) == len(steps) + 1
    others = (50 + 2 * MAX_WITHDRAWALS_IN_ALL + MAX_REFUSALS) * len("withdrawal-100")
    assert sum(map(len, told)) + others < 20_000


@given(st.characters(codec="utf-8"))
def test_ten_events_fit_in_one_call_whatever_people_write(character: str) -> None:
    who = Approver(id=character * 254, name=character * 254, channel="email")
    request = Request(
        title=character * MAX_TITLE, requested_by=character * MAX_REQUESTED_BY, timeout=timedelta(hours=1)
    )
    large = an_approval(request=request, responses=(a_response(approver=who, comment=character * MAX_COMMENT),))
    large_cause = replace(cancelled(character * 40_000), request=request)
    for found in (large, large_cause):
        sizes = [len(json.dumps(event.detail, ensure_ascii=False).encode()) for event in events(found, "x" * 128)]
        assert MAX_ENTRIES * (max(sizes) + 3_000) < MAX_BATCH


def test_events_with_large_forms_are_put_in_as_many_calls_as_they_need() -> None:
    """Within its limits, a form changed by two people takes 174 KB in an event."""
    form = (FormField(name="Text", label="Text", type=FieldType.TEXT),)
    request = Request(timeout=timedelta(hours=1), form=form, required_approvals=2)
    long = replace(a_response(), form={"Text": "x" * 87_000}, replaced={"Text": "y" * 87_000})
    found = an_approval(request=request, responses=(long,) * 4)
    put = list(batches(events(found, "prod")))
    assert [event.detail["Id"] for batch in put for event in batch] == [
        event.detail["Id"] for event in events(found, "prod")
    ]
    sizes = [sum(len(json.dumps(event.detail, ensure_ascii=False).encode()) for event in batch) for batch in put]
    assert max(sizes) < MAX_BATCH
    assert len(put) == 4


def test_a_changed_form_is_told_with_the_values_before_and_after() -> None:
    found = of(approval())
    assert (found["response-2"]["Form"], found["response-2"]["Replaced"]) == ({"Share": 10}, None)
    assert (found["response-3"]["Form"], found["response-3"]["Replaced"]) == ({"Share": 5}, {"Share": 10})
    reset = found["reset-2"]
    assert (reset["By"], reset["Of"], reset["Number"]) == ("lead@example.com", "ann@example.com", 2)
    assert reset["At"] == found["response-3"]["At"]


def some_events(number: int = 2) -> tuple[Event, ...]:
    return owed(replace(decided(), steps={Step.RESUME: NOW}), "prod")[:number]


@pytest.fixture
def eventbridge() -> Any:
    return boto3.client("events", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")


def test_an_event_is_put_on_the_named_bus_with_its_execution_as_resource(eventbridge: Any) -> None:
    first, second = some_events()
    with Stubber(eventbridge) as answers:
        entry = {
            "EventBusName": "ours",
            "Source": "human-approval",
            "DetailType": "ApprovalRequested",
            "Time": NOW,
            "Resources": ["arn:aws:states:eu-west-1:123456789012:execution:Deploy:run-1"],
            "Detail": json.dumps(first.detail),
        }
        taken = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}, {"EventId": "2"}]}
        answers.add_response("put_events", taken, {"Entries": [entry, ANY]})
        assert EventBus(lambda: eventbridge, "ours").put([first, second]) == {}
        answers.assert_no_pending_responses()


def test_events_that_the_bus_refused_are_returned_by_their_mark(eventbridge: Any) -> None:
    put = some_events()
    with Stubber(eventbridge) as answers:
        entries = [{"EventId": "1"}, {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]
        answers.add_response("put_events", {"FailedEntryCount": 1, "Entries": entries})
        assert EventBus(lambda: eventbridge, "ours").put(put) == {put[1].mark: "ThrottlingException"}


def test_a_bus_that_answers_with_an_error_or_not_at_all_is_tried_again(eventbridge: Any) -> None:
    bus = EventBus(lambda: eventbridge, "gone")
    with Stubber(eventbridge) as answers:
        answers.add_client_error("put_events", "AccessDeniedException", "who knows")
        with pytest.raises(DeliveryError, match=r"^EventBridge answered AccessDeniedException$"):
            bus.put(some_events())

    broken = create_autospec(EventBridgeClient)
    broken.put_events.side_effect = EndpointConnectionError(endpoint_url="https://events")
    with pytest.raises(DeliveryError, match="can't be reached: EndpointConnectionError"):
        EventBus(lambda: broken, "gone").put(some_events())
