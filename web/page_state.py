"""What a page remembers of the request that it showed: a form that a browser sends again does nothing twice."""

from __future__ import annotations

from collections.abc import Mapping

from approvals.domain.eligibility import responder
from approvals.domain.model import Approval, Approver, Person

SEEN = "seen"
"""The field: how many responses the person had withdrawn when their page was made, and how many extensions it had."""

_FIRST, _MAX = "0.0", 20
"""What it says in links, and on pages of earlier versions, and its characters at most."""


def seen(approval: Approval, approver: Approver) -> dict[str, str]:
    """Return the field for a form on a page about the approval as it stands."""
    person = responder(approval, approver)
    mine = [said for said in approval.responses if isinstance(person, Person) and said.person == person.id]
    withdrawals = sum(said.withdrawn_at is not None for said in mine)
    return {SEEN: f"{withdrawals}.{len(approval.extensions)}"}


def withdrawal_state(sent: Mapping[str, str]) -> str:
    """Return the key of a response or a withdrawal: another one only after a withdrawal that the page knew of."""
    return _parts(sent)[0]


def extension_state(sent: Mapping[str, str]) -> str:
    """Return the key of an extension: another one only after an extension that the page knew of."""
    return _parts(sent)[2]


def _parts(sent: Mapping[str, str]) -> tuple[str, str, str]:
    return (sent.get(SEEN) or _FIRST)[:_MAX].partition(".")
