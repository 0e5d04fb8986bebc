"""The execution that waits for an approval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The paused execution."""

    execution_arn: str
    execution_name: str
    state_machine_name: str
    state_name: str
    entered_at: str = ""
    """When the state was entered, as Step Functions writes it: the same for all attempts of a retried state."""
    attempt: int = 0
    """How often the state was retried before; each attempt has a task token of its own."""

    def retries(self, earlier: Workflow) -> bool:
        """Return True for a later attempt of the same state of the same execution."""
        same = (earlier.execution_arn, earlier.state_name, earlier.entered_at)
        return self.attempt > earlier.attempt and (self.execution_arn, self.state_name, self.entered_at) == same
