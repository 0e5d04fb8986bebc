"""`request`: the state machine invokes it with the task token. It stores the request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

from approvals.adapters import metrics
from approvals.domain.working_hours import parse_working_hours
from approvals.services.request import RequestHandler
from handlers.settings import RequestSettings
from handlers.wiring import Wiring


def build(environ: Mapping[str, str]) -> RequestHandler:
    """Build the handler from the environment."""
    config = RequestSettings(environ)
    wiring = Wiring(config)
    return RequestHandler(
        table=wiring.table,
        tokens=wiring.tokens(config),
        workflows=wiring.workflows,
        default_timeout=timedelta(minutes=int(config.default_timeout_minutes)),
        working_hours=parse_working_hours(config.remind_during),
        clock=wiring.clock,
        logger=wiring.logger,
        requested=metrics.count_request,
        read_policy=wiring.policy_store(config.policy_parameter).read,
        policy_unavailable=metrics.count_unavailable_policy,
    )


handler = build(os.environ)
