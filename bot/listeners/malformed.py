"""Requests that Slack signed, but that make no sense to us."""

from __future__ import annotations

import logging

from slack_bolt import BoltResponse


class Malformed(Exception):  # noqa: N818
    """The payload has another shape than Slack documents."""


def answer_error(error: Exception, logger: logging.Logger) -> BoltResponse:
    """Answers what a listener could not: 401 for a malformed request, 500 for a failure of ours.

    On a 500 Slack shows the person a warning at the button: nothing was recorded, they can click again.
    """
    if isinstance(error, Malformed):
        logger.warning("refused: %s", error)
        return BoltResponse(status=401, body="malformed")
    logger.error("a listener failed", exc_info=error)
    return BoltResponse(status=500, body="failed")
