"""An execution that is stopped takes its approval with it. Where its event is lost: tests/e2e/test_lost_event.py."""

from __future__ import annotations

from demo.stack import LocalStack
from tests.support.stopped_executions import check_cancelled, stop


def test_a_stopped_execution_cancels_its_approval(stack: LocalStack) -> None:
    check_cancelled(stop(stack, "stopped"))
