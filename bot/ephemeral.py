"""Delivery of the replies that the Slack app left for one person: it can neither list approvals nor wait.

They are the app's Home, answers to /approvals, results of clicks, and links to the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from approvals.domain import wording
from approvals.domain.characters import one_line
from approvals.domain.delegate_wording import seat_sentence
from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.model import Action, Approval
from approvals.domain.parts import join_texts
from approvals.domain.references import Reference
from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.domain.search import has_words
from approvals.domain.signed_links import link, user_recipient
from approvals.domain.summary import Summary, summarize
from approvals.store.queries import Listing
from approvals.store.reading import UnreadableError
from approvals.store.replies import EARLIER_PREFIX, Replies
from approvals.store.table import ApprovalTable, NotFoundError
from bot.away import AwayCommand
from bot.subcommands import Subcommand, parse_command
from bot.views.approval import message_of, page_link_text
from bot.views.comparison import user_sees_values
from bot.views.home import home_view
from bot.views.lists import HELP, list_blocks
from bot.views.text import paragraph, sentence
from bot.visibility import Viewer, can_respond, can_see, is_awaited, is_posted_to, is_requester, overview
from bot.words import NOT_OF_THE_WORKSPACE

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger

LIST_PERIOD = timedelta(days=30)
"""The age of the oldest approvals in lists."""

MAX_LISTED = 500
"""Approvals that are read for a list, the newest: each is one read of the table."""

PATIENCE = timedelta(minutes=3)
"""The age at which a request for the Home or a command is dropped: the person no longer waits for it."""

_MAX_CHOICES = 5
"""Full IDs in the answer to a reference that fits several approvals."""

_UNREADABLE = "This request's record can't be read, so there is no page. Contact the people who run this app."
_NOTHING_OPEN = "No open requests that you can see. `/approvals help` explains which requests you see."
_NOTHING_REQUESTED = "You have no requests from the last 30 days."
_NOTHING_FOUND = "No matching requests from the last 30 days."
_NO_SUCH = "No request that you can see has this ID or name. Try `/approvals search`."


class ReplyDelivery:
    """Delivers each reply to its user."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        replies: Replies,
        listing: Listing,
        messenger: SlackMessenger,
        away: AwayCommand,
        base_url: str,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._replies = replies
        self._listing = listing
        self._messenger = messenger
        self._away = away
        self._base_url = base_url
        self._clock = clock
        self._logger = logger

    def deliver(self, item_id: str) -> None:
        """Deliver a reply by its item's ID. Raises `DeliveryError` if it should be tried again, and `NotFoundError`."""
        if item_id.startswith(EARLIER_PREFIX):  # From the retry queue, which keeps messages for 4 days.
            self._logger.warning("reply of an earlier version dropped")
            return
        reply = self._replies.get(item_id)
        try:
            match reply.kind:
                case ReplyKind.EPHEMERAL:
                    self._messenger.send_ephemeral(reply, sentence(reply.text))
                case ReplyKind.PAGE_LINK:
                    self._messenger.send_ephemeral(reply, self._page_link(reply))
                case _ if reply.left_at and self._clock() - reply.left_at > PATIENCE:
                    self._logger.warning("reply dropped", extra={"reason": "it is too old for the user to wait for it"})
                case ReplyKind.HOME:
                    self._publish_home(reply)
                case ReplyKind.COMMAND:
                    self._answer_command(reply)
        except DeliveryRefusedError as refused:
            self._logger.warning("reply dropped", extra={"reason": str(refused)})

    def _page_link(self, reply: DeferredReply) -> str:
        """Return a link of the user's own to the page if they may respond to the approval or see it, else why not."""
        viewer = self._viewer(reply)
        if viewer is None:
            return sentence(NOT_OF_THE_WORKSPACE)
        try:
            approval = self._table.get(str(reply.text))
        except UnreadableError as error:  # A retry would not help.
            log_unreadable(self._logger, error)
            return sentence(_UNREADABLE)
        if not (can_respond(approval, viewer) or can_see(approval, viewer)):
            self._logger.warning("no page link for a user who may neither respond nor see")
            return sentence(join_texts([wording.quoted_title(approval), wording.rules_sentence(approval)]))
        in_place = is_posted_to(approval, viewer)
        recipient = user_recipient(viewer.id, one_line(viewer.name), member=viewer.member, in_place=in_place)
        self._logger.info("page link sent in slack")
        return page_link_text(approval, link(approval, Action.APPROVE, recipient, base_url=self._base_url))

    def _publish_home(self, reply: DeferredReply) -> None:
        viewer = self._viewer(reply)
        if viewer is None:
            self._logger.warning("home not shown to a user of another workspace")
            return
        shown = overview(viewer, self._listing.pending(), self._recent())
        waiting = (each for each in self._in_full(shown.waiting) if each.decision is None)
        now = self._clock()

        def tells(approval: Approval) -> str:
            return seat_sentence(approval, viewer.approver, now)

        view = home_view(shown, waiting, self._messenger.link, now=now, said=reply.text, tells=tells, user=viewer.id)
        self._messenger.publish_home(reply.user, view)

    def _answer_command(self, reply: DeferredReply) -> None:
        viewer = self._viewer(reply)
        if viewer is None:
            said = NOT_OF_THE_WORKSPACE
            self._messenger.respond(reply.response_url, said, [paragraph(sentence(said))])
            return
        subcommand, text = parse_command(str(reply.text))
        self._logger.info("command in slack", extra={"subcommand": subcommand.value})
        match subcommand:
            case Subcommand.LIST:
                self._list(reply, self._open(viewer), _NOTHING_OPEN)
            case Subcommand.MINE:
                mine = [summarize(approval) for approval in self._recent() if is_requester(approval, viewer)]
                self._list(reply, [("Your requests", mine)], _NOTHING_REQUESTED, own=True)
            case Subcommand.SEARCH:
                visible = (approval for approval in self._recent() if can_see(approval, viewer))
                found = [summarize(approval) for approval in visible if has_words(approval, text)]
                self._list(reply, [("Results", found)], _NOTHING_FOUND)
            case Subcommand.SHOW:
                self._show(reply, self._referenced(text, viewer), viewer)
            case Subcommand.AWAY:
                said = self._away.run(viewer, text, reply.left_at or self._clock())
                self._messenger.respond(reply.response_url, said, [paragraph(said)])
            case Subcommand.HELP:
                problem = [paragraph(sentence(text))] if text else []
                self._messenger.respond(reply.response_url, "Commands", [*problem, paragraph(HELP)])

    def _list(
        self,
        reply: DeferredReply,
        sections: Sequence[tuple[str, Sequence[Summary]]],
        nothing: str,
        *,
        own: bool = False,
    ) -> None:
        blocks = list_blocks(sections, self._messenger.link, nothing, own=own)
        self._messenger.respond(reply.response_url, "Approvals", blocks)

    def _open(self, viewer: Viewer) -> list[tuple[str, list[Summary]]]:
        waiting: list[Summary] = []
        others: list[Summary] = []
        for approval in self._listing.pending():
            if can_see(approval, viewer):
                (waiting if is_awaited(approval, viewer) else others).append(summarize(approval))
        for approvals in (waiting, others):
            approvals.sort(key=lambda each: each.deadline)
        return [("Waiting for you", waiting), ("Waiting for others", others)]

    def _show(self, reply: DeferredReply, found: list[Summary], viewer: Viewer) -> None:
        """Show the only approval that was found, or those to choose from."""
        alone = next(self._in_full(found), None) if len(found) == 1 else None
        if alone and can_see(alone, viewer):
            values = user_sees_values(alone, viewer.id, in_place=is_posted_to(alone, viewer))
            message = message_of(alone, answerable=is_awaited(alone, viewer), is_copy=True, values=values)
            self._messenger.respond(reply.response_url, *message)
        else:
            # An approval that they may not see is answered like a missing one: nobody learns what exists.
            several = found if len(found) > 1 else []
            ids = ", ".join(f"`{summary.id}`" for summary in several[:_MAX_CHOICES])
            self._list(reply, [(f"Which one? Use `/approvals show` with a full ID: {ids}", several)], _NO_SUCH)

    def _referenced(self, typed: str, viewer: Viewer) -> list[Summary]:
        """Return the approvals that they may see with this ID, the beginning of one, or an execution's name."""
        reference = Reference.parse(typed)
        if reference.approval_id:
            approvals = self._listing.each([reference.approval_id])
        else:
            approvals = filter(reference.matches, chain(self._listing.pending(), self._recent()))
        return list({each.id: summarize(each) for each in approvals if can_see(each, viewer)}.values())

    def _in_full(self, summaries: Iterable[Summary]) -> Iterator[Approval]:
        """Read the approvals of summaries one by one, as they are used; skip those that can't be read."""
        for summary in summaries:
            try:
                approval = self._listing.get(summary.id)
            except NotFoundError:
                continue
            except UnreadableError as error:
                log_unreadable(self._logger, error)
            else:
                yield approval

    def _recent(self) -> Iterator[Approval]:
        now = self._clock()
        return islice(self._listing.requested(now - LIST_PERIOD, now + timedelta(minutes=1)), MAX_LISTED)

    def _viewer(self, reply: DeferredReply) -> Viewer | None:
        """Return the user as Slack knows them; None for users of other workspaces."""
        directory = self._messenger.directory
        workspace, user = directory.workspace(), directory.user(reply.user)
        if user is None or user.deleted or user.invited or user.bot:
            return None
        if not {workspace, reply.workspace} <= user.workspaces:
            return None
        try:
            channels = directory.channels_of(user.id)
        except DeliveryRefusedError as refused:
            # The app was installed before it needed this scope: no channel is known to be theirs.
            self._logger.warning("channels can't be looked up", extra={"reason": str(refused)})
            channels = frozenset()
        return Viewer(
            id=user.id,
            name=user.name,
            workspace=workspace,
            member=user.is_member,
            email=user.email,
            channels=channels | ({reply.channel} if reply.channel else set()),
        )


def log_unreadable(logger: Logger, error: UnreadableError) -> None:
    """Log which record is left out since it can't be read."""
    logger.warning("record can't be read, left out", extra={"approval_id": error.approval_id, "reason": error.reason})
