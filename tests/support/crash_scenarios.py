"""What people and the scheduler do in the simulated stack, and what must come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from approvals.domain.model import Status
from approvals.domain.signed_links import user_recipient
from tests.support.builders import APPROVE, REJECT
from tests.support.iam_callers import SSO_ROLE, a_caller
from tests.support.policy_scenarios import OVERRIDES, TWO, change_the_policy, override, refuse_by_a_changed_policy
from tests.support.simulated_parameters import PARAMETERS
from tests.support.simulated_services import FunctionFailed
from tests.support.simulation import Simulation


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What people and the scheduler do, and what there is to see of it in the end: by default, an approval."""

    play: Callable[[Simulation], None]
    statuses: tuple[Status, ...] = (Status.APPROVED,)
    """How the approvals end, oldest first."""
    answers: tuple[str, ...] = ("APPROVED",)
    """How the workflow was resumed: a decision or an error's name."""
    mails: tuple[str, ...] = ("Asked", "Approved")
    messages: tuple[str, ...] = ("Approved",)
    replies: int = 1
    """Messages in the thread below the request: the outcome, and reminders."""
    notes: int = 0
    """How often a person is told that their click changed nothing."""
    spends: int = 0
    """How often the grant is spent."""
    policy: dict[str, Any] = field(default_factory=dict)
    """The operator's policy; without a key, there is none."""
    void: int = 0
    """Responses from before the policy changed."""
    cause: str = ""
    """How the cause begins that is on record."""
    overridden: bool = False
    dead: bool = False
    """Whether there is something that could not be done in all the tries."""


def approve_by_mail(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)


def reject_by_mail(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.answer_by_mail(REJECT)


def approve_in_slack(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.click(APPROVE)


def click_too_late(simulation: Simulation) -> None:
    approve_by_mail(simulation)
    simulation.click(REJECT)


def click_from_elsewhere(simulation: Simulation) -> None:
    """Click as a guest, who is refused, then reject by email. The refusal goes on record."""
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.click(APPROVE, "U0GUEST004")
    simulation.pass_minutes(1)
    simulation.answer_by_mail(REJECT)


def stay_silent(simulation: Simulation) -> None:
    simulation.ask()


def abort(simulation: Simulation) -> None:
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.execution.end("ABORTED", {"executionAbortedEventDetails": {}})


def abort_unnoticed(simulation: Simulation) -> None:
    abort(simulation)
    simulation.answer_by_mail(APPROVE)


def answer_while_slack_is_down(simulation: Simulation) -> None:
    simulation.slack.fail_with = 500
    approve_by_mail(simulation)


def answer_after_slack_was_given_up(simulation: Simulation) -> None:
    simulation.slack.fail_with = 500
    simulation.ask({"Approval": {"Title": "Deploy", "TimeoutMinutes": 60}})
    simulation.pass_minutes(33)  # All tries take 26 minutes, with a killed one 32.
    simulation.answer_by_mail(APPROVE)


def reach_a_quorum(simulation: Simulation) -> None:
    """Let both approvers be reminded, then approve by email and in Slack."""
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], "U0BOB00002"], "RequiredApprovals": 2}
    simulation.ask({"Approval": {**asked, "Reminders": [2]}})
    simulation.pass_minutes(3)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    simulation.click(APPROVE)


def need_one_of_each_group(simulation: Simulation) -> None:
    """Let one of each group approve. The author asks for one approval in all: one group alone must not do."""
    groups = [{"Name": "security", "Approvers": [PARAMETERS["Email"]]}, {"Name": "ops", "Approvers": ["U0BOB00002"]}]
    simulation.ask({"Approval": {"Title": "Deploy", "Groups": groups, "RequiredApprovals": 1}})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    simulation.click(APPROVE)


def approve_for_another(simulation: Simulation) -> None:
    """Let bob approve for alice, who is away, and alice for herself: her approval takes the place of his."""
    simulation.away(PARAMETERS["Email"], "U0BOB00002")
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], SSO_ROLE], "RequiredApprovals": 2}
    simulation.ask({"Approval": asked})
    simulation.pass_minutes(1)
    simulation.click(APPROVE)
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    simulation.click(APPROVE)  # Her seat is filled.
    simulation.sign(APPROVE, a_caller("carol@example.com"))


def approve_by_iam(simulation: Simulation) -> None:
    """Ask alice and a role. Alice counts once by email and through the role; then carol approves through it."""
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], SSO_ROLE], "RequiredApprovals": 2}
    simulation.ask({"Approval": asked})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    simulation.sign(APPROVE, a_caller())  # As the same person, who has responded.
    simulation.sign(APPROVE, a_caller("carol@example.com"))


def approve_for_a_group_and_for_the_requester(simulation: Simulation) -> None:
    """Bob is the delegate of alice and of the requester, who tries both places, and answers in hers alone."""
    simulation.away(PARAMETERS["Email"], "U0BOB00002")
    groups = [{"Name": "security", "Approvers": [PARAMETERS["Email"]]}, {"Name": "ops", "Approvers": [SSO_ROLE]}]
    simulation.ask({"Approval": {"Title": "Deploy", "Groups": groups, "RequestedBy": "ro@example.com"}})
    simulation.pass_minutes(1)
    simulation.sign(APPROVE, a_caller("ro@example.com"))  # The requester's own session of the role.
    simulation.click(APPROVE)
    simulation.pass_minutes(1)
    simulation.sign(APPROVE, a_caller("carol@example.com"))


def change_the_form(simulation: Simulation) -> None:
    """Alice approves, bob changes the form, and alice, who is told, confirms the new values."""
    bob = user_recipient("U0BOB00002", "bob", member=True)
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], "U0BOB00002"], "RequiredApprovals": 2}
    simulation.ask({"Approval": {**asked, "Form": [{"Name": "Share", "Type": "number", "Required": True}]}})
    simulation.pass_minutes(1)
    for recipient, share in ((PARAMETERS["Email"], "10"), (bob, "20"), (PARAMETERS["Email"], "20")):
        simulation.fill_in(recipient, Share=share)
        simulation.pass_minutes(1)


def name_who_can_not_be_asked(simulation: Simulation) -> None:
    simulation.ask({"Approval": {"Title": "Deploy", "Approvers": ["alice@example.com", "nobody@example.com"]}})


def ask_for_nonsense(simulation: Simulation) -> None:
    simulation.ask({"Approval": {"Titel": "Deploy"}})


def name_the_subject(simulation: Simulation) -> None:
    """Ask for a subject that was never approved before, and approve by email: later requests find the approval."""
    asked = {"Title": "Deploy", "Subject": "deploy web", "Approvers": [PARAMETERS["Email"], "U0BOB00002"]}
    simulation.ask({"Approval": {**asked, "Facts": [{"Label": "Replicas", "Value": 3}]}})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)


def retry_the_state(simulation: Simulation) -> None:
    """Request again with a new token, as Step Functions does when Lambda's answer was lost."""
    simulation.ask()
    simulation.pass_minutes(1)
    simulation.ask(attempt=1)
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)


def spend_a_grant(simulation: Simulation) -> None:
    """Let two callers spend a grant for one use. The first one that gets an answer executes."""
    asked = {"Title": "Apply", "Action": {"Command": ["apply"]}, "Grant": {"Uses": 1, "ValidMinutes": 60}}
    simulation.ask({"Approval": asked})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(5)  # A resumption that failed has been tried again.
    _spend(simulation, "a")
    _spend(simulation, "b")


def _spend(simulation: Simulation, key: str) -> None:
    """Spend the grant in the workflow's result; after a failure, again. Note the key if the caller may execute."""
    ends = [
        each["taskSucceededEventDetails"]
        for each in simulation.execution.history
        if "taskSucceededEventDetails" in each
    ]
    if not ends:
        return
    grant = json.loads(ends[-1]["output"])["Grant"]["Id"]
    event = {"GrantId": grant, "Action": {"Command": ["apply"]}, "Key": key, "SpentBy": f"caller {key}"}
    for _ in range(5):
        try:
            simulation.invoke("SpendFunction", event)
        except FunctionFailed as failed:
            if "GrantSpent" in str(failed):
                return
        else:
            simulation.spent.append(key)
            return
    raise AssertionError("SpendFunction never answers")


SCENARIOS = {
    "approved by mail": Scenario(play=approve_by_mail),
    "rejected by mail": Scenario(
        play=reject_by_mail,
        statuses=(Status.REJECTED,),
        answers=("REJECTED",),
        mails=("Asked", "Rejected"),
        messages=("Rejected",),
    ),
    "approved in Slack": Scenario(play=approve_in_slack),
    "a click that loses": Scenario(play=click_too_late, notes=1),
    "a click that is refused": Scenario(
        play=click_from_elsewhere,
        statuses=(Status.REJECTED,),
        answers=("REJECTED",),
        mails=("Asked", "Rejected"),
        messages=("Rejected",),
        notes=1,
    ),
    "nobody answers": Scenario(
        play=stay_silent,
        statuses=(Status.EXPIRED,),
        answers=("ApprovalExpired",),
        mails=("Asked", "Expired"),
        messages=("Expired",),
    ),
    "aborted": Scenario(
        play=abort, statuses=(Status.CANCELLED,), answers=(), mails=("Asked", "Cancelled"), messages=("Cancelled",)
    ),
    "answered in vain": Scenario(play=abort_unnoticed, answers=()),
    "Slack is down": Scenario(play=answer_while_slack_is_down, messages=(), replies=0),
    "Slack is given up": Scenario(play=answer_after_slack_was_given_up, messages=(), replies=0, dead=True),
    "two must approve": Scenario(play=reach_a_quorum, mails=("Asked", "Reminder:", "Approved"), replies=2),
    "one of each group": Scenario(play=need_one_of_each_group),
    "a delegate": Scenario(play=approve_for_another, notes=1),
    "a delegate in a group": Scenario(play=approve_for_a_group_and_for_the_requester),
    "an override": Scenario(
        play=override, notes=1, policy=OVERRIDES, overridden=True, mails=("Asked", "Override:"), messages=("Override",)
    ),
    "the policy changes": Scenario(
        play=change_the_policy, policy=TWO, void=1, mails=("Asked", "The", "Approved"), replies=2
    ),
    "the policy refuses": Scenario(
        play=refuse_by_a_changed_policy,
        policy=TWO,
        void=1,
        statuses=(Status.CANCELLED,),
        answers=("InvalidApprovalRequest",),
        cause="The approval policy changed from version 1 to 2. It refuses this request: ",
        mails=("Asked", "Refused"),
        messages=("Refused",),
    ),
    "by email and by IAM": Scenario(play=approve_by_iam),
    "a changed form": Scenario(play=change_the_form, mails=("Asked", "bob", "Approved"), replies=2),
    "a grant": Scenario(play=spend_a_grant, spends=1),
    "an approver who can't be asked": Scenario(
        play=name_who_can_not_be_asked,
        statuses=(Status.CANCELLED,),
        answers=("InvalidApprovalRequest",),
        mails=(),
        messages=(),
        replies=0,
    ),
    "an invalid request": Scenario(
        play=ask_for_nonsense, statuses=(), answers=("InvalidApprovalRequest",), mails=(), messages=(), replies=0
    ),
    "a subject": Scenario(play=name_the_subject),
    "the state is retried": Scenario(
        play=retry_the_state,
        statuses=(Status.CANCELLED, Status.APPROVED),
        mails=("Asked", "Asked", "Approved"),
        messages=("Cancelled", "Approved"),
    ),
}
