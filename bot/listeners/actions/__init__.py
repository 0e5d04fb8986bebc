"""Clicks on a message's buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from approvals.model import Action
from bot.listeners.actions.answer import Answer
from bot.listeners.actions.open_execution import acknowledge
from bot.views.approval import ACTION_IDS, OPEN_EXECUTION_ID

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from slack_bolt import App

    from approvals.table import ApprovalTable


def register(app: App, *, table: ApprovalTable, clock: Callable[[], datetime], logger: Logger) -> None:
    """Registers the buttons of an approval's message."""
    for action in Action:
        app.action(ACTION_IDS[action])(Answer(action, table=table, clock=clock, logger=logger))
    app.action(OPEN_EXECUTION_ID)(acknowledge)
