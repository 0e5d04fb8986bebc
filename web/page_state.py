"""What a page remembers of the approval that it showed, so that sending its form again changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from approvals.domain.eligibility import responder
from approvals.domain.model import Approval, Approver, Person

SEEN = "seen"
"""The field: how many responses the person had withdrawn when their page was made, and how many extensions it had."""

_FIRST = "0.0"
"""Its value for links, and for pages of earlier versions."""

_STATE = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
"""The only valid form: it is stored in the record, whose largest size is calculated when the request is made."""


def seen(approval: Approval, approver: Approver) -> dict[str, str]:
    """Return the field for a form on a page that shows the approval as it is now."""
    return {SEEN: f"{len(_withdrawals(approval, approver))}.{len(approval.extensions)}"}


def last_withdrawal(approval: Approval, approver: Approver) -> datetime | None:
    """Return when the person last withdrew a response, on any channel."""
    return max(_withdrawals(approval, approver), default=None)


def is_outdated(approval: Approval, approver: Approver, sent: Mapping[str, str]) -> bool:
    """Return True if the person has withdrawn a response, on any channel, since their page was made."""
    return int(withdrawal_state(sent)) < len(_withdrawals(approval, approver))


def withdrawal_state(sent: Mapping[str, str]) -> str:
    """Return the key of a response or a withdrawal. It changes after a withdrawal that the page knew of."""
    return _parts(sent)[0]


def extension_state(sent: Mapping[str, str]) -> str:
    """Return the key of an extension. It changes after an extension that the page knew of."""
    return _parts(sent)[2]


def _withdrawals(approval: Approval, approver: Approver) -> list[datetime]:
    person = responder(approval, approver)
    person_id = person.id if isinstance(person, Person) else None
    return [each.withdrawn_at for each in approval.responses if each.person == person_id and each.withdrawn_at]


def _parts(sent: Mapping[str, str]) -> tuple[str, str, str]:
    said = sent.get(SEEN, "")
    return (said if _STATE.fullmatch(said) else _FIRST).partition(".")
