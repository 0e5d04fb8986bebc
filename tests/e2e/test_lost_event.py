"""An execution that is stopped takes its approval with it, though the event that says so is lost."""

from __future__ import annotations

import pytest

from demo.stack import LocalStack
from tests.support.stopped_executions import Stopped, check_cancelled, stop


@pytest.fixture(scope="session", autouse=True)
def stopped(quiet: LocalStack) -> Stopped:
    """Stopped at the start: the minute of the clock passes while the other tests run."""
    return stop(quiet, "stopped-unseen")


def test_it_was_asked_on_both_channels_before_it_was_stopped(stopped: Stopped) -> None:
    """Runs early, and so begins what the next test waits for."""
    assert set(stopped.links) == {"approve", "reject"}


@pytest.mark.last
def test_a_stopped_execution_cancels_its_approval_with_its_event_lost(stopped: Stopped) -> None:
    check_cancelled(stopped)
