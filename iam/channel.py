"""The IAM channel sends nothing: people find requests by other channels or `approvals list`, and respond by a call."""

from __future__ import annotations

from approvals.domain.eligibility import invited
from approvals.domain.model import Approval
from approvals.domain.steps import request_step, step_for
from approvals.services.channel import Done, News, Tasks
from iam.addresses import IAM


class IamChannel:
    """Marks that roles can respond: a request that names only roles has approvers who can respond."""

    name = IAM

    def invite(self, approval: Approval) -> Tasks:
        """Mark each role that the request names."""
        roles = [person.on(IAM) for person in invited(approval)]
        return {step_for(request_step(IAM), role): _mark for role in roles if role}

    def update(self, approval: Approval, news: News) -> Tasks:  # noqa: ARG002
        """Tell nobody."""
        return {}

    def conclude(self, approval: Approval) -> Tasks:  # noqa: ARG002
        """Tell nobody."""
        return {}

    def show(self, approval: Approval) -> None:
        """Do nothing."""


def _mark(_approval: Approval) -> Done:
    return Done()
