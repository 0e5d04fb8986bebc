"""The clock, every minute: expires the approvals whose deadline has passed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from approvals import settings
from approvals.clients import CONFIG
from approvals.respond import respond
from approvals.rules import Expiry
from approvals.table import ApprovalTable, NotFound

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str


class NotAllDone(Exception):  # noqa: N818
    """Some approvals could not be looked at. The next minute tries again; the alarm is for when it fails for long."""


class LifecycleHandler:
    """Answers for those who stayed silent, through the same `respond` as everybody."""

    def __init__(self, *, table: ApprovalTable, clock: Callable[[], datetime], logger: Logger) -> None:
        self._table = table
        self._clock = clock
        self._logger = logger

    def __call__(self, _event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Expires all that is due. Raises `NotAllDone` at the end when some failed; the others are done."""
        failed = [approval_id for approval_id in self._table.due(self._clock()) if not self._expire(approval_id)]
        if failed:
            raise NotAllDone(f"{len(failed)} approvals, the first is {failed[0]}")

    def _expire(self, approval_id: str) -> bool:
        with self._logger.append_context_keys(approval_id=approval_id):
            try:
                judgement = respond(self._table, self._table.get(approval_id), Expiry(self._clock()))
            except NotFound:
                return True
            except Exception:
                self._logger.exception("could not be expired")
                return False
            if judgement.changed:
                self._logger.info("expired")
            return True


def build(environ: Mapping[str, str]) -> LifecycleHandler:
    """Builds the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    table = ApprovalTable(boto3.client("dynamodb", config=CONFIG), config.table_name)
    return LifecycleHandler(table=table, clock=partial(datetime.now, UTC), logger=Logger())


def __getattr__(name: str) -> LifecycleHandler:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
