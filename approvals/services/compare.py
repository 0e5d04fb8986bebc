"""Find the last approved request of a new request's subject, and store what differs, before people are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.domain.comparison import compare, may_compare, subject_key
from approvals.domain.model import Approval
from approvals.domain.previous import Comparison, Previous
from approvals.store.reading import UnreadableError
from approvals.store.subjects import SubjectIndex
from approvals.store.table import ApprovalTable, NotFoundError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

MOST = 10
"""Approvals of a subject that are read, the newest first, until one is found to compare with."""

PATIENCE = timedelta(minutes=1)
"""How long after the request a failed comparison is tried again, before people are asked without it.

A short failure of DynamoDB must not cost approvers the comparison, and nobody may wait for it: they are told that there
is none. The first retries come after 5, 10 and 20 seconds.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparer:
    """Compares a request with the last approved one, once."""

    table: ApprovalTable
    subjects: SubjectIndex
    clock: Callable[[], datetime]
    logger: Logger

    def __call__(self, approval: Approval, *, last: bool) -> Approval:
        """Store the comparison if there is none, and return the current approval.

        Raise any error of the search, to be tried again, unless it is the `last` try or too late to wait for another.
        """
        if approval.request.subject is None or approval.previous or approval.people is None or approval.decision:
            return approval
        try:
            previous = self._previous(approval, approval.request.subject)
        except Exception:
            if not last and self.clock() < approval.requested_at + PATIENCE:
                raise
            self.logger.exception("not compared with earlier approvals")
            previous = Previous(comparison=Comparison.FAILED)
        return self.table.keep_previous(approval, previous)

    def _previous(self, approval: Approval, subject: str) -> Previous:
        ignored = 0
        for approval_id in self.subjects.newest(subject_key(subject), MOST):
            earlier = self._read(approval_id)
            if earlier and may_compare(earlier, approval):
                return compare(earlier, approval, ignored=ignored)
            ignored += 1
        return Previous(comparison=Comparison.NONE, ignored=ignored)

    def _read(self, approval_id: str) -> Approval | None:
        try:
            return self.table.get(approval_id)
        except NotFoundError:
            return None
        except UnreadableError as error:
            self.logger.warning("earlier approval can't be read", extra={"earlier": approval_id, "reason": str(error)})
            return None
