"""`notify`: the streams of approvals and of deferred replies invoke it. It tells people what is new."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from approvals.requests.identities import Resolver
from approvals.services.identities import StackIdentities
from approvals.services.notify import Notifier
from approvals.store.queries import Listing
from approvals.store.replies import EARLIER_PREFIX, REPLY_PREFIX, Replies
from bot.ephemeral import Notes, name_unreadable
from bot.resolver import SlackResolver
from handlers.settings import NotifySettings, load
from handlers.stream_worker import Worker
from handlers.wiring import ChannelWiring
from mail.resolver import EmailResolver


def build(environ: Mapping[str, str]) -> Worker:
    """Build the handler from the environment."""
    config = load(NotifySettings, environ)
    wiring = ChannelWiring(config)
    resolvers: list[Resolver] = [EmailResolver(wiring.confirmed)]
    if wiring.messenger:
        resolvers.append(SlackResolver(wiring.messenger.directory))
    notifier = Notifier(
        table=wiring.table,
        channels=wiring.channels,
        identities=StackIdentities(shared=config.email, resolvers=resolvers),
        decisions=wiring.queue(config.decision_queue_url),
        clock=wiring.clock,
        logger=wiring.logger,
        publisher=wiring.publisher(config),
    )
    replies = Notes(
        table=wiring.table,
        replies=Replies(wiring.dynamodb, config.slack_reply_table_name),
        listing=Listing(wiring.dynamodb, config.table_name, partial(name_unreadable, wiring.logger)),
        messenger=wiring.messenger,
        base_url=config.public_url,
        clock=wiring.clock,
        logger=wiring.logger,
    )

    def work(item_id: str, *, last: bool) -> None:
        if item_id.startswith((REPLY_PREFIX, EARLIER_PREFIX)):
            replies.deliver(item_id)
        else:
            notifier(item_id, last=last)

    return wiring.worker(work, config)


handler = build(os.environ)
