"""What a function read or wrote last: a person opens a page, presses its button, and looks at the outcome."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from approvals.model import Approval

MOST = 32
"""Approvals that are remembered, the latest. The greatest takes 7 MB once it is read (a context of small objects), a
function has 512."""

SHOWN_WITHIN = timedelta(seconds=5)
"""A browser follows the redirect after an answer at once. Later, a page is read anew: more may have happened."""


class Recent:
    """The approvals of this process's latest requests, by id.

    They may be old. So an answer is judged by one only with `respond(..., remembered=True)`, whose write proves that
    nothing has changed; and a page shows one only once, to who wrote it and right after that.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, Approval] = {}
        self._written: dict[str, tuple[str, datetime]] = {}

    def keep(self, approval: Approval, *, written_by: str = "") -> None:
        """Remembers an approval as it was just read, or written by an answer of a link's recipient."""
        self._kept.pop(approval.id, None)
        self._written.pop(approval.id, None)
        if approval.people is None or not approval.people.complete:
            return  # Who may answer is found out without a new version: no write would prove that it is still unknown.
        self._kept[approval.id] = approval
        if written_by:
            self._written[approval.id] = (written_by, self._clock())
        if len(self._kept) > MOST:
            oldest = next(iter(self._kept))
            self._kept.pop(oldest)
            self._written.pop(oldest, None)

    def to_judge(self, approval_id: str) -> Approval | None:
        """The approval as it was last seen here."""
        return self._kept.get(approval_id)

    def to_show(self, approval_id: str, recipient: str) -> Approval | None:
        """The approval that the recipient just wrote, once."""
        who, at = self._written.get(approval_id, ("", self._clock()))
        if who != recipient:
            return None
        del self._written[approval_id]
        return self._kept[approval_id] if self._clock() - at <= SHOWN_WITHIN else None
