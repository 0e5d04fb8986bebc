"""Delivers notes: what the Slack app left in the table for one person, as it calls Slack for nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from approvals.steps import DeliveryRefused
from approvals.table import ApprovalTable

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger


class Notes:
    """Shows each note to its user. Without Slack there is no `messenger`, and there are no notes."""

    def __init__(self, *, table: ApprovalTable, messenger: SlackMessenger | None, logger: Logger) -> None:
        self._table = table
        self._messenger = messenger
        self._logger = logger

    def deliver(self, item_id: str) -> None:
        """Delivers the note in an item. Raises `DeliveryFailed` when it should be tried again, and `NotFound`."""
        if self._messenger:
            try:
                self._messenger.whisper(self._table.get_note(item_id))
            except DeliveryRefused as refused:
                self._logger.warning("note dropped", extra={"reason": str(refused)})
