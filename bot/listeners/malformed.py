"""Requests that Slack signed, but that make no sense to us."""

from __future__ import annotations

import logging

from slack_bolt import BoltResponse


class Malformed(Exception):  # noqa: N818
    """The payload has another shape than Slack documents."""


def answer_error(error: Exception, logger: logging.Logger) -> BoltResponse:
    """Answer a malformed request with 401. Raises every other error: the function fails, which its alarm counts.

    Bolt calls this twice for an error of a listener, so what is raised is logged once it has left Bolt.
    """
    if not isinstance(error, Malformed):
        raise error
    logger.warning("refused: %s", error)
    return BoltResponse(status=401, body="malformed")
