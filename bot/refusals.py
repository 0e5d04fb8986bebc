"""What is left as it is in Slack, since trying again would change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from approvals.domain.errors import DeliveryRefused

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@contextmanager
def unless_refused(logger: Logger) -> Iterator[None]:
    """Leaves it at that where the message was deleted, or its channel closed: trying again would change nothing."""
    try:
        yield
    except DeliveryRefused as refused:
        logger.warning("slack message left as it is", extra={"reason": str(refused)})
