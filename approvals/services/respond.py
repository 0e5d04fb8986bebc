"""Apply an event to an approval and store the result. Every channel and the scheduler use this function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.judgement import ApprovalEvent, Judgement
from approvals.domain.model import Approval
from approvals.domain.replies import Note
from approvals.domain.rules import judge

_ATTEMPTS = 50
"""Responses to one request at the same moment: of those that conflict, one is stored each time."""


class Store(Protocol):
    """What `respond` needs of the table."""

    def save(self, approval: Approval, note: Note | None = None) -> None:
        """Store the approval, and leave the note, if the table still has the version before it.

        Raise `ConflictError` otherwise: then neither is done.
        """

    def leave_note(self, note: Note) -> None:
        """Leave a note by itself."""


def respond(
    store: Store,
    approval: Approval,
    event: ApprovalEvent,
    *,
    note: Callable[[Judgement], Note | None] = lambda _: None,
) -> Judgement:
    """Judge the event and store what it changes with one conditional write.

    `note` makes the note that a judgement leads to, if any: the same write leaves it. It is called before that write,
    so that nothing is stored if it raises.

    A conflict is judged again against the current record, never overwritten. Raise `TooManyConflictsError` after fifty.
    """
    for _ in range(_ATTEMPTS):
        judgement = judge(approval, event)
        left = note(judgement)
        if not judgement.changed:
            if left:
                store.leave_note(left)
            return judgement
        try:
            store.save(judgement.approval, left)
        except ConflictError as conflict:
            approval = conflict.current
        else:
            return judgement
    raise TooManyConflictsError(f"approval {approval.id}: {_ATTEMPTS} writes in a row met a newer version")
