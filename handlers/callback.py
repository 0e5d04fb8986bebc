"""`callback`: the pages behind the links in emails and Slack messages."""

from __future__ import annotations

import os
from collections.abc import Mapping

from handlers.settings import CallbackSettings
from handlers.wiring import Wiring
from web.handler import CallbackHandler


def build(environ: Mapping[str, str]) -> CallbackHandler:
    """Build the handler from the environment."""
    config = CallbackSettings(environ)
    wiring = Wiring(config)
    return CallbackHandler(table=wiring.table, one_click=config.one_click, clock=wiring.clock, logger=wiring.logger)


handler = build(os.environ)
