"""Compare open approvals with the operator's policy: note a later version, or ask again where it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from approvals.adapters.policy_store import PolicyUnavailableError
from approvals.domain.judgement import PolicyChange
from approvals.domain.model import Approval
from approvals.domain.policy import OpenOnChange, Policy
from approvals.domain.replies import DeferredReply
from approvals.domain.rules import judge
from approvals.requests.parse import InvalidRequestError
from approvals.requests.policy_floor import judge_again
from approvals.requests.result_size import check_result_size, input_of
from approvals.services.respond import respond
from approvals.store.items import DUE_SHARDS
from approvals.store.policy_watch import PolicyProgress, PolicyWatch
from approvals.store.record_size import check_size
from approvals.store.table import ApprovalTable

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

SETTLING = timedelta(minutes=2)
"""How long the open approvals are compared again after a change: a request may be on its way with the policy before.

A later one is compared when the scheduler first looks at it.
"""

MAX_TIME = timedelta(seconds=25)
"""How long one run compares approvals. The next one goes on where it stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanges:
    """Keeps open approvals up to date with the policy. `unavailable` counts that it can't be read."""

    table: ApprovalTable
    watch: PolicyWatch
    read_policy: Callable[[], Policy | None]
    unavailable: Callable[[], None]
    clock: Callable[[], datetime]
    logger: Logger

    def current(self) -> Policy | None:
        """Return today's policy; None if it can't be read: then open approvals keep their rules for now."""
        try:
            return self.read_policy()
        except PolicyUnavailableError as error:
            self.logger.error(  # noqa: TRY400 the message says it all
                "the approval policy can't be read, open approvals keep their rules", extra={"reason": str(error)}
            )
            self.unavailable()
            return None

    def apply(self, approval: Approval, policy: Policy, at: datetime) -> bool:
        """Compare an open approval with the policy that was read at a moment. Return True if its rules changed."""
        pinned = approval.request.policy
        if pinned and pinned.sha256 == policy.sha256:
            if pinned.noted:
                self.watch.note(approval, None)
            return False
        if policy.open_on_change is OpenOnChange.KEEP:
            if pinned and pinned.noted != policy.identity:
                self.watch.note(approval, policy.identity)
            return False
        judgement = respond(_AskedAgain(self.table), approval, self._change(approval, policy, at))
        if judgement.changed:
            extra = {"verdict": judgement.verdict.value, "version": policy.version}
            self.logger.info("the approval policy changed", extra=extra)
        return judgement.changed

    def compare_all(self, policy: Policy, at: datetime, compare: Callable[[str], bool]) -> None:
        """Compare all open approvals with a policy that changed, as many as there is time for.

        `compare` compares one by its ID, and returns False if that failed: then it is tried again.
        """
        progress = self.watch.read()
        if progress is None or progress.sha256 != policy.sha256:
            progress = PolicyProgress(sha256=policy.sha256, since=at)
        if progress.done:
            return
        while progress.shard < DUE_SHARDS and self.clock() - at < MAX_TIME:
            ids, position = self.watch.page(progress.shard, progress.position)
            failed = [each for each in ids if not compare(each)]
            progress = replace(
                progress,
                shard=progress.shard if position else progress.shard + 1,
                position=position,
                failed=progress.failed or bool(failed),
            )
            if ids:
                self.watch.store(progress)
        if progress.shard == DUE_SHARDS:
            done = not progress.failed and at - progress.since >= SETTLING
            progress = replace(progress, shard=0, position="", failed=False, done=done)
        self.watch.store(progress)

    def _change(self, approval: Approval, policy: Policy, at: datetime) -> PolicyChange:
        """Return what the policy makes of a request, as its author wrote it. One that no longer fits is refused."""
        judged = judge_again(policy, approval.request, approval.workflow)
        change = PolicyChange(at=at, policy=policy.identity, request=judged.request)
        if judged.problems:
            return replace(change, request=None, problems=judged.problems)
        try:
            check_result_size(input_of(judged.written), judged.request)
            return self._with_room(approval, change)
        except InvalidRequestError as error:
            return replace(change, request=None, problems=tuple(error.problems))

    @staticmethod
    def _with_room(approval: Approval, change: PolicyChange) -> PolicyChange:
        """Return the change, without the words of voided responses where the record has no room for them."""
        try:
            check_size(judge(approval, change).approval)
        except InvalidRequestError:
            change = replace(change, has_room=False)
            check_size(judge(approval, change).approval)
        return change


class _AskedAgain:
    """The approvals table as `respond` needs it, for approvals that have other rules afterwards."""

    def __init__(self, table: ApprovalTable) -> None:
        self._table = table

    def save(self, approval: Approval, reply: DeferredReply | None = None) -> None:
        """Store the approval with its rules, as `ApprovalTable.save` does."""
        self._table.save(approval, reply, asked_again=True)

    def leave_reply(self, reply: DeferredReply) -> None:
        """Leave a reply by itself."""
        self._table.leave_reply(reply)
