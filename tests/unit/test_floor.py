"""The merge of a request with the operator's policy: nothing slips under the floor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.groups import REQUESTED, Group
from approvals.domain.model import Action, Json, Presence, Request, Severity
from approvals.domain.policy import Policy
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.requests.policy_floor import parse_under
from tests.support.builders import WORKFLOW
from tests.support.policies import a_policy

HOUR = timedelta(hours=1)
ANN, BO = "ann@example.com", "bo@example.com"


def under(policy: Policy, context: Mapping[str, Json] | None = None, /, **asked: Any) -> Request:
    given: dict[str, Any] = {"RequestedBy": "ro@example.com", **asked}
    request = {key: value for key, value in given.items() if value is not None}
    execution_input: dict[str, Json] = {"Approval": request, **(context or {})}
    return parse_under(policy, execution_input, default_timeout=HOUR, workflow=WORKFLOW)


def refusal(policy: Policy, context: Mapping[str, Json] | None = None, /, **asked: Any) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        under(policy, context, **asked)
    return [problem.removeprefix("Approval.") for problem in caught.value.problems]


_PROD = {"Name": "prod", "Unless": {"Facts": {"Environment": ["dev"]}}}


@pytest.mark.parametrize(
    ("rule", "asked", "problem"),
    [
        (
            {"MinimumApprovals": 2},
            {"Approvers": [ANN, BO]},
            'RequiredApprovals: 1 is below the minimum of 2 (policy rule "prod"). Ask for at least 2.',
        ),
        (
            {"RequiredGroups": {"security": 1}},
            {"Approvers": [ANN, BO]},
            'Groups: 1 approval from "security" is required (policy rule "prod"). Add {"Name": "security"}.',
        ),
        (
            {"RequiredGroups": {"security": 2}},
            {"Groups": [{"Name": "security"}], "RequiredApprovals": 2},
            (
                'Groups: 2 approvals from "security" are required (policy rule "prod"). '
                'Add {"Name": "security", "Required": 2}.'
            ),
        ),
        (
            {"Severity": "high"},
            {"Approvers": [ANN]},
            'Severity: "high" is required (policy rule "prod"), got "normal". Set it to "high".',
        ),
        (
            {"Comment": {"Reject": "required"}},
            {"Approvers": [ANN]},
            'Comment.Reject: "required" is required (policy rule "prod"), got "optional". Set it to "required".',
        ),
        (
            {"LongestMinutes": 1440},
            {"Approvers": [ANN], "TimeoutMinutes": 2880},
            'TimeoutMinutes: 2,880 is longer than the 1,440 that the policy rule "prod" allows. Ask for at most 1,440.',
        ),
        (
            {"OnTimeout": "reject"},
            {"Approvers": [ANN]},
            'OnTimeout: "reject" is required (policy rule "prod"), got "expire". Set it to "reject".',
        ),
        (
            {"Channel": "C0PROD0001"},
            {"Approvers": [ANN]},
            'Channel: "C0PROD0001" is required (policy rule "prod"), got "none". Set it to "C0PROD0001".',
        ),
    ],
)
def test_request_below_a_rule_is_refused_with_its_name(
    rule: dict[str, Any], asked: dict[str, Any], problem: str
) -> None:
    assert refusal(a_policy(Rules=[{**_PROD, **rule}]), **asked) == [problem]
    # Where the rule does not apply, the same request passes.
    under(
        a_policy(Rules=[{**_PROD, **rule}]),
        **{**asked, "Facts": [{"Label": "Environment", "Value": "dev"}]},
    )


@pytest.mark.parametrize(
    ("keys", "asked", "problem"),
    [
        (
            {},
            {"Approvers": [ANN], "AllowSelfApproval": True},
            "AllowSelfApproval: the policy does not allow self-approval. Remove this key.",
        ),
        (
            {},
            {"Approvers": [ANN], "RequestedBy": None},
            "RequestedBy: required by the policy, so that requesters can't approve their own requests.",
        ),
        ({}, {}, "Approvers: the policy does not allow open requests. Name approvers or groups."),
        (
            {},
            {"Approvers": [ANN, BO], "RequiredRejections": 2},
            "RequiredRejections: 2 is above the maximum of 1 (policy). Ask for at most 1.",
        ),
        (
            {},
            {"Approvers": [ANN, "x@other.org"]},
            "Approvers[1]: x@other.org may not approve here. The policy allows @example.com.",
        ),
        (
            {},
            {"Approvers": [ANN], "EscalateTo": ["x@other.org"], "EscalateAfterMinutes": 5},
            "EscalateTo[0]: x@other.org may not approve here. The policy allows @example.com.",
        ),
        (
            {},
            {"Groups": [{"Name": "legal"}]},
            'Groups[0].Approvers: required, since the policy has no group "legal" (it has "security" and "ops").',
        ),
        (
            {},
            {"Groups": [{"Name": "requested", "Approvers": [ANN]}]},
            'Groups[0].Name: "requested" is reserved. Choose another name.',
        ),
    ],
)
def test_what_the_document_itself_refuses(keys: dict[str, Any], asked: dict[str, Any], problem: str) -> None:
    assert refusal(a_policy(**keys), **asked)[:1] == [problem]


def test_rules_that_contradict_each_other_refuse_and_are_named() -> None:
    rules = [
        {"Name": "prod", "Unless": {"Facts": {"a": ["1"]}}, "Channel": "C0PROD0001"},
        {"Name": "pci", "Unless": {"Facts": {"a": ["1"]}}, "Channel": "C0PCI00001"},
    ]
    assert refusal(a_policy(Rules=rules, Enforce="raise"), Approvers=[ANN])[0] == (
        'Channel: policy rules "prod" and "pci" name different channels. '
        "Ask the operator of this stack to fix the policy."
    )


def raising(**rule: Any) -> Policy:
    return a_policy(Rules=[{**_PROD, **rule, "Enforce": "raise"}])


def test_raised_request_has_the_stricter_value_of_each_key() -> None:
    policy = raising(
        MinimumApprovals=2,
        MaximumRejections=1,
        Severity="high",
        Comment={"Approve": "required"},
        LongestMinutes=30,
        OnTimeout="reject",
        Channel="C0PROD0001",
    )
    request = under(policy, Approvers=[ANN, BO], Reminders=[10, 45])
    assert (request.required_approvals, request.severity, request.timeout) == (2, Severity.HIGH, timedelta(minutes=30))
    assert request.comments == {Action.APPROVE: Presence.REQUIRED, Action.REJECT: Presence.OPTIONAL}
    assert (request.on_timeout, request.channel, request.reminders) == (
        "reject",
        "C0PROD0001",
        (timedelta(minutes=10),),
    )
    assert request.policy
    document, rule = request.policy.rules
    assert (document.name, document.raised) == ("policy", ())
    assert rule.name == "prod"
    assert rule.raised == (
        "RequiredApprovals: 1 to 2",
        "Severity: normal to high",
        "Comment.Approve: optional to required",
        "OnTimeout: expire to reject",
        "Channel: none to C0PROD0001",
    )
    assert rule.required[:2] == ("2 approvals", "high severity")


def test_time_limit_of_the_stack_gives_way_without_a_word() -> None:
    request = under(a_policy(LongestMinutes=30), Approvers=[ANN])
    assert request.timeout == timedelta(minutes=30)
    assert request.policy
    assert [rule.raised for rule in request.policy.rules] == [()]


def test_added_group_adds_to_what_the_request_asks() -> None:
    request = under(raising(RequiredGroups={"security": 1}), Approvers=[ANN])
    assert request.groups == (
        Group(name="security", approvers=("sue@example.com", "pia@example.com"), required=1),
        Group(name=REQUESTED, approvers=(ANN,), required=1),
    )


def test_added_group_adds_to_what_the_request_asks_of_the_policys_own_group() -> None:
    """The author asks two of security. One of security and one of ops are not what they asked."""
    request = under(raising(RequiredGroups={"ops": 1}), Groups=[{"Name": "security"}], RequiredApprovals=2)
    security = ("sue@example.com", "pia@example.com")
    assert Group(name=REQUESTED, approvers=security, required=2) in request.groups


def test_raised_open_request_becomes_its_groups() -> None:
    request = under(raising(RequiredGroups={"security": 1}))
    assert [group.name for group in request.groups] == ["security"]
    assert not request.is_open


def test_people_who_are_all_named_make_no_group_of_their_own() -> None:
    request = under(raising(RequiredGroups={"security": 1}), Approvers=["sue@example.com", "pia@example.com", ANN])
    assert [group.name for group in request.groups] == ["security"]


def test_refusing_rule_judges_the_request_as_it_was_written() -> None:
    rules = [{**_PROD, "MinimumApprovals": 2, "Enforce": "raise"}, {**_PROD, "Name": "pci", "MinimumApprovals": 2}]
    for order in (rules, rules[::-1]):
        assert refusal(a_policy(Rules=order), Approvers=[ANN, BO]) == [
            'RequiredApprovals: 1 is below the minimum of 2 (policy rule "pci"). Ask for at least 2.'
        ]


def test_escalation_that_a_shorter_deadline_leaves_out_is_refused() -> None:
    problems = refusal(
        raising(LongestMinutes=30), Approvers=[ANN], EscalateTo=[BO], EscalateAfterMinutes=40, TimeoutMinutes=50
    )
    assert problems == ["EscalateAfterMinutes: 40 is not less than the 30 minutes that the policy allows."]


def test_impossible_result_is_refused_after_the_merge() -> None:
    assert "RequiredApprovals: 3 is too many" in refusal(raising(MinimumApprovals=3), Approvers=[ANN, BO])[0]


def test_groups_that_a_policy_adds_are_no_more_than_a_request_can_have() -> None:
    own = [{"Name": f"team-{number}", "Approvers": [ANN, BO]} for number in range(10)]
    assert refusal(raising(RequiredGroups={"security": 1}), Groups=own, RequiredApprovals=2)[:1] == [
        "Groups: 12 groups are too many, those that the policy adds included. The maximum is 10."
    ]


def test_request_at_the_floor_is_as_it_was_written() -> None:
    asked: dict[str, Json] = {"Approvers": [ANN, BO], "RequiredApprovals": 2, "RequestedBy": "ro@example.com"}
    written = parse_request({"Approval": asked}, default_timeout=HOUR)
    assert replace(under(a_policy(MinimumApprovals=2), **asked), policy=None) == written


def test_policy_of_the_record_says_where_it_is_from() -> None:
    request = under(a_policy(LongestMinutes=30), Approvers=[ANN])
    policy = a_policy(LongestMinutes=30)
    assert request.policy
    assert (request.policy.parameter, request.policy.version, request.policy.sha256) == (
        "/approvals/policy",
        7,
        policy.sha256,
    )
    assert (request.policy.allowed, request.policy.longest_minutes) == ((("@example.com",),), 30)


def test_digest_is_that_of_the_input_as_it_was_written() -> None:
    written = '{"Approval": {"Approvers": ["ann@example.com", "bo@example.com"], "RequestedBy": "ro@example.com"}}'
    raised = under(raising(MinimumApprovals=2), Approvers=[ANN, BO])
    assert raised.digest == parse_request(json.loads(written), default_timeout=HOUR).digest
