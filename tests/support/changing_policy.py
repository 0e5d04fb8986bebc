"""The operator's policy while requests are open: tests change it, and the scheduler compares."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from approvals.adapters import metrics
from approvals.adapters.policy_store import PolicyUnavailableError
from approvals.domain.judgement import PolicyChange
from approvals.domain.model import Approval
from approvals.domain.pinned_policy import PinnedPolicy
from approvals.domain.policy import Policy
from approvals.domain.rules import judge
from approvals.requests.policy import parse_policy
from approvals.services.lifecycle import LifecycleHandler
from approvals.services.policy_changes import PolicyChanges
from approvals.store.policy_watch import PolicyWatch
from approvals.store.table import ApprovalTable
from tests.support.fakes import Clock, FakeQueue, FakeWorkflows
from tests.support.policies import a_document

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

PARAMETER = "/approvals/policy"


@dataclass
class ChangingPolicy:
    """The SSM parameter with the policy."""

    version: int = 0
    document: dict[str, Any] = field(default_factory=dict)
    broken: bool = False

    def set(self, **keys: Any) -> None:
        """Store another version: `a_document` with these keys."""
        self.version, self.document = self.version + 1, a_document(**keys)

    def read(self) -> Policy | None:
        if self.broken:
            raise PolicyUnavailableError(f"The approval policy {PARAMETER} can't be read (ThrottlingException).")
        return parse_policy(json.dumps(self.document), parameter=PARAMETER, version=self.version)


def a_scheduler(table: ApprovalTable, policy: ChangingPolicy, clock: Clock, logger: Logger) -> LifecycleHandler:
    """Return the scheduler's function, which compares open approvals with the policy."""
    return LifecycleHandler(
        table=table,
        workflows=FakeWorkflows(),
        state_machine_arn="arn",
        notify_queue=FakeQueue(),
        decision_queue=FakeQueue(),
        dead_letters=FakeQueue(),
        clock=clock,
        logger=logger,
        policy_changes=PolicyChanges(
            table=table,
            watch=PolicyWatch(table._dynamodb, table._name, lambda _: None),
            read_policy=policy.read,
            unavailable=metrics.count_unavailable_policy,
            clock=clock,
            logger=logger,
        ),
    )


def ask_again(table: ApprovalTable, approval: Approval, at: datetime, **keys: Any) -> Approval:
    """Return an approval that a changed policy asked again, with the same rules and people. It is stored.

    `keys` are of the policy.
    """
    before = table.get(approval.id)
    policy = PinnedPolicy(parameter=PARAMETER, version=2, sha256="2" * 64, **keys)
    change = PolicyChange(at=at, policy=policy.identity, request=replace(before.request, policy=policy))
    again = replace(judge(before, change).approval, people=before.people)
    table.save(again, asked_again=True)
    return again
