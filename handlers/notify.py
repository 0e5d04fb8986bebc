"""`notify`: called by the streams of approvals and of deferred replies, tells people what is new."""

from __future__ import annotations

import os
from collections.abc import Mapping

from approvals.services.notify import Notifier
from approvals.store.replies import EARLIER_PREFIX, REPLY_PREFIX
from handlers.settings import NotifySettings, load
from handlers.stream_worker import Worker
from handlers.wiring import ChannelWiring


def build(environ: Mapping[str, str]) -> Worker:
    """Build the handler from the environment."""
    config = load(NotifySettings, environ)
    wiring = ChannelWiring(config)
    notifier = Notifier(
        table=wiring.table,
        channels=wiring.channels,
        identities=wiring.identities(),
        decisions=wiring.queue(config.decision_queue_url),
        clock=wiring.clock,
        logger=wiring.logger,
        publisher=wiring.publisher(config),
    )
    replies = wiring.replies(config.slack_reply_table_name)

    def work(item_id: str, *, last: bool) -> None:
        if item_id.startswith((REPLY_PREFIX, EARLIER_PREFIX)):
            if replies:  # Without Slack, nobody reads what an earlier stack with Slack left.
                replies.deliver(item_id)
        else:
            notifier(item_id, last=last)

    return wiring.worker(work, config)


handler = build(os.environ)
