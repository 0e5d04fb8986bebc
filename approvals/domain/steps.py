"""The keys of tasks, each done once for an approval. The record has them: never rename one. Standard library only."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

REQUEST: Final = "request_"
"""Begins the steps that ask people to respond; the channel's name follows."""

NOTICE: Final = "notice_"
"""Begins the steps that tell people of a request without asking them."""


class Step(StrEnum):
    """The steps of the core. Channels have steps of their own, made by the functions below."""

    RESUME = "resume"
    WORKFLOW_GONE = "workflow_gone"


def step_for(kind: str, recipient: str) -> str:
    """Return the step of a task for one recipient, if there is one: `reminder-1:ann@example.com`."""
    return f"{kind}:{recipient}" if recipient else kind


def recipient_of(step: str) -> str:
    """Return the recipient that a step names."""
    return step.partition(":")[2]


def request_step(channel: str, to: str = "") -> str:
    """Return the step that asks to respond: one person, or all who read a place."""
    return step_for(f"{REQUEST}{channel}", to)


def notice_step(channel: str, to: str = "") -> str:
    """Return the step that tells of a request without asking."""
    return step_for(f"{NOTICE}{channel}", to)


def outcome_step(channel: str, to: str = "") -> str:
    """Return the step that tells how an approval ended."""
    return step_for(f"outcome_{channel}", to)
