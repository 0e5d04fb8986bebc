"""`decision`: the stream of approvals invokes it. It resumes the workflow of a decided approval and tells people."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.adapters import metrics
from approvals.services.conclude import Resumer
from handlers.settings import DecisionSettings
from handlers.stream_worker import Worker
from handlers.wiring import ChannelWiring


def build(environ: Mapping[str, str]) -> Worker:
    """Build the handler from the environment."""
    config = DecisionSettings(environ)
    wiring = ChannelWiring(config)
    resumer = Resumer(
        table=wiring.table,
        tokens=wiring.tokens(config),
        workflows=wiring.workflows,
        channels=wiring.channels,
        clock=wiring.clock,
        logger=wiring.logger,
        settled=metrics.count_decision,
        overridden=metrics.count_override,
        publisher=wiring.publisher(config),
    )
    return wiring.worker(resumer, config)


handler = build(os.environ)
