"""The words that depend on the kind of a request: no form, with a form, or a question. Every surface uses these.

`Decision` and `Status` are the same for all kinds: a question that is answered is approved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from approvals.domain.headlines import HEADLINES, REFUSED, is_refused
from approvals.domain.model import Action, Approval, Decision, OnTimeout, RequestKind


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """The words of one kind of request. Those by action are for a response that approves, and one that rejects.

    `prefix` begins a subject or a notification, the title follows. `needs` says what the requester needs: their name
    precedes it and the deadline follows. `notice` says the same to people who can't respond. `headings` stand over the
    form; a dialog has at most 24 characters in `dialog_titles`. `verbs` and `done` say what a person does or did
    (`approve`, `approved`), `silence` what happens at the deadline without a decision. `request` and `approval` are
    what the request and an approval of it are called.
    """

    prefix: str
    needs: str
    notice: str
    headings: Mapping[Action, str]
    buttons: Mapping[Action, str]
    dialog_titles: Mapping[Action, str]
    verbs: Mapping[Action, str]
    done: Mapping[Action, str]
    silence: Mapping[OnTimeout, str]
    request: str = "request"
    approval: str = "approval"


def _by_action(approve: str, reject: str) -> Mapping[Action, str]:
    return {Action.APPROVE: approve, Action.REJECT: reject}


_SILENCE = {
    OnTimeout.EXPIRE: "the request expires and the workflow is not approved",
    OnTimeout.REJECT: "the request is rejected",
}
_APPROVAL = KindWords(
    prefix="Approve?",
    needs="requests your approval by",
    notice="requests an approval",
    headings=_by_action("Approve this request", "Reject this request"),
    buttons=_by_action("Approve", "Reject"),
    dialog_titles=_by_action("Approve request", "Reject request"),
    verbs=_by_action("approve", "reject"),
    done=_by_action("approved", "rejected"),
    silence=_SILENCE,
)
_WITH_FORM = KindWords(
    prefix="Answer needed:",
    needs="needs your answers and your approval by",
    notice="requests answers and an approval",
    headings=_by_action("Answer and approve", "Reject this request"),
    buttons=_by_action("Answer and approve", "Reject"),
    dialog_titles=_by_action("Answer and approve", "Reject request"),
    verbs=_by_action("approve", "reject"),
    done=_by_action("approved", "rejected"),
    silence=_SILENCE,
)
_QUESTION = KindWords(
    prefix="Question:",
    needs="asks you a question. Answer by",
    notice="asks a question",
    headings=_by_action("Answer this question", "Decline to answer"),
    buttons=_by_action("Send answer", "Decline"),
    dialog_titles=_by_action("Answer question", "Decline to answer"),
    verbs=_by_action("answer", "decline"),
    done=_by_action("answered", "declined"),
    silence={
        OnTimeout.EXPIRE: "the question expires and the workflow gets no answer",
        OnTimeout.REJECT: "the question is declined",
    },
    request="question",
    approval="answer",
)


def words_of(approval: Approval) -> KindWords:
    """Return the words for the kind of a request."""
    if approval.request.kind is RequestKind.QUESTION:
        return _QUESTION
    return _WITH_FORM if approval.request.form else _APPROVAL


def ended(approval: Approval, decision: Decision) -> str:
    """Return how an approval ended in one word: `Approved`, `Answered` if it is a question; or `Override: approved`."""
    for action, done in words_of(approval).done.items():
        if action.status is decision.status:
            return f"Override: {done}" if decision.override else done.capitalize()
    return REFUSED if is_refused(decision) else HEADLINES[decision.status]


def rejections_decide(approval: Approval, number: int, more: str = "") -> str:
    """Return how many rejections decide, without its object: `1 rejection rejects`, `2 more people declining close`."""
    if approval.request.kind is RequestKind.QUESTION:
        return f"{number} {more}{'person declining closes' if number == 1 else 'people declining close'}"
    return f"{number} {more}{'rejection rejects' if number == 1 else 'rejections reject'}"


def confirmation(approval: Approval, action: Action) -> str:
    """Return the text beside the box that confirms a high-severity response."""
    if approval.request.kind is RequestKind.QUESTION and action is Action.APPROVE:
        return f"I confirm my answer to \u201c{approval.title}\u201d"
    return f"I confirm: {words_of(approval).verbs[action]} \u201c{approval.title}\u201d"
