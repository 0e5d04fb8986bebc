"""Delivery of the replies that the Slack app left for one person: it can neither list approvals nor wait.

They are the app's Home, answers to /approvals, results of clicks, and links to the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from approvals.domain import wording
from approvals.domain.characters import one_line
from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.model import Action, Approval
from approvals.domain.parts import join_texts
from approvals.domain.references import Reference
from approvals.domain.replies import Note, NoteKind
from approvals.domain.search import has_words
from approvals.domain.signed_links import link, user_recipient
from approvals.domain.summary import Summary, summarize
from approvals.store.queries import Listing
from approvals.store.reading import UnreadableError
from approvals.store.replies import EARLIER_PREFIX, Replies
from approvals.store.table import ApprovalTable, NotFoundError
from bot.query import About, Inquiry, parse
from bot.visibility import Viewer, asked_by, may_respond, may_see, overview, waits_for
from bot.words import NOT_OF_THE_WORKSPACE

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger

LATELY = timedelta(days=30)
"""The age of the oldest approvals in lists."""

MAX_LATELY = 500
"""Approvals that are read for a list, the newest: each is one read of the table."""

PATIENCE = timedelta(minutes=3)
"""The age at which a request for the Home or a command is dropped: the person no longer waits for it."""

_MOST_NAMED = 5
"""Full IDs in the answer to a reference that fits several approvals."""

_UNREADABLE = "The record of this request can't be read, so there is no page. Ask whoever runs this service."
_NOTHING_OPEN = "Nothing is open that you may see. `/approvals help` says what is shown to whom."
_NOTHING_ASKED = "You asked for nothing in the last 30 days."
_NOTHING_FOUND = "Nothing was found in the last 30 days that you may see."
_NO_SUCH = "There is no such approval among those that you may see. `/approvals search` finds more."


class Notes:
    """Delivers each reply to its user. Without Slack there is no `messenger`, and no reply."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        replies: Replies,
        listing: Listing,
        messenger: SlackMessenger | None,
        base_url: str,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._replies = replies
        self._listing = listing
        self._messenger = messenger
        self._base_url = base_url
        self._clock = clock
        self._logger = logger

    def deliver(self, reply: str) -> None:
        """Deliver a reply by its ID. Raises `DeliveryError` if it should be tried again, and `NotFoundError`."""
        if self._messenger is None:
            return
        if reply.startswith(EARLIER_PREFIX):  # From the retry queue, which keeps messages for 4 days.
            self._logger.warning("reply of an earlier version dropped")
            return
        note = self._replies.get(reply)
        try:
            match note.kind:
                case NoteKind.WHISPER:
                    self._messenger.whisper(note)
                case NoteKind.LINK:
                    self._hand_out_link(note, self._messenger)
                case _ if note.left_at and self._clock() - note.left_at > PATIENCE:
                    self._logger.warning("note dropped", extra={"reason": "nobody waits for it any more"})
                case NoteKind.HOME:
                    self._show_home(note, self._messenger)
                case NoteKind.COMMAND:
                    self._answer(note, self._messenger)
        except DeliveryRefusedError as refused:
            self._logger.warning("note dropped", extra={"reason": str(refused)})

    def _hand_out_link(self, note: Note, messenger: SlackMessenger) -> None:
        """Give somebody a link of their own to the page, if they may respond to the approval or see it."""
        viewer = self._viewer(note, messenger)
        if viewer is None:
            messenger.whisper(replace(note, text=NOT_OF_THE_WORKSPACE))
            return
        try:
            approval = self._table.get(str(note.text))
        except UnreadableError as error:  # Trying again is of no use.
            name_unreadable(self._logger, error)
            messenger.whisper(replace(note, text=_UNREADABLE))
            return
        if not (may_respond(approval, viewer) or may_see(approval, viewer)):
            self._logger.warning("no link handed out to who may neither respond nor see")
            messenger.whisper(
                replace(note, text=join_texts([wording.quoted_title(approval), wording.rules_sentence(approval)]))
            )
            return
        recipient = user_recipient(viewer.id, one_line(viewer.name), member=viewer.member)
        url = link(approval, Action.APPROVE, recipient, base_url=self._base_url)
        messenger.hand_out(note, approval, url)
        self._logger.info("link handed out in slack")

    def _show_home(self, note: Note, messenger: SlackMessenger) -> None:
        viewer = self._viewer(note, messenger)
        if viewer is None:
            self._logger.warning("home not shown to somebody of another workspace")
            return
        shown = overview(viewer, self._listing.pending(), self._lately())
        waiting = (each for each in self._in_full(shown.waiting) if each.decision is None)
        messenger.publish_home(note.user, shown, waiting, now=self._clock(), said=note.text)

    def _answer(self, note: Note, messenger: SlackMessenger) -> None:
        viewer = self._viewer(note, messenger)
        if viewer is None:
            messenger.say(note.response_url, NOT_OF_THE_WORKSPACE)
            return
        inquiry = parse(str(note.text))
        self._logger.info("command in slack", extra={"about": inquiry.about.value})
        match inquiry.about:
            case About.LIST:
                self._list(note, viewer, messenger)
            case About.MINE:
                mine = [summarize(approval) for approval in self._lately() if asked_by(approval, viewer)]
                messenger.list(note.response_url, [("You asked for", mine)], nothing=_NOTHING_ASKED)
            case About.SEARCH:
                seen = (each for each in self._lately() if may_see(each, viewer))
                found = [summarize(each) for each in seen if has_words(each, inquiry.text)]
                messenger.list(note.response_url, [("Found", found)], nothing=_NOTHING_FOUND)
            case About.SHOW:
                self._show(note, inquiry, viewer, messenger)
            case About.HELP:
                messenger.help(note.response_url)

    def _list(self, note: Note, viewer: Viewer, messenger: SlackMessenger) -> None:
        waiting: list[Summary] = []
        others: list[Summary] = []
        for approval in self._listing.pending():
            if may_see(approval, viewer):
                (waiting if waits_for(approval, viewer) else others).append(summarize(approval))
        parts = [("Waits for you", _by_deadline(waiting)), ("Open, waits for others", _by_deadline(others))]
        messenger.list(note.response_url, parts, nothing=_NOTHING_OPEN)

    def _show(self, note: Note, inquiry: Inquiry, viewer: Viewer, messenger: SlackMessenger) -> None:
        """Show the only approval with this reference, or those to choose from."""
        found = self._called(inquiry.text, viewer)
        alone = next(self._in_full(found), None) if len(found) == 1 else None
        if alone and may_see(alone, viewer):
            messenger.show(note.response_url, alone, answerable=waits_for(alone, viewer))
        else:
            # An approval that they may not see is answered like a missing one: nobody learns what exists.
            several = found if len(found) > 1 else []
            ids = ", ".join(f"`{summary.id}`" for summary in several[:_MOST_NAMED])
            heading = f"Which one? Repeat with its full ID: {ids}"
            messenger.list(note.response_url, [(heading, several)], nothing=_NO_SUCH)

    def _called(self, name: str, viewer: Viewer) -> list[Summary]:
        """Return the approvals that they may see with this ID, the beginning of one, or an execution's name."""
        reference = Reference.parse(name)
        if reference.approval_id:
            approvals = self._listing.each([reference.approval_id])
        else:
            both = chain(self._listing.pending(), self._lately())
            approvals = (each for each in both if reference.matches(each))
        return list({each.id: summarize(each) for each in approvals if may_see(each, viewer)}.values())

    def _in_full(self, summaries: Iterable[Summary]) -> Iterator[Approval]:
        """Read the approvals of summaries one by one, as they are used; skip those that can't be read."""
        for summary in summaries:
            try:
                approval = self._listing.get(summary.id)
            except NotFoundError:
                continue
            except UnreadableError as error:
                name_unreadable(self._logger, error)
            else:
                yield approval

    def _lately(self) -> Iterator[Approval]:
        now = self._clock()
        return islice(self._listing.requested(now - LATELY, now + timedelta(minutes=1)), MAX_LATELY)

    def _viewer(self, note: Note, messenger: SlackMessenger) -> Viewer | None:
        """Return the user as Slack knows them; None for users of other workspaces."""
        workspace = messenger.directory.workspace()
        user = messenger.directory.user(note.user)
        if user is None or user.deleted or user.bot or {user.team_id, note.workspace} != {workspace}:
            return None
        channels = self._channels(note.user, messenger)
        if note.channel:
            channels |= {note.channel}
        return Viewer(
            id=user.id,
            name=user.name,
            workspace=workspace,
            member=user.is_member,
            email=user.email,
            channels=channels,
        )

    def _channels(self, user: str, messenger: SlackMessenger) -> frozenset[str]:
        try:
            return messenger.directory.channels_of(user)
        except DeliveryRefusedError as refused:
            # The app was installed before it needed this scope: no channel is known to be theirs.
            self._logger.warning("channels can't be looked up", extra={"reason": str(refused)})
            return frozenset()


def name_unreadable(logger: Logger, error: UnreadableError) -> None:
    """Log which record is left out of a list since it can't be read."""
    logger.warning("record can't be read, left out", extra={"approval_id": error.approval_id, "reason": error.reason})


def _by_deadline(summaries: list[Summary]) -> list[Summary]:
    return sorted(summaries, key=lambda each: each.deadline)
