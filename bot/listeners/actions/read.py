"""A click on the button that leads to the page: noted for `notify`, which hands out a link to this person alone."""

from __future__ import annotations

from typing import Any

from slack_bolt import Ack

from bot.listeners.desk import GONE, Click, Desk


class Read:
    """The listener for the button."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, ack: Ack, body: dict[str, Any]) -> None:
        """Note who wants to read the request, then acknowledge. Raises `Malformed`."""
        click = Click.parse(body)
        self._desk.logger.append_keys(approval_id=click.approval_id)
        approval = self._desk.find(click.approval_id)
        if approval is None:
            self._desk.leave(self._desk.reply(click, GONE))
        else:
            self._desk.leave(self._desk.page_link(approval, click.approver, click.channel))
        ack()
