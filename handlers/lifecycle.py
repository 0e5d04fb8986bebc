"""`lifecycle`: EventBridge invokes it every minute and when an execution ends. It keeps the deadlines."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.services.lifecycle import LifecycleHandler
from handlers.settings import LifecycleSettings
from handlers.wiring import Wiring


def build(environ: Mapping[str, str]) -> LifecycleHandler:
    """Build the handler from the environment."""
    config = LifecycleSettings(environ)
    wiring = Wiring(config)
    return LifecycleHandler(
        table=wiring.table,
        workflows=wiring.workflows,
        state_machine_arn=config.state_machine_arn,
        notify_queue=wiring.queue(config.notify_queue_url),
        decision_queue=wiring.queue(config.decision_queue_url),
        dead_letters=wiring.queue(config.dead_letter_queue_url),
        clock=wiring.clock,
        logger=wiring.logger,
        policy_changes=wiring.policy_changes(config.policy_parameter),
    )


handler = build(os.environ)
