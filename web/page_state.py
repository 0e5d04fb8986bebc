"""What a page remembers of the request that it showed: a form that a browser sends again does nothing twice."""

from __future__ import annotations

import re
from collections.abc import Mapping

from approvals.domain.eligibility import responder
from approvals.domain.model import Approval, Approver, Person

SEEN = "seen"
"""The field: how many responses the person had withdrawn when their page was made, and how many extensions it had."""

_FIRST = "0.0"
"""What it says in links, and on pages of earlier versions."""

_STATE = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
"""The only form that is taken: it ends up in the record, whose greatest size is reckoned when it is requested."""


def seen(approval: Approval, approver: Approver) -> dict[str, str]:
    """Return the field for a form on a page about the approval as it stands."""
    person = responder(approval, approver)
    mine = [said for said in approval.responses if isinstance(person, Person) and said.person == person.id]
    withdrawals = sum(said.withdrawn_at is not None for said in mine)
    return {SEEN: f"{withdrawals}.{len(approval.extensions)}"}


def is_outdated(approval: Approval, approver: Approver, sent: Mapping[str, str]) -> bool:
    """Return True if the person withdrew a response, on whatever channel, after what they sent was made."""
    return int(withdrawal_state(sent)) < int(withdrawal_state(seen(approval, approver)))


def withdrawal_state(sent: Mapping[str, str]) -> str:
    """Return the key of a response or a withdrawal: another one only after a withdrawal that the page knew of."""
    return _parts(sent)[0]


def extension_state(sent: Mapping[str, str]) -> str:
    """Return the key of an extension: another one only after an extension that the page knew of."""
    return _parts(sent)[2]


def _parts(sent: Mapping[str, str]) -> tuple[str, str, str]:
    said = sent.get(SEEN, "")
    return (said if _STATE.fullmatch(said) else _FIRST).partition(".")
