"""Say that the operator's policy changed, and what became of the responses, the same on every surface."""

from __future__ import annotations

from approvals.domain import form_wording
from approvals.domain.eligibility import answer_of, responder
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval
from approvals.domain.parts import display_name, join_names, pluralize
from approvals.domain.people import Approver, Person
from approvals.domain.pinned_policy import AskedAgain
from approvals.domain.policy_changes import changed, voided

MAX_NAMES = 5
"""People whom a sentence names. The others are counted."""


def change_sentence(approval: Approval, change: AskedAgain) -> str:
    """Return what changed, and whose responses are void since."""
    void = voided(approval, change)
    names = list(dict.fromkeys(display_name(response.approver) for response in void))
    if len(names) > MAX_NAMES:
        names = [*names[: MAX_NAMES - 1], f"{len(names) - MAX_NAMES + 1} more people"]
    counts = f" {_responses(len(void))} no longer {'counts' if len(void) == 1 else 'count'}:" if void else ""
    return f"{changed(change.before, change.after)}, so everyone is asked again.{counts}{_who(names)}"


def asked_again_sentence(approval: Approval) -> str:
    """Return the same of the latest change; empty if the request was asked once, or is decided."""
    changes = () if approval.decision else approval.asked_again
    return change_sentence(approval, changes[-1]) if changes else ""


def again_notice(approval: Approval, approver: Approver) -> str:
    """Return why the last response of the person with this identity does not count; empty if they withdrew it."""
    return _void_notice(approval, approver) or form_wording.reset_notice(approval, approver)


def outdated_notice(approval: Approval, approver: Approver) -> str:
    """Return why what a person sent is not recorded: the request changed since they were shown it."""
    return again_notice(approval, approver) or asked_again_sentence(approval)


def _void_notice(approval: Approval, approver: Approver) -> str:
    person = responder(approval, approver)
    changes = approval.asked_again
    if not (changes and isinstance(person, Person)) or answer_of(approval, person):
        return ""
    mine = [response for response in approval.responses if response.person == person.id]
    if not (mine and mine[-1].is_void):
        return ""
    how = changed(changes[-1].before, changes[-1].after)
    done = words_of(approval).done[mine[-1].action]
    return f"{how} after you {done}, so your response no longer counts. Respond again."


def _responses(number: int) -> str:
    return pluralize(number, "earlier response")


def _who(names: list[str]) -> str:
    return f" {join_names(names)}." if names else ""
