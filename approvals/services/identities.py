"""Find out who is who with the services of this stack: subscriptions to its topic, and Slack's directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from approvals.domain.errors import DeliveryError
from approvals.domain.identifiers import is_email
from approvals.domain.model import People, Request
from approvals.requests.identities import Directory, identify
from approvals.requests.parse import InvalidRequestError


class StackIdentities:
    """`email` is the stack's own address, `confirmed` returns who can get emails; without Slack there is no directory.

    `confirmed` and the directory raise `DeliveryError`.
    """

    def __init__(self, *, email: str, confirmed: Callable[[], Mapping[str, str]], directory: Directory | None) -> None:
        self._email = email
        self._confirmed = confirmed
        self._directory = directory

    def find(self, request: Request) -> People:
        """Return the people of a request. Raise `InvalidRequestError`, and `DeliveryError` if it can't be known."""
        return self._find(request, self._directory)

    def find_partly(self, request: Request) -> People | None:
        """Return the people as far as they are known by email: Slack's outage holds up nobody who is asked so."""
        names = (*request.approvers, *request.escalate_to, *([request.requested_by] if request.requested_by else []))
        if not all(is_email(name) for name in names):
            return None
        try:
            return replace(self._find(request, None), complete=False)
        except (InvalidRequestError, DeliveryError):  # Somebody is reached by Slack alone, then.
            return None

    def _find(self, request: Request, directory: Directory | None) -> People:
        by_email = any(is_email(name) for name in (*request.approvers, *request.escalate_to))
        subscribed = self._confirmed() if by_email else {}
        return identify(request, email=self._email, subscribed=subscribed, directory=directory)
