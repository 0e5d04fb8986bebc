"""`spend`: state machines and programs invoke it right before they execute an approved action."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.adapters import metrics
from approvals.services.spend import SpendHandler
from approvals.store.spends import Spends
from handlers.settings import SpendSettings
from handlers.wiring import Wiring


def build(environ: Mapping[str, str]) -> SpendHandler:
    """Build the handler from the environment."""
    config = SpendSettings(environ)
    wiring = Wiring(config)
    return SpendHandler(
        spends=Spends(wiring.dynamodb, config.table_name),
        clock=wiring.clock,
        logger=wiring.logger,
        refused=metrics.count_refused_spend,
    )


handler = build(os.environ)
