"""What people, the operator and the scheduler do in the simulated stack under the operator's policy."""

from __future__ import annotations

from typing import Any

from tests.support.builders import APPROVE, REJECT
from tests.support.iam_callers import SSO_ROLE, a_caller
from tests.support.overrides import BREAK_GLASS, BREAK_GLASS_ROLE, REASON
from tests.support.simulated_parameters import PARAMETERS
from tests.support.simulation import Simulation


def override(simulation: Simulation) -> None:
    """Let alice approve, the requester try to override, and ivy override; then bob clicks too late."""
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], "U0BOB00002"], "RequiredApprovals": 2}
    simulation.ask({"Approval": {**asked, "RequestedBy": "ro@example.com"}})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.pass_minutes(1)
    for name in ("ro@example.com", "ivy@example.com"):
        simulation.sign("override-approve", a_caller(name, BREAK_GLASS), Comment=REASON)
    simulation.click(REJECT)


OVERRIDES = {
    "Format": 1,
    "Approvers": [PARAMETERS["Email"], "U0BOB00002"],
    "PersonRoles": [{"Role": BREAK_GLASS_ROLE}],
    "Override": {"Roles": [BREAK_GLASS_ROLE]},
}


TWO = {"Format": 1, "Approvers": [PARAMETERS["Email"], "U0BOB00002", SSO_ROLE], "MinimumApprovals": 2}
"""The policy under which the request is asked."""

STRICTER = {
    **TWO,
    "PersonRoles": [{"Role": SSO_ROLE}],
    "Groups": {"security": {"Approvers": [SSO_ROLE]}},
    "RequiredGroups": {"security": 1},
    "MinimumApprovals": 3,
    "OpenOnChange": "ask-again",
}


def change_the_policy(simulation: Simulation) -> None:
    """Alice approves, the policy asks for one more group and approval, and everyone responds under it.

    With Alice's approval from before, it would be decided before she responds to the page as it is now.
    """
    _approve_and_change_the_policy(simulation, {**STRICTER, "Enforce": "raise"})
    simulation.click(APPROVE)
    simulation.sign(APPROVE, a_caller("carol@example.com"))
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)  # The form of her page from before.
    simulation.fill_in(PARAMETERS["Email"])


def refuse_by_a_changed_policy(simulation: Simulation) -> None:
    """Alice approves, and the policy refuses the request: her next approval comes too late."""
    _approve_and_change_the_policy(simulation, STRICTER)
    simulation.answer_by_mail(APPROVE)


def _approve_and_change_the_policy(simulation: Simulation, document: dict[str, Any]) -> None:
    asked = {"Title": "Deploy", "Approvers": [PARAMETERS["Email"], "U0BOB00002"], "RequiredApprovals": 2}
    simulation.ask({"Approval": {**asked, "RequestedBy": "ro@example.com", "TimeoutMinutes": 60}})
    simulation.pass_minutes(1)
    simulation.answer_by_mail(APPROVE)
    simulation.policy.set(document)
    simulation.pass_minutes(5)  # What failed has been tried again.
