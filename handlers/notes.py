"""Delivers notes: what the Slack app left in the table for one person, as it may neither list approvals nor lose time.

It shows the app's Home, answers /approvals, and says what a click came to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from approvals import present
from approvals.inquiry import About, Inquiry, parse
from approvals.links import is_approval_id
from approvals.listing import Listing
from approvals.model import Approval, Note, NoteKind
from approvals.steps import DeliveryRefused
from approvals.table import ApprovalTable, NotFound
from approvals.viewer import Viewer, asked_by, matches, may_see, overview, waits_for

if TYPE_CHECKING:
    from bot.messenger import SlackMessenger

LATELY = timedelta(days=30)
"""How far back lists reach."""

MAX_LATELY = 500
"""Approvals that are looked through for a list, the newest: each is a read of the table."""

PATIENCE = timedelta(minutes=3)
"""After this, nobody waits any more for a Home to open, or for a command's answer."""

_NOTHING_OPEN = "Nothing is open that you may see. `/approvals help` says what is shown to whom."
_NOTHING_ASKED = "You asked for nothing in the last 30 days."
_NOTHING_FOUND = "Nothing was found in the last 30 days that you may see."
_NO_SUCH = "There is no such approval among those that you may see. `/approvals search` finds more."


class Notes:
    """Delivers each note to its user. Without Slack there is no `messenger`, and there are no notes."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        listing: Listing,
        messenger: SlackMessenger | None,
        clock: Callable[[], datetime],
        logger: Logger,
    ) -> None:
        self._table = table
        self._listing = listing
        self._messenger = messenger
        self._clock = clock
        self._logger = logger

    def deliver(self, item_id: str) -> None:
        """Delivers the note in an item. Raises `DeliveryFailed` when it should be tried again, and `NotFound`."""
        if self._messenger is None:
            return
        note = self._table.get_note(item_id)
        try:
            match note.kind:
                case NoteKind.WHISPER:
                    self._messenger.whisper(note)
                case _ if note.left_at and self._clock() - note.left_at > PATIENCE:
                    self._logger.warning("note dropped", extra={"reason": "nobody waits for it any more"})
                case NoteKind.HOME:
                    self._show_home(note, self._messenger)
                case NoteKind.COMMAND:
                    self._answer(note, self._messenger)
        except DeliveryRefused as refused:
            self._logger.warning("note dropped", extra={"reason": str(refused)})

    def _show_home(self, note: Note, messenger: SlackMessenger) -> None:
        viewer = self._viewer(note, messenger)
        if viewer is None:
            self._logger.warning("home not shown to somebody of another workspace")
            return
        shown = overview(viewer, self._listing.open(), self._lately())
        messenger.publish_home(note.user, shown, now=self._clock(), said=note.text)

    def _answer(self, note: Note, messenger: SlackMessenger) -> None:
        viewer = self._viewer(note, messenger)
        if viewer is None:
            messenger.say(note.response_url, present.NOT_OF_THE_WORKSPACE)
            return
        inquiry = parse(note.text)
        self._logger.info("command in slack", extra={"about": inquiry.about.value})
        match inquiry.about:
            case About.LIST:
                self._list(note, viewer, messenger)
            case About.MINE:
                mine = [approval for approval in self._lately() if asked_by(approval, viewer)]
                messenger.list(note.response_url, [("You asked for", mine)], nothing=_NOTHING_ASKED)
            case About.SEARCH:
                found = [each for each in self._lately() if may_see(each, viewer) and matches(each, inquiry.text)]
                messenger.list(note.response_url, [("Found", found)], nothing=_NOTHING_FOUND)
            case About.SHOW:
                self._show(note, inquiry, viewer, messenger)
            case About.HELP:
                messenger.help(note.response_url)

    def _list(self, note: Note, viewer: Viewer, messenger: SlackMessenger) -> None:
        seen = [approval for approval in self._listing.open() if may_see(approval, viewer)]
        waiting = [approval for approval in seen if waits_for(approval, viewer)]
        ids = {approval.id for approval in waiting}
        others = [approval for approval in seen if approval.id not in ids]
        parts = [("Waits for you", waiting), ("Open, waits for others", others)]
        messenger.list(note.response_url, parts, nothing=_NOTHING_OPEN)

    def _show(self, note: Note, inquiry: Inquiry, viewer: Viewer, messenger: SlackMessenger) -> None:
        found = [approval for approval in self._called(inquiry.text) if may_see(approval, viewer)]
        if len(found) == 1:
            messenger.show(note.response_url, found[0], answerable=waits_for(found[0], viewer))
        else:
            # What is hidden is said to be missing: nobody learns what exists.
            messenger.list(note.response_url, [("Which one?", found)], nothing=_NO_SUCH)

    def _called(self, name: str) -> list[Approval]:
        """The approvals with this id, or with an id that begins so, or of the execution with this name."""
        if is_approval_id(name):
            try:
                return [self._table.get(name)]
            except NotFound:
                return []
        known = {approval.id: approval for approval in (*self._listing.open(), *self._lately())}
        return [each for each in known.values() if each.id.startswith(name) or each.workflow.execution_name == name]

    def _lately(self) -> list[Approval]:
        now = self._clock()
        return list(islice(self._listing.requested(now - LATELY, now + timedelta(minutes=1)), MAX_LATELY))

    def _viewer(self, note: Note, messenger: SlackMessenger) -> Viewer | None:
        """Who asks, as Slack knows them; None for whoever is not of the app's own workspace."""
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
        except DeliveryRefused as refused:
            # Installed before the app needed this scope: then nobody is taken for a member.
            self._logger.warning("channels can't be looked up", extra={"reason": str(refused)})
            return frozenset()
