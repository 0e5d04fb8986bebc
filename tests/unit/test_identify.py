"""Who is who: names in a request become humans, or sentences that say what to mend."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from approvals.domain.demands import Demand
from approvals.domain.errors import DeliveryError
from approvals.domain.groups import Group
from approvals.domain.model import Request
from approvals.domain.people import People, Person
from approvals.requests.identities import identify
from approvals.requests.lookup import MAX_PEOPLE, Resolver
from approvals.requests.parse import InvalidRequestError
from bot.directory import SlackUser
from bot.resolver import SlackResolver
from mail.resolver import EmailResolver

STACK = "approver@example.com"
OWN = "T0OWN"


def a_user(slack_id: str, name: str, *, email: str = "", deleted: bool = False, team: str = OWN) -> SlackUser:
    return SlackUser(id=slack_id, name=name, email=email, workspaces=frozenset({team}), deleted=deleted)


ALICE = a_user("U0ALICE01", "Alice", email="alice@example.com")
BOB = a_user("U0BOB00002", "Bob", email="bob@example.com")
HIDDEN = a_user("U0HIDDEN03", "Hidden")
LEFT = a_user("U0LEFT0004", "Left", email="left@example.com", deleted=True)
GUEST = a_user("U0GUEST005", "Guest", email="guest@example.com", team="T0ELSE")
ROBOT = replace(a_user("U0ROBOT006", "Robot"), bot=True)
INVITED = replace(a_user("U0INVITED9", "Ina", email="ina@example.com"), invited=True)
OWN_GUEST = replace(a_user("U0GIL00007", "Gil", email="gil@partner.example"), guest=True)
GROUP = "S0RELEASE1"


@dataclass
class SlackUsers:
    """Slack with a few users; `down` while it can't be asked."""

    users: tuple[SlackUser, ...] = (ALICE, BOB, HIDDEN, LEFT, GUEST, ROBOT, INVITED, OWN_GUEST)
    groups: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {GROUP: (ALICE.id, BOB.id, LEFT.id, GUEST.id, ROBOT.id, OWN_GUEST.id)}
    )
    down: bool = False
    calls: list[str] = field(default_factory=list)

    def find_by_email(self, email: str) -> SlackUser | None:
        self._asked(email)
        return next((user for user in self.users if user.email == email.lower()), None)

    def user(self, slack_id: str) -> SlackUser | None:
        self._asked(slack_id)
        return next((user for user in self.users if user.id == slack_id), None)

    def members(self, group_id: str) -> tuple[str, ...]:
        self._asked(group_id)
        return self.groups.get(group_id, ())

    def workspace(self) -> str:
        return OWN

    def _asked(self, what: str) -> None:
        if self.down:
            raise DeliveryError("Slack answered HTTP 503")
        self.calls.append(what)


def found(
    *approvers: str,
    slack: SlackUsers | None = None,
    subscribed: tuple[str, ...] = ("alice@example.com", "bob@example.com", STACK),
    **changes: Any,
) -> People:
    request = Request(timeout=timedelta(hours=1), approvers=approvers, **changes)
    confirmed = {address.casefold(): address for address in subscribed}
    resolvers: list[Resolver] = [EmailResolver(lambda: confirmed)]
    if slack:
        resolvers.append(SlackResolver(slack))
    return identify(request, resolvers, shared=STACK)


def problems(*approvers: str, **changes: Any) -> list[str]:
    with pytest.raises(InvalidRequestError) as refused:
        found(*approvers, **changes)
    return refused.value.problems


def test_an_address_and_its_slack_user_are_one_human() -> None:
    [person] = found("alice@example.com", slack=SlackUsers()).approvers
    assert person == Person(
        id="alice@example.com", name="alice@example.com", identities={"email": "alice@example.com", "slack": ALICE.id}
    )


def test_an_address_that_slack_does_not_know_is_itself() -> None:
    [person] = found("carol@example.com", slack=SlackUsers(), subscribed=("carol@example.com",)).approvers
    assert (person.id, person.on("slack")) == ("carol@example.com", "")


def test_without_slack_an_address_is_itself() -> None:
    [person] = found("alice@example.com").approvers
    assert (person.address, person.on("slack")) == ("alice@example.com", "")


def test_an_address_is_spelled_as_it_is_subscribed() -> None:
    """SNS compares the filter of a subscription letter by letter."""
    [person] = found("ALICE@example.com", subscribed=("Alice@Example.com",)).approvers
    assert (person.id, person.address) == ("alice@example.com", "Alice@Example.com")


def test_a_slack_user_has_their_name_and_address() -> None:
    people = found("alice@example.com", BOB.id, HIDDEN.id, slack=SlackUsers())
    assert people.approvers[1:] == (
        Person(id="bob@example.com", name="Bob", identities={"email": "bob@example.com", "slack": BOB.id}),
        Person(id=HIDDEN.id, name="Hidden", identities={"slack": HIDDEN.id}),
    )


def test_a_group_is_those_of_its_members_who_can_answer() -> None:
    people = found(GROUP, slack=SlackUsers())
    assert [person.on("slack") for person in people.approvers] == [ALICE.id, BOB.id]


def test_a_human_who_is_named_several_times_is_one() -> None:
    slack = SlackUsers()
    people = found("alice@example.com", ALICE.id, GROUP, "Alice@example.com", slack=slack)
    assert [person.on("slack") for person in people.approvers] == [ALICE.id, BOB.id]
    assert slack.calls.count(ALICE.id) == 1, "asked once"


def test_an_approver_and_the_requester_are_recognised_as_one_human() -> None:
    people = found("alice@example.com", BOB.id, requested_by=ALICE.id, slack=SlackUsers())
    assert people.requester == people.approvers[0]


def test_a_requester_whom_slack_does_not_know_is_their_address() -> None:
    people = found(BOB.id, requested_by="jo@example.com", slack=SlackUsers())
    assert people.requester == Person(
        id="jo@example.com", name="jo@example.com", identities={"email": "jo@example.com"}
    )


@pytest.mark.parametrize("written", ["alice+ops@example.com", "Alice+x+y@Example.com", "ALICE@EXAMPLE.COM"])
def test_a_requester_is_recognised_however_their_address_is_written(written: str) -> None:
    """And kept by Slack id: what their address in Slack is later does not matter."""
    people = found(ALICE.id, BOB.id, requested_by=written, slack=SlackUsers())
    assert people.requester == people.approvers[0]
    assert found(requested_by=written, slack=SlackUsers()).requester.on("slack") == ALICE.id  # type: ignore[union-attr]


def test_approvers_with_one_mailbox_are_one_human_who_is_asked_where_email_gets() -> None:
    names = ("alice+a@example.com", "alice+b@example.com")
    [person] = found(*names, subscribed=names).approvers
    assert (person.id, person.address) == ("alice@example.com", "alice+a@example.com")


def test_a_user_whose_address_in_slack_has_a_tag_is_who_is_named_without_it() -> None:
    slack = SlackUsers(users=(replace(ALICE, email="alice+slack@example.com"), BOB))
    people = found(ALICE.id, BOB.id, requested_by="alice@example.com", slack=slack)
    assert people.requester == people.approvers[0]


def test_an_address_without_a_subscription_is_asked_in_slack_alone() -> None:
    [person] = found("alice@example.com", slack=SlackUsers(), subscribed=()).approvers
    assert (person.id, person.address, person.on("slack")) == ("alice@example.com", "", ALICE.id)


@pytest.mark.parametrize("slack", [None, SlackUsers()])
def test_an_address_that_no_email_reaches_is_a_problem_that_says_what_to_do(slack: SlackUsers | None) -> None:
    [problem] = problems("bob@example.com", "carol@example.com", slack=slack)
    assert problem.startswith("Approval.Approvers[1]: carol@example.com has not confirmed its email subscription")
    assert (
        "Run `approvals approvers add carol@example.com`, follow the link in the email from AWS, and start again."
        in problem
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("U0NOBODY99", "Slack user U0NOBODY99 does not exist."),
        (LEFT.id, "Slack user U0LEFT0004 is deactivated."),
        (GUEST.id, "Slack user U0GUEST005 is in another workspace."),
        (ROBOT.id, "Slack user U0ROBOT006 is a bot."),
        (INVITED.id, "Slack user U0INVITED9 was invited and has not joined yet."),
        ("S0NOTHING1", "Slack user group S0NOTHING1 does not exist or has no active members."),
    ],
)
def test_a_name_that_slack_cannot_resolve_is_a_problem(name: str, problem: str) -> None:
    assert problems("bob@example.com", name, slack=SlackUsers()) == [f"Approval.Approvers[1]: {problem}"]


def test_a_guest_is_an_approver_by_their_own_name_alone() -> None:
    for name in (OWN_GUEST.id, OWN_GUEST.email):
        [person] = found(name, slack=SlackUsers(), subscribed=()).approvers
        assert person.on("slack") == OWN_GUEST.id
    slack = SlackUsers(groups={GROUP: (OWN_GUEST.id, ROBOT.id)})
    [problem] = problems(GROUP, slack=slack)
    assert problem.startswith("Approval.Approvers[0]: Slack user group S0RELEASE1 has no full members")


def test_invited_user_is_nobody_by_address_or_group_until_they_join() -> None:
    slack = SlackUsers(users=(INVITED,), groups={GROUP: (INVITED.id,)})
    assert problems(INVITED.email, slack=slack)
    [problem] = problems(GROUP, slack=slack)
    assert "full member" in problem


def test_a_bot_is_nobody_by_address_either() -> None:
    slack = SlackUsers(users=(replace(ROBOT, email="robot@example.com"),))
    [problem] = problems("robot@example.com", slack=slack, subscribed=())
    assert "robot@example.com has not confirmed its email subscription" in problem


def test_every_problem_is_named() -> None:
    names = ("U0NOBODY99", "carol@example.com", "bob@example.com")
    paths = [problem.split(":")[0] for problem in problems(*names, escalate_to=("S0NOTHING1",), slack=SlackUsers())]
    assert paths == ["Approval.Approvers[0]", "Approval.Approvers[1]", "Approval.EscalateTo[0]"]


@pytest.mark.parametrize("name", [ALICE.id, GROUP])
def test_a_slack_name_without_slack_is_a_problem(name: str) -> None:
    [problem] = problems("bob@example.com", name)
    assert problem.startswith("Approval.Approvers[1]: Slack is not connected")


@pytest.mark.parametrize("slack", [None, SlackUsers()])
def test_a_requester_who_could_hide_among_the_approvers_is_a_problem(slack: SlackUsers | None) -> None:
    [problem] = problems("bob@example.com", requested_by="U0NOBODY99", slack=slack)
    assert problem.startswith("Approval.RequestedBy: ")
    assert found("bob@example.com", requested_by="U0NOBODY99", allow_self_approval=True, slack=slack).requester is None


def test_a_group_that_is_too_large_is_a_problem() -> None:
    slack = SlackUsers(groups={GROUP: tuple(f"U{n:07}" for n in range(MAX_PEOPLE + 1))})
    assert problems(GROUP, slack=slack) == [
        f"Approval.Approvers[0]: Slack user group S0RELEASE1 has {MAX_PEOPLE + 1} members. The maximum is {MAX_PEOPLE}."
    ]


@pytest.mark.parametrize(
    ("approvers", "changes", "problem"),
    [
        (("alice@example.com",), {"requested_by": ALICE.id}, "Approval.Approvers: the requester is the only approver"),
        ((GROUP,), {"required_approvals": 3}, "Approval.RequiredApprovals: 3 is too many; only 2 people can respond."),
        (
            (GROUP,),
            {"required_approvals": 2, "requested_by": "bob@example.com"},
            "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
        ),
        (
            (GROUP,),
            {"required_approvals": 2, "required_rejections": 2},
            "Approval.RequiredRejections: 2 is too many; with 2 approvals required, the maximum is 1.",
        ),
    ],
)
def test_a_request_that_nobody_could_decide_is_a_problem(
    approvers: tuple[str, ...], changes: dict[str, Any], problem: str
) -> None:
    [only] = problems(*approvers, slack=SlackUsers(), **changes)
    assert only.startswith(problem)


def test_without_slack_and_approvers_only_the_stacks_address_can_answer() -> None:
    for changes in ({"required_approvals": 2}, {"required_rejections": 2}):
        [key] = changes
        [problem] = problems(**changes)
        wanted = "".join(word.capitalize() for word in key.split("_"))
        assert problem.startswith(f"Approval.{wanted}: must be 1 without Approval.Approvers"), problem
    assert problems(requested_by=STACK)[0].startswith("Approval.RequestedBy: the requester is the only approver")
    assert found(requested_by=STACK, allow_self_approval=True).requester is not None
    assert found(required_approvals=9, slack=SlackUsers()).approvers == (), "everybody in the channel may"


def in_groups(*groups: tuple[str, ...], **changes: Any) -> Any:
    named = tuple(Group(name=f"g{number}", approvers=names) for number, names in enumerate(groups))
    return {"groups": named, "required_approvals": len(groups), "slack": SlackUsers(), **changes}


def test_members_of_groups_and_silent_people_may_respond_and_are_known_by_whatever_name() -> None:
    people = found(
        "alice@example.com",
        **in_groups((ALICE.id, "carol@example.com"), (GROUP,), silent=(HIDDEN.id,)),
        subscribed=("alice@example.com", "carol@example.com"),
    )
    ids = [person.id for person in people.approvers]
    assert ids == ["alice@example.com", "carol@example.com", "bob@example.com", HIDDEN.id]
    assert people.silent == (HIDDEN.id,)
    assert people.demands == (
        Demand(required=2),
        Demand(name="g0", people=("alice@example.com", "carol@example.com")),
        Demand(name="g1", people=("alice@example.com", "bob@example.com")),
    )


def test_without_groups_there_is_one_demand_and_nothing_more_on_record() -> None:
    people = found("alice@example.com")
    assert (people.demands, people.silent) == ((), ())


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (
            in_groups((ALICE.id,), ("U0NOBODY99",)),
            "Approval.Groups[1].Approvers[0]: Slack user U0NOBODY99 does not exist.",
        ),
        (in_groups((ALICE.id,), silent=("U0NOBODY99",)), "Approval.Silent[0]: Slack user U0NOBODY99 does not exist."),
        (
            in_groups((ALICE.id,), ("bob@example.com",), requested_by=BOB.id),
            "Approval.RequiredApprovals: 2 is too many; only 1 person can respond.",
        ),
        (
            in_groups((GROUP,), (BOB.id,), requested_by="bob@example.com", required_approvals=1),
            'Approval.Groups[1]: "g1" needs 1 approval, but no member can respond: bob@example.com asked',
        ),
        (in_groups((ALICE.id,), requested_by=ALICE.id), "Approval.Groups: the requester is the only approver."),
        (
            in_groups((ALICE.id,), (GROUP,), required_approvals=1, required_rejections=2),
            'Approval.Groups[0]: "g0" needs 1 approval; with 1 member who can respond, RequiredRejections is at most',
        ),
        (
            in_groups((ALICE.id, BOB.id), (HIDDEN.id,), silent=(HIDDEN.id,)),
            'Approval.Groups[1]: "g1" needs 1 approval, but no member is told. The others are Silent.',
        ),
        (
            in_groups((GROUP,), silent=(BOB.id,), required_approvals=2),
            "Approval.RequiredApprovals: 2 is too many; only 1 person is told. The others are Silent.",
        ),
        (
            in_groups((GROUP,), silent=(BOB.id,), required_rejections=2),
            "Approval.RequiredRejections: 2 is too many; only 1 person is told. The others are Silent.",
        ),
    ],
)
def test_a_group_that_could_not_decide_is_a_problem_that_names_it(asked: dict[str, Any], problem: str) -> None:
    assert problems(**asked)[0].startswith(problem)


def test_an_outage_drops_nobody() -> None:
    for names in (("alice@example.com",), (ALICE.id,), (GROUP,)):
        with pytest.raises(DeliveryError):
            found(*names, slack=SlackUsers(down=True))


def test_an_address_that_no_email_reaches_does_not_come_back_by_another_name_of_the_same_human() -> None:
    [person] = found("alice@example.com", "U0ALICE01", slack=SlackUsers(), subscribed=()).approvers
    assert (person.address, person.on("slack")) == ("", "U0ALICE01")
