"""What the app listens to: a folder for each kind of listener."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from bot.listeners import actions
from bot.listeners.malformed import answer_error

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from slack_bolt import App

    from approvals.table import ApprovalTable


def register_listeners(app: App, *, table: ApprovalTable, clock: Callable[[], datetime], logger: Logger) -> None:
    """Registers every listener with the app."""
    actions.register(app, table=table, clock=clock, logger=logger)
    app.error(answer_error)
