"""Who may respond by IAM: people whom the request names by address, and people of the roles that it names."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.eligibility import Reason, responder
from approvals.domain.groups import Group
from approvals.domain.history import history
from approvals.domain.judgement import Verdict
from approvals.domain.model import Action, Approval, Request, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.pinned_policy import PersonRole, PinnedPolicy
from approvals.domain.result import most_approvals, result
from approvals.domain.rules import judge
from approvals.domain.seats import approvals_in, demands, unmet_demands
from approvals.domain.wording import rules_sentence
from approvals.requests.decidability import demands_of
from approvals.requests.identities import identify
from approvals.requests.lookup import Resolver
from approvals.requests.parse import InvalidRequestError, parse_request
from approvals.requests.policy import parse_policy
from approvals.requests.policy_floor import parse_under
from approvals.services.channel import Done, News, NewsKind
from approvals.store.items import approval_to_item
from approvals.store.reading import read_approval
from approvals.store.table import serialized
from cli.document import response_document
from iam.channel import IamChannel
from iam.resolver import RoleResolver
from iam.sessions import person_roles
from mail.resolver import EmailResolver
from tests.support.builders import NOW, WORKFLOW, a_response, an_approval
from tests.support.iam_callers import ACCOUNT, SSO, SSO_ROLE, SSO_ROLE_WITH_PATH, by_iam
from tests.support.policies import a_document

ANN, BO, RO = (f"{name}@example.com" for name in ("ann", "bo", "ro"))
ROLE = Person(id=SSO_ROLE, name=f"role {SSO}", identities={"iam": SSO_ROLE})
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/Deployer"
_ADD_IT = "Ask the operator of this stack to add it to the policy's PersonRoles."
OTHER_SSO = f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Reader_fedcba9876543210"


def a_person(address: str) -> Person:
    return Person(id=address, name=address, identities={"email": address})


def asking(*approvers: Person, requester: str = RO, escalation: tuple[Person, ...] = (), **asked: Any) -> Approval:
    """Return an approval of a request that names these."""
    request = Request(
        title="Deploy", timeout=timedelta(hours=1), requested_by=requester, approvers=tuple(p.id for p in approvers)
    )
    people = People(approvers=approvers, escalation=escalation, requester=a_person(requester))
    return an_approval(request=replace(request, **asked), people=people, deliveries=())


# Whom the request names by address.


def test_a_session_is_the_person_with_its_address() -> None:
    approval = asking(a_person(ANN), a_person(BO))
    assert responder(approval, by_iam("Ann@example.com")) == a_person(ANN)
    assert responder(approval, by_iam("eve@example.com")) is Reason.NOT_AN_APPROVER


def test_one_human_counts_once_by_iam_and_by_email() -> None:
    approval = asking(a_person(ANN), a_person(BO), required_approvals=2)
    first = judge(approval, a_response(approver=by_iam(ANN)))
    again = judge(first.approval, a_response(approver=Approver(id=ANN, name=ANN, channel="email"), minutes=2))
    assert (first.verdict, again.verdict) == (Verdict.COUNTED, Verdict.REPEATED)


def test_requesters_cannot_approve_their_own_request_by_iam() -> None:
    assert responder(asking(a_person(ANN), a_person(RO)), by_iam(RO)) is Reason.OWN_REQUEST
    assert responder(asking(ROLE), by_iam(RO)) is Reason.OWN_REQUEST
    assert responder(asking(ROLE, allow_self_approval=True), by_iam(RO)) == a_person(RO)


def test_an_approver_in_slack_whose_address_gets_no_email_is_known_by_it() -> None:
    ann = Person(id=ANN, name="Ann", identities={"slack": "U0ANN00001"})
    approval = asking(ann, a_person(BO), required_approvals=2)
    assert responder(approval, by_iam("Ann@example.com")) == ann
    first = judge(approval, a_response(approver=by_iam(ANN)))
    assert first.approval.standing[0].seat == ANN


def test_who_is_not_proven_may_not_respond_whatever_they_are_called() -> None:
    unproven = Approver(id=ANN, name=ANN, channel="iam", is_proven=False)
    for approval in (asking(a_person(ANN)), asking(ROLE), an_approval()):
        assert responder(approval, unproven) is Reason.NOT_PROVEN


def test_where_nobody_is_named_nobody_was_asked_by_iam() -> None:
    approval = an_approval(people=People(requester=a_person(RO)))
    assert responder(approval, by_iam(ANN)) is Reason.NOT_ASKED
    assert responder(approval, by_iam(RO)) is Reason.OWN_REQUEST


# Whom it names by role.


def test_everyone_who_responds_through_a_named_role_is_a_person_of_their_own() -> None:
    approval = asking(ROLE, a_person(BO), required_approvals=2)
    first = judge(approval, a_response(approver=by_iam("ann+x@example.com")))
    assert [response.person for response in first.approval.responses] == [ANN]
    again = judge(first.approval, a_response(approver=by_iam(ANN), minutes=2))
    second = judge(first.approval, a_response(approver=by_iam("cy@example.com"), minutes=2))
    assert (first.verdict, again.verdict) == (Verdict.COUNTED, Verdict.REPEATED)
    assert (second.verdict, second.approval.status) == (Verdict.DECIDED, Status.APPROVED)


@pytest.mark.parametrize("order", [(ROLE, a_person(BO)), (a_person(BO), ROLE)])
def test_a_named_person_stays_the_same_through_a_named_role(order: tuple[Person, ...]) -> None:
    approval = asking(*order, required_approvals=2)
    first = judge(approval, a_response(approver=by_iam(BO)))
    by_email = a_response(approver=Approver(id=BO, name=BO, channel="email"), minutes=2)
    assert judge(first.approval, by_email).verdict is Verdict.REPEATED
    assert first.approval.status is Status.PENDING


def test_who_is_asked_later_is_the_same_through_a_named_role() -> None:
    cy = Person(id="U0CY000003", name="Cy", identities={"slack": "U0CY000003", "email": "cy@example.com"})
    approval = asking(ROLE, escalation=(cy,))
    assert responder(approval, by_iam("cy@example.com")) == cy


def test_another_role_is_not_admitted() -> None:
    assert responder(asking(ROLE), by_iam(ANN, OTHER_SSO)) is Reason.NOT_AN_APPROVER
    assert responder(asking(ROLE), Approver(id=ANN, name=ANN, channel="email")) is Reason.NOT_AN_APPROVER


def test_a_role_is_named_in_sentences() -> None:
    assert f"Only role {SSO} and {BO} can respond." in str(rules_sentence(asking(ROLE, a_person(BO))))


def test_a_role_in_a_group_stands_for_those_who_respond_through_it() -> None:
    people = resolved(
        approvers=(ANN,), groups=(Group(name="security", approvers=(SSO_ROLE,)), Group(name="ops", approvers=(BO,)))
    )
    request = Request(
        title="Deploy",
        timeout=timedelta(hours=1),
        approvers=(ANN,),
        groups=(Group(name="security", approvers=(SSO_ROLE,)), Group(name="ops", approvers=(BO,))),
        required_approvals=2,
    )
    approval = an_approval(request=request, people=people, deliveries=())
    approval = judge(approval, a_response(approver=by_iam("cy@example.com"))).approval
    security, ops = demands(approval)[1:]
    assert [len(approvals_in(approval, each)) for each in (security, ops)] == [1, 0]
    by_email = Approver(id=BO, name=BO, channel="email")
    assert judge(approval, a_response(approver=by_email, minutes=2)).approval.status is Status.APPROVED
    assert judge(approval, a_response(approver=by_iam(ANN), minutes=2)).approval.status is Status.PENDING


# The names in a request.


class Directory:
    """A channel whose user has no address there."""

    channel = "chat"

    def prepare(self, request: Request) -> None: ...

    def understands(self, name: str) -> bool:
        return name == "U0RO000005"

    def resolve(self, name: str) -> list[Person]:
        return [self.recognize(name)]

    def recognize(self, name: str) -> Person:
        return Person(id=name, name="Ro", identities={"chat": name})

    def complete(self, person: Person) -> Person:
        return person

    def reachable(self, person: Person) -> Person:
        return person

    def unreachable(self, name: str) -> str:
        return name


def resolved(roles: list[PersonRole] | None = None, **asked: Any) -> People:
    """Return the people of a request, with email, a channel without addresses, and IAM."""
    resolvers: list[Resolver] = [
        EmailResolver(lambda: {each: each for each in (ANN, BO)}),
        Directory(),
        RoleResolver(ACCOUNT),
    ]
    policy = None if roles is None else PinnedPolicy(parameter="/p", version=1, sha256="", person_roles=tuple(roles))
    return identify(
        Request(timeout=timedelta(hours=1), policy=policy, **asked), resolvers, shared="approver@example.com"
    )


def test_a_request_names_roles_by_their_arn_with_or_without_path() -> None:
    asked: Any = {
        "Approval": {"Approvers": [SSO_ROLE_WITH_PATH, ANN], "EscalateTo": [SSO_ROLE], "EscalateAfterMinutes": 5}
    }
    request = parse_request(asked, default_timeout=timedelta(hours=1))
    assert request.approvers == (SSO_ROLE_WITH_PATH, ANN)
    people = resolved(approvers=request.approvers, escalate_to=request.escalate_to)
    assert people.approvers == (ROLE, a_person(ANN))
    assert people.escalation == (ROLE,)


@pytest.mark.parametrize("asked", [{"RequestedBy": SSO_ROLE}, {"Notify": [SSO_ROLE]}, {"Channel": SSO_ROLE}])
def test_a_role_only_approves(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        parse_request({"Approval": asked}, default_timeout=timedelta(hours=1))


@pytest.mark.parametrize(
    ("role", "roles", "fix"),
    [
        (DEPLOYER, None, "Use an IAM Identity Center role, or a policy that has it in PersonRoles."),
        (DEPLOYER, [PersonRole(role=SSO_ROLE)], _ADD_IT),
        (SSO_ROLE, [], _ADD_IT),
        (
            SSO_ROLE.replace(ACCOUNT, "210987654321"),
            None,
            f"It is of another account. Use a role of this stack's account, {ACCOUNT}.",
        ),
    ],
)
def test_a_role_whose_sessions_prove_nobody_is_refused_as_an_approver(
    role: str, roles: list[PersonRole] | None, fix: str
) -> None:
    name = role.rpartition("/")[2]
    problem = f"Approval.Approvers[1]: Sessions of role {name} don't identify a person. {fix}"
    with pytest.raises(InvalidRequestError) as refused:
        resolved(roles, approvers=(ANN, role))
    assert refused.value.problems == [problem]


def test_a_request_keeps_the_roles_of_the_policy_under_which_it_is_made() -> None:
    policy = parse_policy(json.dumps(a_document(PersonRoles=[{"Role": DEPLOYER, "Domain": "example.com"}])))
    asked: Any = {"Approval": {"RequestedBy": RO, "Approvers": [ANN, BO]}}
    request = parse_under(policy, asked, default_timeout=timedelta(hours=1), workflow=WORKFLOW)
    assert person_roles(request) == (PersonRole(role=DEPLOYER, domain="example.com"),)
    stored = read_approval(serialized(approval_to_item(an_approval(request=request))))
    assert person_roles(stored.request) == person_roles(request)
    assert person_roles(Request(timeout=timedelta(hours=1))) is None


def test_a_role_of_the_policy_is_an_approver() -> None:
    [role] = resolved([PersonRole(role=DEPLOYER)], approvers=(DEPLOYER,)).approvers
    assert role == Person(id=DEPLOYER, name="role Deployer", identities={"iam": DEPLOYER})


def test_a_role_counts_as_one_where_several_must_respond() -> None:
    with pytest.raises(InvalidRequestError, match="RequiredApprovals: 2 is too many; only 1 person"):
        resolved(approvers=(SSO_ROLE,), required_approvals=2)
    assert resolved(approvers=(SSO_ROLE, ANN), required_approvals=2).approvers == (ROLE, a_person(ANN))


def test_a_requester_without_an_address_could_hide_behind_a_role() -> None:
    with pytest.raises(InvalidRequestError, match="RequestedBy: Ro has no email address here"):
        resolved(approvers=(ANN, SSO_ROLE), requested_by="U0RO000005")
    ways: list[dict[str, Any]] = [{"allow_self_approval": True}, {"approvers": (ANN,)}, {"requested_by": BO}]
    for asked in ways:
        assert resolved(**{"approvers": (ANN, SSO_ROLE), "requested_by": "U0RO000005", **asked}).requester


# What the channel does, and what the record keeps.


def test_a_request_that_names_a_role_alone_has_asked_somebody_and_sends_nothing() -> None:
    tasks = IamChannel().invite(asking(ROLE, a_person(ANN)))
    assert {step: task(an_approval()) for step, task in tasks.items()} == {f"request_iam:{SSO_ROLE}": Done()}
    marked = replace(asking(ROLE), steps=dict.fromkeys(tasks, NOW))
    assert f"Open to role {SSO} by IAM." in [entry.text for entry in history(marked)]
    assert IamChannel().invite(asking(a_person(ANN))) == {}
    assert IamChannel().update(asking(ROLE), News(NewsKind.REMINDER, "reminder-1")) == {}
    assert IamChannel().conclude(asking(ROLE)) == {}


def test_the_proof_is_kept_and_shown() -> None:
    decided = judge(asking(ROLE), a_response(Action.APPROVE, by_iam(ANN))).approval
    stored = read_approval(serialized(approval_to_item(decided)))
    [response] = stored.responses
    assert stored.decision
    assert stored.decision.approver
    assert response.approver.role == stored.decision.approver.role == SSO_ROLE
    assert f"{ANN} approved by IAM, role {SSO}." in [entry.text for entry in history(stored)]
    found: Any = result(stored)["Responses"]
    assert [(each["Channel"], each["By"], each["Role"]) for each in found] == [("iam", ANN, SSO_ROLE)]
    assert response_document(stored, response)["Role"] == SSO_ROLE


def test_a_refused_session_is_kept_with_its_role_once() -> None:
    unproven = Approver(id=DEPLOYER, name="i-am-ann", channel="iam", role=DEPLOYER, is_proven=False)
    first = judge(asking(ROLE), a_response(approver=unproven))
    assert (first.verdict, first.reason) == (Verdict.NOT_ALLOWED, Reason.NOT_PROVEN)
    [refusal] = first.approval.refusals
    assert (refusal.approver.role, refusal.reason) == (DEPLOYER, "NOT_PROVEN")
    assert "i-am-ann tried to approve by IAM, role Deployer, but is not allowed to respond." in [
        entry.text for entry in history(first.approval)
    ]
    assert not judge(first.approval, a_response(approver=replace(unproven, name="bo@example.com"))).changed


def test_records_without_iam_are_as_they_were() -> None:
    approval = judge(asking(a_person(ANN)), a_response(approver=Approver(id=ANN, name=ANN, channel="email"))).approval
    assert "role" not in str(approval_to_item(approval)["responses"])
    assert "Role" not in str(result(approval))


def test_a_role_of_one_group_cannot_fill_the_result_before_another_group_approves() -> None:
    """Any number of people have the role: those whose approval no demand needs are not recorded, and may reject."""
    groups = (Group(name="ops", approvers=(SSO_ROLE,)), Group(name="security", approvers=(BO,)))
    approval = asking(ROLE, a_person(BO), groups=groups, required_approvals=2)
    assert approval.people is not None
    found = demands_of(approval.request, [[SSO_ROLE], [BO]])
    approval = replace(approval, people=replace(approval.people, demands=found))
    verdicts = []
    for number in range(4):
        judgement = judge(approval, a_response(approver=by_iam(f"ann{number}@example.com")))
        approval = judgement.approval
        verdicts.append(judgement.verdict)
    assert verdicts == [Verdict.COUNTED, Verdict.COUNTED, Verdict.INCOMPLETE, Verdict.INCOMPLETE]
    assert "another group" in judgement.problems[0].text
    assert len(approval.standing) < most_approvals(approval.request, approval.people)
    assert (
        judge(approval, a_response(approver=Approver(id=BO, name=BO, channel="email"))).approval.status
        is Status.APPROVED
    )
    rejected = judge(approval, a_response(Action.REJECT, by_iam("ann9@example.com")))
    assert rejected.approval.status is Status.REJECTED


def test_whoever_stands_in_for_another_fills_their_place_alone_whatever_role_they_use() -> None:
    groups = (Group(name="ops", approvers=(SSO_ROLE,)), Group(name="security", approvers=(BO,)))
    approval = asking(ROLE, a_person(BO), groups=groups)
    assert approval.people is not None
    approval = replace(
        approval, people=replace(approval.people, demands=demands_of(approval.request, [[SSO_ROLE], [BO]]))
    )
    response = replace(a_response(approver=by_iam(ANN)), person=ANN, on_behalf_of=BO)
    unmet = unmet_demands(replace(approval, responses=(response,)))
    assert [demand.name for demand in unmet] == ["ops"]


def test_an_approver_without_an_address_could_respond_twice_through_a_role() -> None:
    asked: dict[str, Any] = {"approvers": ("U0RO000005", SSO_ROLE, BO), "required_approvals": 2}
    with pytest.raises(InvalidRequestError, match=r"Approvers: Ro has no email address here, .* could respond twice"):
        resolved(**asked)
    group = (Group(name="security", approvers=("U0RO000005", SSO_ROLE)),)
    with pytest.raises(InvalidRequestError, match="could respond twice"):
        resolved(approvers=(BO,), groups=group)
    ways: list[dict[str, Any]] = [{"approvers": ("U0RO000005", BO)}, {"required_approvals": 1}]
    for change in ways:
        assert resolved(**{**asked, **change}).approvers
