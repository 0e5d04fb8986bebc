"""Apply an event to an approval and store the result. Every channel and the scheduler use this function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.judgement import ApprovalEvent, Judgement
from approvals.domain.model import Approval, Response
from approvals.domain.replies import DeferredReply
from approvals.domain.rules import judge

_ATTEMPTS = 50
"""Responses to one request at the same moment: of those that conflict, one is stored each time."""


class Store(Protocol):
    """What `respond` needs of the table."""

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        """Store the approval, and leave the reply, if the table still has the version before it.

        Raise `ConflictError` otherwise: then neither is done.
        """

    def leave_reply(self, reply: DeferredReply) -> None:
        """Leave a reply by itself."""


def respond(
    store: Store,
    approval: Approval,
    event: ApprovalEvent,
    *,
    reply: Callable[[Judgement], DeferredReply | None] = lambda _: None,
) -> Judgement:
    """Judge the event and store what it changes with one conditional write.

    `reply` returns the deferred reply to a judgement, if any: the same write leaves it. It is called before that write,
    so that nothing is stored if it raises.

    A conflict is judged again against the current record, never overwritten. A response is not recorded if the approval
    was asked again meanwhile: its channel showed and checked the rules before.

    Raise `TooManyConflictsError` after fifty conflicts.
    """
    for _ in range(_ATTEMPTS):
        judgement = judge(approval, event)
        left = reply(judgement)
        if not judgement.changed:
            if left:
                store.leave_reply(left)
            return judgement
        try:
            store.save(judgement.approval, left)
        except ConflictError as conflict:
            if isinstance(event, Response) and conflict.current.asked_again != approval.asked_again:
                event = replace(event, is_outdated=True)
            approval = conflict.current
        else:
            return judgement
    raise TooManyConflictsError(f"approval {approval.id}: {_ATTEMPTS} writes in a row met a newer version")
