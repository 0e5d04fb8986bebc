"""The people of a request under the operator's policy: who may respond, and who is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.eligibility import Reason, invited, responder
from approvals.domain.judgement import ExtensionRequest, Verdict
from approvals.domain.model import Approval
from approvals.domain.people import Approver, People, Person
from approvals.domain.policy import Policy
from approvals.domain.rules import judge
from approvals.requests.identities import identify
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy_floor import parse_under
from tests.support.builders import NOW, WORKFLOW, WORKSPACE, an_approval
from tests.support.policies import KnownPeople, a_policy

SUE, PIA, EVE, ANN, BO = (f"{name}@example.com" for name in ("sue", "pia", "eve", "ann", "bo"))
STRANGER = "x@other.org"
GROUP = "S0ONCALL01"


def asked(policy: Policy, **request: Any) -> Approval:
    given = {"RequestedBy": "ro@example.com", **request}
    parsed = parse_under(policy, {"Approval": given}, default_timeout=timedelta(hours=1), workflow=WORKFLOW)
    people = identify(parsed, [KnownPeople({GROUP: (BO, STRANGER)})], shared="stack@example.com")
    return an_approval(request=parsed, people=people, deadline=NOW + parsed.timeout)


def people_of(policy: Policy, **request: Any) -> People:
    people = asked(policy, **request).people
    assert people
    return people


def ids(people: tuple[Person, ...]) -> set[str]:
    return {person.id for person in people}


def test_members_of_a_group_whom_the_policy_does_not_allow_are_left_out() -> None:
    assert ids(people_of(a_policy(), Approvers=[ANN, GROUP]).approvers) == {ANN, BO}


def test_too_few_who_are_allowed_refuse_the_request() -> None:
    with pytest.raises(InvalidRequestError, match="RequiredApprovals: 2 is too many"):
        asked(a_policy(), Approvers=[GROUP], RequiredApprovals=2)


@pytest.mark.parametrize(
    "names",
    [{"Approvers": [GROUP]}, {"Groups": [{"Name": "own", "Approvers": [GROUP]}]}],
    ids=["approvers", "group"],
)
def test_request_of_whose_people_nobody_is_allowed_is_refused_and_not_open(names: dict[str, Any]) -> None:
    """Without an approver, a request would be open: everyone in the channel could respond."""
    [key] = names
    with pytest.raises(InvalidRequestError, match=rf"Approval.{key}: none of these people may approve here"):
        asked(a_policy(Approvers=[ANN], Groups={}), **names)


def test_group_of_the_policy_allows_its_members() -> None:
    policy = a_policy(Approvers=[GROUP, "ann@example.com"], Groups={})
    assert ids(people_of(policy, Approvers=[ANN, BO]).approvers) == {ANN, BO}
    with pytest.raises(InvalidRequestError, match=rf"Approvers\[1\]: {EVE} may not approve here. The policy allows"):
        asked(policy, Approvers=[ANN, EVE])


def test_group_that_nobody_knows_allows_nobody() -> None:
    policy = a_policy(Approvers=["S0UNKNOWN1"], Groups={})
    with pytest.raises(InvalidRequestError, match=rf"Approvers\[0\]: {ANN} may not approve here"):
        asked(policy, Approvers=[ANN])


def test_approver_must_be_in_each_list_that_applies() -> None:
    policy = a_policy(Rules=[{"Name": "prod", "Approvers": [ANN, BO, GROUP]}])
    assert ids(people_of(policy, Approvers=[ANN, BO]).approvers) == {ANN, BO}
    with pytest.raises(InvalidRequestError, match=rf"Approvers\[1\]: {EVE} may not approve here"):
        asked(policy, Approvers=[ANN, EVE])


def test_list_of_those_allowed_binds_the_groups_of_the_policy() -> None:
    policy = a_policy(Groups={"security": {"Approvers": [SUE, STRANGER]}})
    assert ids(people_of(policy, Groups=[{"Name": "security"}]).approvers) == {SUE}


def test_group_of_the_policy_can_be_narrowed_and_not_widened() -> None:
    narrowed = people_of(a_policy(), Groups=[{"Name": "security", "Approvers": [PIA]}])
    assert ids(narrowed.approvers) == {PIA}
    with pytest.raises(InvalidRequestError) as caught:
        asked(a_policy(), Groups=[{"Name": "security", "Approvers": [PIA, BO]}])
    assert caught.value.problems == [
        f'Approval.Groups[0].Approvers: {BO} is not a member of the policy\'s group "security".'
    ]


def test_no_request_silences_a_group_of_the_policy() -> None:
    approval = asked(
        a_policy(), Approvers=[ANN, BO], Groups=[{"Name": "security"}], Silent=[SUE, BO], RequiredApprovals=1
    )
    assert SUE in ids(invited(approval))
    assert BO not in ids(invited(approval))


def test_added_group_does_not_approve_for_those_who_were_asked() -> None:
    policy = a_policy(RequiredGroups={"security": 1}, Enforce="raise")
    people = people_of(policy, Approvers=[ANN], EscalateTo=[BO], EscalateAfterMinutes=5)
    demands = {demand.name: (set(demand.people or ()), demand.required) for demand in people.demands}
    assert demands["security"] == ({SUE, PIA}, 1)
    assert demands["requested"] == ({ANN, BO}, 1)
    assert ids(people.approvers) == {ANN, SUE, PIA}, "an escalation adds people only when it is due"


def test_request_that_names_nobody_is_refused_where_the_policy_allows_nobody() -> None:
    policy = a_policy(OpenRequests=True, Approvers=["S0UNKNOWN1"], Groups={})
    with pytest.raises(InvalidRequestError, match="nobody could respond: the policy allows only S0UNKNOWN1"):
        asked(policy)


def test_escalation_to_nobody_whom_the_policy_allows_is_refused() -> None:
    policy = a_policy(Approvers=[ANN], Groups={})
    with pytest.raises(InvalidRequestError, match="EscalateTo: none of these people may approve here"):
        asked(policy, Approvers=[ANN], EscalateTo=[GROUP], EscalateAfterMinutes=5)


def test_record_without_its_approvers_is_open_to_nobody() -> None:
    """A record of an earlier version can lack them: the policy allowed nobody whom the request names."""
    approval = replace(asked(a_policy(), Approvers=[ANN]), people=People())
    user = Approver(id="U0EVE00001", name="Eve", channel="slack", realm=WORKSPACE, member=True, address=EVE)
    assert responder(approval, user) is Reason.NOT_AN_APPROVER


def test_members_of_the_policys_group_are_told_though_the_request_silences_them_all() -> None:
    approval = asked(a_policy(), Groups=[{"Name": "security"}], Silent=[SUE, PIA])
    assert ids(invited(approval)) == {SUE, PIA}


@pytest.mark.parametrize("request_groups", [None, [{"Name": "staff"}]], ids=["raised", "named"])
def test_group_of_a_whole_domain_needs_names(request_groups: list[dict[str, Any]] | None) -> None:
    staff = {"staff": {"Approvers": ["@example.com"]}}
    policy = a_policy(Groups=staff, RequiredGroups={"staff": 1}, Enforce="raise")
    with pytest.raises(InvalidRequestError) as caught:
        asked(policy, Approvers=[ANN], Groups=request_groups)
    [problem] = caught.value.problems
    assert problem == (
        'Approval.Groups: the policy\'s group "staff" has everyone at @example.com. Say whom to ask: '
        '{"Name": "staff", "Approvers": [...]}.'
    )
    named = people_of(policy, Approvers=[ANN], Groups=[{"Name": "staff", "Approvers": [BO]}])
    assert ids(named.approvers) == {ANN, BO}


@pytest.fixture
def to_everybody() -> Approval:
    """A request that names nobody, under a policy that allows that."""
    return asked(a_policy(OpenRequests=True))


@pytest.mark.parametrize(
    ("address", "expected"),
    [(ANN, None), (STRANGER, Reason.POLICY), ("", Reason.POLICY), ("x@sub.example.com", Reason.POLICY)],
)
def test_only_those_whom_the_policy_allows_respond_to_what_names_nobody(
    to_everybody: Approval, address: str, expected: Reason | None
) -> None:
    user = Approver(id="U0ANN00001", name="Ann", channel="slack", realm=WORKSPACE, member=True, address=address)
    found = responder(to_everybody, user)
    assert (found if isinstance(found, Reason) else None) is expected


def test_group_of_the_policy_responds_to_what_names_nobody() -> None:
    approval = asked(a_policy(OpenRequests=True, Approvers=[GROUP], Groups={}))
    bo, eve = (Approver(id=address, name=address, channel="email") for address in (BO, EVE))
    approval = replace(approval, deliveries=())
    assert not isinstance(responder(approval, bo), Reason)
    assert responder(approval, eve) is Reason.POLICY


def test_extension_ends_at_the_longest_time_of_the_policy() -> None:
    approval = asked(a_policy(LongestMinutes=90), Approvers=[ANN], MoreTime={"Times": 3, "Minutes": 60})
    ann = Approver(id=ANN, name="Ann", channel="email")
    extended = judge(approval, ExtensionRequest(ann, NOW))
    assert extended.verdict is Verdict.EXTENDED
    assert extended.approval.deadline == approval.requested_at + timedelta(minutes=90)
    again = judge(extended.approval, ExtensionRequest(ann, NOW + timedelta(minutes=5)))
    assert again.verdict is Verdict.NOT_DUE
