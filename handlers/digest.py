"""`digest`: the queue of emails that came too fast for SNS invokes it. It folds them into one for each recipient."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from handlers.settings import DigestSettings
from handlers.wiring import Wiring
from mail.digest import DigestSender
from mail.messages import Links


def build(environ: Mapping[str, str]) -> DigestSender:
    """Build the handler from the environment."""
    config = DigestSettings(environ)
    wiring = Wiring(config)
    return DigestSender(
        table=wiring.table,
        mailer=wiring.mailer(config),
        email=config.email,
        links=Links(config.public_url, one_click=config.one_click),
        clock=wiring.clock,
        sleep=time.sleep,
        logger=wiring.logger,
    )


handler = build(os.environ)
