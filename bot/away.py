"""`/approvals away`: a Slack user names a delegate for themselves, or is back. Only `notify` runs it.

The Slack app leaves the command, signed by Slack, and can't write absences: it can't name delegates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from approvals.domain.absences import Absence
from approvals.domain.delegates import asks_delegate_of
from approvals.domain.profiles import is_person
from approvals.store.absences import MAX_ABSENCES, AbsencesChangedError, AbsenceTable
from approvals.store.queries import Listing
from approvals.store.table import ApprovalTable
from bot.views.text import literal, local_time, mention_or_name
from bot.visibility import Viewer

MAX_DAYS = 366
"""The longest absence. The operator's policy may allow less: requests then leave the delegate out earlier."""

MAX_ADDRESS = 254
"""Characters of an email address. Source: https://www.rfc-editor.org/errata/eid1690"""

OFF = "off"
USAGE = "Use `/approvals away until 2026-12-05, ask @dan` or `/approvals away off`."

_UNTIL = re.compile(r"until (\d{4}-\d{2}-\d{2}),? ask (\S+)", re.IGNORECASE)
_MENTION = re.compile(r"@?([UW][A-Z0-9]{6,20})(?:\|.*)?")
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayCommand:
    """Starts and ends the absences of the user who sent the command."""

    absences: AbsenceTable
    table: ApprovalTable
    listing: Listing

    def run(self, viewer: Viewer, text: str, at: datetime) -> str:
        """Return the reply, as mrkdwn, to a command that the user sent at a moment.

        The same command twice is one absence.
        """
        if text.casefold() == OFF:
            return self._end(viewer, at)
        found = _UNTIL.fullmatch(text)
        if found is None:
            return USAGE
        return self._start(viewer, found[1], _name(found[2]), at.replace(microsecond=0))

    def _start(self, viewer: Viewer, last_day: str, delegate: str, at: datetime) -> str:
        until = _end_of(last_day)
        if until is None or not at < until <= at + timedelta(days=MAX_DAYS):
            return f"{last_day} is not a day within the next {MAX_DAYS} days. {USAGE}"
        if not is_person(delegate):
            return (
                f"\u201c{literal(delegate[:50])}\u201d is not a person. Pick the person from the list that Slack shows "
                "while you type @, or write their email address or member ID. Nothing was stored."
            )
        if viewer.has_name(delegate):
            return "You can't be your own delegate."
        absence = Absence(owner=viewer.id, delegate=delegate, since=at, until=until, set_by=viewer.id)
        if not self._change(viewer, [absence]):
            return "Nothing was stored: too many people are away, or change it at this moment. Try again."
        asked = mention_or_name(delegate, delegate, MAX_ADDRESS)
        return (
            f"Until {local_time(until)}, new requests that ask you also ask {asked}, "
            "who responds for you. You can still respond yourself. Requests that are already open stay with you; the "
            "people who run this app can reassign them. End your absence with `/approvals away off`."
        )

    def _end(self, viewer: Viewer, at: datetime) -> str:
        ended = [each for each in self.absences.read() if _is_of(each, viewer) and each.until > at]
        if not ended:
            return f"You have no delegate. {USAGE}"
        if not self._change(viewer, []):
            return "Nothing was stored: others change absences at this moment. Try again."
        for approval in self.listing.pending():
            if any(asks_delegate_of(approval, each, at) for each in ended):
                self.table.call_again(approval.id)
        return "Your delegate no longer responds for you. Responses that they gave stay recorded."

    def _change(self, viewer: Viewer, added: Iterable[Absence]) -> bool:
        """Replace the absences of a user. Return False if there is no room, or if others kept changing them."""
        for _ in range(_TRIES):
            before = self.absences.read()
            after = [*(each for each in before if not _is_of(each, viewer)), *added]
            if len(after) > MAX_ABSENCES:
                return False
            try:
                self.absences.replace(before, after)
            except AbsencesChangedError:
                continue
            return True
        return False


def _is_of(absence: Absence, viewer: Viewer) -> bool:
    return not absence.approval and viewer.has_name(absence.owner)


def _name(word: str) -> str:
    """Return the user ID in a mention, which Slack sends as `<@U0DAN00004|dan>`; any other word as it is."""
    found = _MENTION.fullmatch(word.strip("<>"))
    return found[1] if found else word.removeprefix("mailto:").partition("|")[0]


def _end_of(day: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except ValueError:
        return None
