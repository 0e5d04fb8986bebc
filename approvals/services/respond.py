"""The shared way to a decision: every channel, the clock included, answers through `respond`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from approvals.domain.errors import Conflict, TooManyConflicts
from approvals.domain.model import Approval
from approvals.domain.replies import DeferredReply
from approvals.domain.rules import Event, Judgement, judge

_ATTEMPTS = 50
"""As many as may answer one request at the same moment: of those who conflict, one is stored each time."""


class Store(Protocol):
    """What `respond` needs of the table."""

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        """Stores the approval, and leaves the reply, if the table still has the version before it.

        Raises `Conflict` otherwise: then neither is done.
        """

    def leave_reply(self, reply: DeferredReply) -> None:
        """Leave a reply by itself."""


def respond(
    store: Store,
    approval: Approval,
    event: Event,
    *,
    reply: Callable[[Judgement], DeferredReply | None] = lambda _: None,
) -> Judgement:
    """Judges the event and stores what it changes with one conditional write.

    `reply` returns the deferred reply to a judgement, if any: the same write leaves it. It is called before that write,
    so what it raises keeps everything from being stored.

    A conflict is judged anew against the record as it stands, never overwritten. Raises `TooManyConflicts` after fifty.
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
        except Conflict as conflict:
            approval = conflict.current
        else:
            return judgement
    raise TooManyConflicts(f"approval {approval.id}: {_ATTEMPTS} writes in a row met a newer version")
