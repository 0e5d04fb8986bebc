"""`answer`: responses that people sign with their AWS credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.adapters import metrics
from approvals.store.items import LISTED
from approvals.store.table import ApprovalTable
from handlers.settings import AnswerSettings
from handlers.wiring import Wiring
from iam.handler import ResponseHandler


def build(environ: Mapping[str, str]) -> ResponseHandler:
    """Build the handler from the environment."""
    config = AnswerSettings(environ)
    wiring = Wiring(config)
    return ResponseHandler(
        table=ApprovalTable(wiring.dynamodb, config.table_name, attributes=LISTED),
        account=config.account_id,
        clock=wiring.clock,
        logger=wiring.logger,
        read_policy=wiring.policy_store(config.policy_parameter).read,
        policy_unavailable=metrics.count_unavailable_policy,
    )


handler = build(os.environ)
