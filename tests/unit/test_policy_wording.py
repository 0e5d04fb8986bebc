"""Which rule of the policy asked for what: the same on every surface, and nothing without a policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from approvals.domain.events import events
from approvals.domain.model import Action, Approval, Request
from approvals.domain.pinned_policy import AppliedRule, PinnedPolicy
from approvals.domain.policy_wording import MAX_WORDS, describe_policy
from approvals.domain.result import most_bytes, output, result
from approvals.requests.policy_floor import parse_under
from approvals.requests.schema import published
from bot.views.approval import outcome_blocks, request_blocks
from cli.document import document, lines
from cli.export_columns import cell, row
from mail.messages import Links, outcome_mail, request_mail
from scripts.events_reference import delivered
from tests.support.builders import NOW, WORKFLOW, an_approval, decided
from tests.support.group_requests import OTTO, SUE, one_of_each, said_by
from tests.support.policies import a_policy
from web import pages

LINKS = Links("https://example.com", one_click=False)
SENTENCE = (
    "version 7 requires a comment to approve (always); "
    "2 approvals, 1 approval from security, 1 approval from ops (rule prod, raised the request)"
)
RULES: list[dict[str, Any]] = [
    {"Name": "policy", "Required": ["a comment to approve"], "Raised": []},
    {
        "Name": "prod",
        "Required": ["2 approvals", "1 approval from security", "1 approval from ops"],
        "Raised": ["RequiredApprovals: 1 to 2", "Groups.security: 0 to 1", "Groups.ops: 0 to 1"],
    },
]


def raised() -> Request:
    """Return a request that the rule `prod` raised to one of security and one of ops."""
    policy = a_policy(
        Comment={"Approve": "required"},
        Rules=[{"Name": "prod", "RequiredGroups": {"security": 1, "ops": 1}, "Enforce": "raise"}],
    )
    asked: dict[str, Any] = {
        "Approvers": ["sue@example.com", "otto@example.com", "pia@example.com"],
        "RequestedBy": "ro@example.com",
        "Comment": {"Approve": "required"},
    }
    return parse_under(policy, {"Approval": asked}, default_timeout=NOW - NOW, workflow=WORKFLOW)


def under_policy() -> Approval:
    """Return an open approval under the policy, of Sue, Otto and Pia."""
    approval = one_of_each()
    return replace(approval, request=replace(approval.request, policy=raised().policy))


def approved() -> Approval:
    return said_by(said_by(under_policy(), SUE), OTTO, minutes=2)


SURFACES: dict[str, Callable[[], str]] = {
    "the page": lambda: pages.confirm(under_policy(), Action.APPROVE, {}, now=NOW),
    "the outcome's page": lambda: pages.outcome(approved(), Action.APPROVE, OTTO.id),
    "the email": lambda: request_mail(under_policy(), OTTO.id, LINKS).text,
    "the outcome's email": lambda: outcome_mail(approved(), OTTO.id).text,
    "the message": lambda: str([block.to_dict() for block in request_blocks(under_policy())]),
    "the decided message": lambda: str([block.to_dict() for block in outcome_blocks(approved())]),
    "show": lambda: "\n".join(lines(under_policy(), NOW)),
}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_says_which_rule_asked_for_what_once(surface: str) -> None:
    shown = " ".join(SURFACES[surface]().split())
    assert shown.count(SENTENCE) == 1


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([], "version 7"),
        ([AppliedRule(name="policy")], "version 7"),
        (
            [AppliedRule(name="policy", raised=("RequiredRejections: 2 to 1",))],
            "version 7 requires RequiredRejections: 2 to 1 (always, raised the request)",
        ),
    ],
)
def test_rule_that_asks_for_nothing_is_not_named(rules: list[AppliedRule], sentence: str) -> None:
    pinned = PinnedPolicy(parameter="/approvals/policy", version=7, sha256="", rules=tuple(rules))
    assert describe_policy(pinned) == sentence


def test_many_rules_do_not_fill_a_message() -> None:
    rules = tuple(AppliedRule(name=f"rule-{number}", required=("2 approvals",)) for number in range(30))
    pinned = PinnedPolicy(parameter="/approvals/policy", version=7, sha256="", rules=rules)
    assert len(describe_policy(pinned)) == MAX_WORDS


def test_programs_get_version_digest_and_rules() -> None:
    approval = approved()
    assert approval.request.policy
    policy = {"Version": 7, "Sha256": approval.request.policy.sha256, "Rules": RULES}
    assert result(approval)["Policy"] == policy
    assert document(approval)["Policy"] == policy
    exported: Any = row(approval)["policy"]
    assert list(exported) == ["version", "sha256", "rules", "now", "asked_again"]
    assert [rule["raised"] for rule in exported["rules"]] == [rule["Raised"] for rule in RULES]
    assert "RequiredApprovals: 1 to 2" in cell(exported)


def test_events_of_the_request_and_its_decision_have_the_policy() -> None:
    validator = Draft202012Validator(dict(published("events.schema.json")))
    found = {event.kind.value: event for event in events(approved(), "human-approval")}
    for event in found.values():
        validator.validate(delivered(event))
    with_policy = {kind for kind, event in found.items() if "Policy" in event.detail}
    assert with_policy == {"ApprovalRequested", "ApprovalDecided"}
    policy: Any = found["ApprovalRequested"].detail["Policy"]
    assert policy["Rules"] == RULES


def test_without_a_policy_nothing_is_said_of_one() -> None:
    open_, closed = an_approval(), decided()
    for found in (result(closed), document(closed), document(open_)):
        assert "Policy" not in found
    assert row(closed)["policy"] is None
    assert all("Policy" not in event.detail for event in events(closed, "human-approval"))
    texts = ["\n".join(lines(open_, NOW)), pages.confirm(open_, Action.APPROVE, {}, now=NOW)]
    assert all("version" not in text and ">Policy<" not in text for text in texts)


def test_result_size_counts_the_policy() -> None:
    rules = tuple(AppliedRule(name=f"rule-{n}", required=("1 approval from security",) * 20) for n in range(30))
    approval = approved()
    plain = replace(approval.request, policy=None)
    large = replace(plain, policy=PinnedPolicy(parameter="/p", version=7, sha256="0" * 64, rules=rules))
    added = len(output(replace(approval, request=large))) - len(output(replace(approval, request=plain)))
    assert added > 15_000
    assert most_bytes(large) - most_bytes(plain) >= added - len(', "')
    assert json.loads(output(replace(approval, request=large)))["Policy"]["Rules"][29]["Name"] == "rule-29"
