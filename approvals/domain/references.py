"""References that people type to name an approval: its ID, the beginning of it, or its execution's name.

Callers choose the names of executions. So a name never takes the place of an ID, and what could be either names both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from approvals.domain.model import Approval
from approvals.domain.signed_links import is_approval_id

MIN_PREFIX = 4
"""Characters of an ID that are taken for one."""

SHORT = 6
"""Characters of an ID that people see: 30 bits. They need to differ within one inbox and week alone."""

_PREFIX = re.compile(rf"[a-z2-7]{{{MIN_PREFIX},31}}")


def short(approval_id: str) -> str:
    """Return the beginning of an ID that people see; `Reference` recognizes it."""
    return approval_id[:SHORT]


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as it was typed, and what it can be.

    `approval_id` is set for a complete ID, and nothing else then. `prefix` is set for what an ID may begin with. IDs
    are recognized in either case, as people type them from a subject line; names of executions are compared exactly.
    """

    execution_name: str = ""
    approval_id: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, typed: str) -> Reference:
        """Read what was typed."""
        lower = typed.lower()
        if is_approval_id(lower):
            return cls(approval_id=lower)
        return cls(execution_name=typed, prefix=lower if _PREFIX.fullmatch(lower) else "")

    def matches(self, approval: Approval) -> bool:
        """Return True if the reference can mean this approval."""
        if self.approval_id:
            return approval.id == self.approval_id
        return self.matches_id(approval.id) or approval.workflow.execution_name == self.execution_name

    def matches_id(self, approval_id: str) -> bool:
        """Return True if an ID begins with what was typed."""
        return bool(self.prefix) and approval_id.startswith(self.prefix)
