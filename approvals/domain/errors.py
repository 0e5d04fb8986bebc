"""Errors between the core and the services that it uses, whatever the service."""

from __future__ import annotations

from approvals.domain.model import Approval

INVALID_REQUEST = "InvalidApprovalRequest"
"""The error that the workflow gets for an invalid request. The name is part of the public contract."""

NOTIFICATION_FAILED = "NotificationFailed"
"""The error that the workflow gets where nobody could be told of the request."""

POLICY_UNAVAILABLE = "ApprovalPolicyUnavailable"
"""The error that the workflow gets where the operator's policy can't be read: no request passes unjudged."""


class DeliveryError(Exception):
    """A service did not take what was sent. Retrying is safe."""


class DeliveryRefusedError(DeliveryError):
    """The service rejects the request until its configuration changes."""


class DeliveryDelayedError(DeliveryError):
    """The service limits the rate of calls. Retry after `seconds`."""

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(reason)
        self.seconds = seconds


class ConflictError(Exception):
    """Another write came first. `current` is the stored approval."""

    def __init__(self, current: Approval) -> None:
        super().__init__(f"approval {current.id} is at version {current.version} now")
        self.current = current


class TooManyConflictsError(Exception):
    """Other writes kept coming first. Nothing was stored, and retrying is safe."""
