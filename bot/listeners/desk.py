"""What every listener works with: who clicked, the record it is about, and private notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from approvals.domain import wording
from approvals.domain.eligibility import Reason
from approvals.domain.errors import DeliveryFailed
from approvals.domain.model import Action, Approval, Approver, Channel, Note, NoteKind, Response
from approvals.domain.omissions import was_all_in_earlier_message
from approvals.domain.rules import Judgement, Postponement, Verdict, Withdrawal, judge
from approvals.domain.signed_links import is_approval_id
from approvals.services.respond import respond
from approvals.store.table import ApprovalTable, NotFound
from bot.directory import SlackDirectory
from bot.listeners.malformed import Malformed
from bot.views.buttons import ALL_SHOWN

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

PersonsEvent = Response | Withdrawal | Postponement

GONE = "This request is no longer on record, so your answer could not be taken."

NO_ROOM = (
    "Your response is not recorded: the record of this request has no room left. Shorten what you wrote, or ask for a "
    "new request with less text."
)

MAX_ID = 255
"""Characters of an id or a name. Slack's are far shorter, and what a dialog carries along has 3,000 at most."""


@dataclass(frozen=True, slots=True)
class Click:
    """What is read of a `block_actions` payload. `word` is what was chosen in a menu; empty for a button.

    `channel` is empty in the app's Home. `trigger` opens a dialog within 3 seconds; empty where Slack sent none.
    `unseen` is set where nothing shows that the answer counts: in the Home, and in a message that they alone see, which
    is never edited. `all_shown` says that all of the request stands above the button.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """

    approval_id: str
    approver: Approver
    channel: str
    trigger: str
    key: str
    word: str = ""
    unseen: bool = False
    all_shown: bool = False

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Click:
        """Reads the payload. Raises `Malformed` when it is not a click on one of our buttons or menus."""
        try:
            element = body["actions"][0]
            chosen = element.get("selected_option")
            word, _, value = text(chosen["value"]).rpartition(":") if chosen else ("", "", text(element["value"]))
            at_home = body["container"].get("type") == "view"
            key = text(body.get("trigger_id") or element["action_ts"])
            click = cls(
                approval_id=value,
                approver=approver(body),
                channel="" if at_home else text(body["container"]["channel_id"]),
                trigger=key if body.get("trigger_id") else "",
                key=key,
                word=word,
                unseen=at_home or body["container"].get("is_ephemeral") is True,
                all_shown=str(element.get("block_id")).startswith(ALL_SHOWN),
            )
        except (KeyError, IndexError, TypeError, AttributeError, UnicodeEncodeError) as error:
            raise Malformed(f"not a click on a button: {error!r}") from error
        if not is_approval_id(click.approval_id):
            raise Malformed("the button's value is not an approval's id")
        return click


def approver(body: dict[str, Any]) -> Approver:
    """Who clicked. Raises `KeyError`, `TypeError`, `AttributeError` or `UnicodeEncodeError` for another shape."""
    user = body["user"]
    # Not the payload's own team: that is where they clicked, and guests click there, too.
    workspace = text(user["team_id"]) if user.get("team_id") else ""
    name = text(user.get("name") or user.get("username") or user["id"])
    return Approver(id=text(user["id"]), name=name, channel=Channel.SLACK, workspace=workspace)


def text(value: object, most: int = MAX_ID) -> str:
    """A text that is not empty, of `most` characters at most.

    Raises `TypeError` for what Slack does not send, `UnicodeEncodeError` for what no table takes.
    """
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise TypeError("expected a text")
    value.encode()  # raises on half of a surrogate pair
    return value


@dataclass(frozen=True, slots=True)
class Desk:
    """The table, the time, the log and who is who in Slack. `refresh` reads the Slack secret anew."""

    table: ApprovalTable
    clock: Callable[[], datetime]
    logger: Logger
    refresh: Callable[[], bool]
    directory: SlackDirectory

    def find(self, approval_id: str) -> Approval | None:
        """The approval as it stands; None when there is no record of it any more."""
        try:
            return self.table.get(approval_id)
        except NotFound:
            self.logger.warning("click on an unknown approval")
            return None

    def respond(self, approval: Approval, event: PersonsEvent, note: Callable[[Judgement], Note | None]) -> Judgement:
        """Judge and store what a person does; ask Slack first whether they are a member, where that decides it.

        That is one call to Slack before the acknowledgement, at requests that name no approvers. Without an answer
        nothing is recorded, and the person is told to try again.
        """
        if judge(approval, event).reason is Reason.UNCHECKED:
            event = replace(event, approver=self._checked(event.approver))
        return respond(self.table, approval, event, note=note)

    def _checked(self, approver: Approver) -> Approver:
        try:
            user = self.directory.user(approver.id)
        except DeliveryFailed as error:
            self.logger.warning("membership can't be checked", extra={"reason": str(error)})
            self.refresh()
            return approver
        return replace(approver, member=user is not None and user.is_member)

    def reply(self, click: Click, said: str | None, *, recorded: bool = False) -> Note | None:
        """A note to who clicked, for `notify` to show. None for nothing to say.

        In a channel it is a private message there; in the app's Home it stands above what the Home has now. Each click
        that recorded something has a note of its own; else the same words are said to them once a minute.
        """
        # Slack repeats a click it holds for lost, with the same trigger: the note it leads to is the same one.
        about = click.key if recorded else f"{said}:{self._minute}"
        key = self.key(click.approval_id, click.approver.id, about)
        return self.note(click.approver, click.channel, said, key) if said else None

    def page_link(self, approval: Approval, approver: Approver, channel: str) -> Note:
        """A note that asks `notify` for a link to the page that shows everything, for this person alone.

        This function makes no link: its signature is a right to respond. Whoever clicks on and on gets one a minute.
        """
        return Note(
            id=self.key("link", approval.id, approver.id, self._minute),
            kind=NoteKind.LINK,
            channel=channel,
            user=approver.id,
            text=approval.id,
            workspace=approver.workspace,
            left_at=self.clock(),
        )

    def note(self, approver: Approver, channel: str, said: str, key: str) -> Note:
        """A note to somebody who was in a channel, or without one in the app's Home."""
        return Note(
            id=key,
            kind=NoteKind.WHISPER if channel else NoteKind.HOME,
            channel=channel,
            user=approver.id,
            text=said,
            workspace=approver.workspace,
            left_at=self.clock(),
        )

    def leave(self, note: Note | None) -> None:
        """Leaves a note, if there is one, for `notify` to deliver."""
        if note:
            self.table.leave_note(note)

    @property
    def _minute(self) -> str:
        return f"{self.clock():%Y-%m-%dT%H:%M}"

    @staticmethod
    def key(*parts: str) -> str:
        """The id of a note: the same for the same parts."""
        return sha256(":".join(parts).encode()).hexdigest()[:32]


RECORDED = frozenset({Verdict.DECIDED, Verdict.COUNTED, Verdict.WITHDRAWN})
"""What a click recorded, where it is told in a note."""


def used_once(*parts: str) -> str:
    """The key of an event, from what Slack gives a click or a dialog of its own."""
    return sha256(":".join(parts).encode()).hexdigest()[:16]


def must_read(approval: Approval, action: Action, *, all_shown: bool) -> bool:
    """Return True if an approval has to wait until all of the request was shown. What nobody read can be rejected."""
    return action is Action.APPROVE and not all_shown and not was_all_in_earlier_message(approval)


def told(judgement: Judgement, response: Response, *, unseen: bool = False) -> str | None:
    """What to tell the person about their answer; nothing when it counts and they see that, unless it is `unseen`."""
    match judgement.verdict:
        case Verdict.DECIDED | Verdict.COUNTED if not unseen:
            return None
        case Verdict.DECIDED:
            return f"{wording.quoted_title(judgement.approval)} {wording.outcome(judgement.approval)}"
        case Verdict.NOT_ALLOWED:
            return refused(judgement)
        case _:
            return wording.answered(judgement, response)


def refused(judgement: Judgement) -> str:
    """Why this person may not answer, and who may."""
    return wording.not_allowed(judgement.approval, judgement.reason or Reason.NOT_AN_APPROVER)
