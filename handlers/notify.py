"""`notify`: the streams of approvals and of deferred replies invoke it. It sends requests, updates and replies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from approvals.requests.lookup import Resolver
from approvals.services.compare import Comparer
from approvals.services.identities import StackIdentities
from approvals.services.notify import Notifier
from approvals.store.absences import AbsenceTable
from approvals.store.queries import Listing
from approvals.store.replies import EARLIER_PREFIX, REPLY_PREFIX, Replies
from approvals.store.subjects import SubjectIndex
from bot.resolver import SlackResolver
from handlers.settings import NotifySettings
from handlers.stream_worker import Worker
from handlers.wiring import ChannelWiring
from iam.resolver import RoleResolver
from mail.resolver import EmailResolver

if TYPE_CHECKING:
    from bot.ephemeral import ReplyDelivery


def build(environ: Mapping[str, str]) -> Worker:
    """Build the handler from the environment."""
    config = NotifySettings(environ)
    wiring = ChannelWiring(config)
    resolvers: list[Resolver] = [EmailResolver(wiring.confirmed), RoleResolver(config.account)]
    if wiring.messenger:
        resolvers.append(SlackResolver(wiring.messenger.directory))
    notifier = Notifier(
        table=wiring.table,
        channels=wiring.channels,
        identities=StackIdentities(shared=config.email, resolvers=resolvers),
        compare=Comparer(
            table=wiring.table,
            subjects=SubjectIndex(wiring.dynamodb, config.table_name),
            clock=wiring.clock,
            logger=wiring.logger,
        ),
        decisions=wiring.queue(config.decision_queue_url),
        clock=wiring.clock,
        logger=wiring.logger,
        publisher=wiring.publisher(config),
    )
    replies = _replies(wiring, config)

    def work(item_id: str, *, last: bool) -> None:
        if item_id.startswith((REPLY_PREFIX, EARLIER_PREFIX)):
            if replies:  # Without Slack, nobody reads what an earlier stack with Slack left.
                replies.deliver(item_id)
        else:
            notifier(item_id, last=last)

    return wiring.worker(work, config)


def _replies(wiring: ChannelWiring, config: NotifySettings) -> ReplyDelivery | None:
    """Return what delivers deferred Slack replies; None without Slack, whose library is not imported then."""
    if wiring.messenger is None:
        return None
    from bot.away import AwayCommand  # noqa: PLC0415
    from bot.ephemeral import ReplyDelivery, log_unreadable  # noqa: PLC0415

    listing = Listing(wiring.dynamodb, config.table_name, partial(log_unreadable, wiring.logger))
    absences = AbsenceTable(wiring.dynamodb, config.table_name)
    return ReplyDelivery(
        table=wiring.table,
        replies=Replies(wiring.dynamodb, config.slack_reply_table_name),
        listing=listing,
        away=AwayCommand(absences=absences, table=wiring.table, listing=listing),
        messenger=wiring.messenger,
        base_url=config.public_url,
        clock=wiring.clock,
        logger=wiring.logger,
    )


handler = build(os.environ)
