"""What can go wrong between the core and the services it uses, in words that no service shapes."""

from __future__ import annotations

from approvals.domain.model import Approval


class DeliveryError(Exception):
    """An outside service did not take what we sent. Trying again is safe."""


class DeliveryRefusedError(DeliveryError):
    """An outside service won't take it, as long as nobody changes something there."""


class DeliveryDelayedError(DeliveryError):
    """An outside service asks to come back after some seconds: it works, but we call it too often."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


class ConflictError(Exception):
    """Somebody else wrote first; `current` is the approval as it stands now."""

    def __init__(self, current: Approval) -> None:
        super().__init__(f"approval {current.id} is at version {current.version} now")
        self.current = current


class TooManyConflictsError(Exception):
    """Others kept writing first. Nothing was stored; asking again is safe."""
