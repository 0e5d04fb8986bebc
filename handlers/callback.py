"""The pages behind the links in emails and Slack messages: `web.handler` with this function's settings and clients."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aws_lambda_powertools import Logger

from approvals.adapters import settings
from approvals.adapters.clients import client
from approvals.domain.characters import log_json
from approvals.store.table import ApprovalTable
from web.handler import CallbackHandler


@dataclass(frozen=True, slots=True)
class Settings:
    """Environment variables of this function."""

    table_name: str
    email_link_mode: str


def build(environ: Mapping[str, str]) -> CallbackHandler:
    """Build the handler from the environment, with the AWS clients it uses."""
    config = settings.load(Settings, environ)
    return CallbackHandler(
        table=ApprovalTable(client("dynamodb"), config.table_name),
        one_click=config.email_link_mode == "one-click",
        clock=partial(datetime.now, UTC),
        logger=Logger(json_serializer=log_json),
    )


def __getattr__(name: str) -> CallbackHandler:
    # Lambda looks `handler` up once, in its init phase: clients are built there, and an import alone builds nothing.
    if name == "handler":
        return build(os.environ)
    raise AttributeError(name)
