"""What a listener raises: for a request that Slack signed but that makes no sense to us, and for a failure of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slack_bolt import BoltResponse

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


class Malformed(Exception):  # noqa: N818
    """The payload has another shape than Slack documents."""


class ListenerFailed(Exception):  # noqa: N818
    """An unexpected error in a listener, which is its cause; with the approval that it was about, if any."""

    def __init__(self, approval_id: str = "") -> None:
        super().__init__(approval_id)
        self.approval_id = approval_id


@contextmanager
def about(logger: Logger, approval_id: str) -> Iterator[None]:
    """Name the approval in what is logged meanwhile, and in an unexpected error. Raises `ListenerFailed` for one."""
    try:
        with logger.append_context_keys(approval_id=approval_id):
            yield
    except Malformed:
        raise
    except Exception as error:
        raise ListenerFailed(approval_id) from error


def answer_error(error: Exception, logger: logging.Logger) -> BoltResponse:
    """Answer a malformed request with 401. Raises `ListenerFailed` for an error of ours.

    Bolt asks twice for what is raised here: for the listener, and for all of the request.
    """
    if isinstance(error, Malformed):
        logger.warning("refused: %s", error)
        return BoltResponse(status=401, body="malformed")
    if isinstance(error, ListenerFailed):
        raise error
    raise ListenerFailed from error
