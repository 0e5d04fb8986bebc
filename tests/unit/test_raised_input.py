"""What `approvals policy check` prints for a raised request: a request that no rule refuses or raises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

from approvals.domain.groups import REQUESTED
from approvals.domain.model import Request
from approvals.domain.policy import Policy
from approvals.requests.policy import parse_policy
from approvals.requests.policy_floor import Judged, judge, raised_input
from demo.process import ROOT
from tests.support.policies import a_policy

ANN, BO = "ann@example.com", "bo@example.com"
HOUR = timedelta(hours=1)

RULES: list[dict[str, Any]] = [
    {},
    {"RequiredGroups": {"security": 1}},
    {"RequiredGroups": {"security": 1, "ops": 1}, "Comment": {"Approve": "required"}},
    {"MinimumApprovals": 2, "Severity": "high", "LongestMinutes": 30, "OnTimeout": "reject", "Channel": "C0PROD0001"},
]
ASKED: dict[str, list[Any]] = {
    "Approvers": [None, [ANN], [ANN, BO, "pia@example.com"]],
    "Groups": [
        None,
        [{"Name": "security"}],
        [{"Name": "named", "Approvers": [ANN, BO]}],
        [{"Name": "security", "Approvers": ["pia@example.com"]}, {"Name": "named", "Approvers": [BO]}],
    ],
    "RequiredRejections": [None, 2],
    "AllowSelfApproval": [None, True],
    "Reminders": [None, [20, 40]],
    "TimeoutMinutes": [None, 50],
    "MoreTime": [None, {"Times": 2}],
}


def judged(policy: Policy, execution_input: dict[str, Any]) -> Judged:
    return judge(policy, execution_input, default_timeout=HOUR, state_machine=lambda: "Deploy")


def cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for rule, values in product(RULES, product(*ASKED.values())):
        given = {key: value for key, value in zip(ASKED, values, strict=True) if value is not None}
        yield rule, {"Approval": {"RequestedBy": "ro@example.com", "Title": "Deploy", **given}, "Version": "2.4.1"}


def effective(request: Request) -> Any:
    """Return what counts of a request, whatever the name of the group of those whom it names itself."""
    groups = {frozenset(group.approvers): group.required for group in request.groups}
    return (
        groups,
        request.approvers,
        request.required_approvals,
        request.required_rejections,
        request.allow_self_approval,
        request.severity,
        request.comments,
        request.timeout,
        request.on_timeout,
        request.channel,
        request.reminders,
        request.more_time,
    )


def test_raised_request_is_one_that_no_rule_refuses_or_raises() -> None:
    seen = named = 0
    for rule, execution_input in cases():
        raising = a_policy(Enforce="raise", Rules=[{"Name": "prod", **rule, "Enforce": "raise"}])
        before = judged(raising, execution_input)
        if before.problems:
            continue
        written = raised_input(raising, before, execution_input)
        for policy in (raising, a_policy(Rules=[{"Name": "prod", **rule}])):
            after = judged(policy, written)
            assert after.problems == (), (rule, execution_input, written)
            assert after.request.policy
            assert [each.raised for each in after.request.policy.rules] == [(), ()]
            assert effective(after.request) == effective(before.request)
        assert written["Version"] == "2.4.1"
        seen += 1
        named += any(group.name == REQUESTED for group in before.request.groups)
    assert seen > 300
    assert named > 100


def test_policy_of_the_examples_raises_whatever_is_not_for_dev_or_test() -> None:
    example = parse_policy((ROOT / "examples/policy.json").read_text())
    for environment, groups in {"dev": [], "Test ": [], "prod": ["security", "ops"], None: ["security", "ops"]}.items():
        facts = {"Facts": [{"Label": "Environment", "Value": environment}]} if environment else {}
        found = judged(example, {"Approval": {"Title": "Deploy", **facts}})
        assert found.problems == ()
        assert [group.name for group in found.request.groups] == groups
