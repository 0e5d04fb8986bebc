"""`notify`: called by the streams of approvals and of deferred replies, tells people what is new."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.adapters.clients import client
from approvals.adapters.settings import load
from handlers.notifier import Notifier
from handlers.settings import NotifySettings
from handlers.stream_worker import Worker
from handlers.wiring import Wiring
from mail.messages import Links
from mail.sns import Subscribers


def build(environ: Mapping[str, str]) -> Worker:
    """Build the handler from the environment."""
    config = load(NotifySettings, environ)
    wiring = Wiring(config)
    messenger = wiring.messenger(config)
    notifier = Notifier(
        table=wiring.table,
        outbox=wiring.outbox(config),
        subscribers=Subscribers(lambda: client("sns"), config.topic_arn),
        messenger=messenger,
        notes=wiring.replies(messenger, config),
        decisions=wiring.queue(config.decision_queue_url),
        email=config.email,
        links=Links.configured(config.public_url, config.email_link_mode),
        clock=wiring.clock,
        logger=wiring.logger,
        publisher=wiring.publisher(config),
    )
    return wiring.worker(notifier, config)


handler = build(os.environ)
