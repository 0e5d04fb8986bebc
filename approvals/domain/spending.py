"""Spend a grant: its id, and the rules by which a spend is accepted. Pure.

The id of a grant is a secret: who has it can spend the grant. It is `<approval id>.<tag>`, and the tag comes from the
task token. So `decision`, which has the token, derives the same id each time; the record has only the id's digest.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from approvals.domain.characters import one_line
from approvals.domain.differences import Content, Path, diff, pointer
from approvals.domain.grant_wording import spender
from approvals.domain.grants import GrantTerms, Spend
from approvals.domain.model import Approval, Json, Status, readable
from approvals.domain.parts import pluralize
from approvals.domain.signed_links import approval_id

MAX_PATHS = 5
"""Paths that an error names."""

_MAX_PATH = 100

_LABEL = b"human-approval grant:"
"""Stands before the token, so that the tag is the digest of nothing else."""

_TAG = 32
"""Hex digits of the tag: 128 bits."""

_ID = re.compile(rf"([a-z2-7]{{32}})\.[0-9a-f]{{{_TAG}}}")


class SpendError(StrEnum):
    """Why a spend is refused. The values are names of errors, for workflows and programs."""

    UNKNOWN = "GrantUnknown"
    CHANGED = "ActionChanged"
    EXPIRED = "GrantExpired"
    SPENT = "GrantSpent"
    INVALID = "InvalidSpend"


class SpendRefusedError(Exception):
    """The grant was not spent. `error` says why; the text has neither the grant's id nor a value of an action."""

    def __init__(self, error: SpendError, message: str) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAttempt:
    """An attempt to spend: which grant, on which action, and who says so. `key_hash` names the attempt."""

    grant_hash: str
    action: Json
    key_hash: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedSpend:
    """A use of a grant. With `is_repeated`, it is on record already, by the same key."""

    spend: Spend
    is_repeated: bool


def grant_id(task_token: str) -> str:
    """Return the id of the grant of the approval with this task token. Equal tokens give equal ids."""
    tag = sha256(_LABEL + task_token.encode()).hexdigest()[:_TAG]
    return f"{approval_id(task_token)}.{tag}"


def approval_of(grant: str) -> str | None:
    """Return the id of the approval that a grant's id names; None if it has another form."""
    found = _ID.fullmatch(grant)
    return found[1] if found else None


def digest(secret: str) -> str:
    """Return the SHA-256 (64 hex digits) of a grant's id or of a caller's key."""
    return sha256(secret.encode()).hexdigest()


def terms_of(approval: Approval) -> GrantTerms | None:
    """Return the terms on which an approval can be spent; None if it can't be."""
    return approval.request.grant if approval.status is Status.APPROVED else None


def valid_until(approval: Approval, terms: GrantTerms) -> datetime:
    """Return when the grant of a decided approval ends. Raise `ValueError` for one that is not decided."""
    if approval.decision is None:
        raise ValueError(f"approval {approval.id} is not decided")
    return approval.decision.at + terms.valid


def in_order(spends: Iterable[Spend]) -> tuple[Spend, ...]:
    """Return the uses of a grant, the first one first."""
    return tuple(sorted(spends, key=lambda spend: spend.use))


def judge_spend(approval: Approval, attempt: SpendAttempt, now: datetime) -> AcceptedSpend:
    """Return the use of the grant that an attempt is. Raise `SpendRefusedError`.

    A key that has spent the grant on the same action gets the same use again, also after the grant ended.
    """
    terms = terms_of(approval)
    if terms is None or not _is_grant(approval, attempt):
        raise unknown_grant()
    if changes := diff(Content(action=approval.request.action), Content(action=attempt.action)):
        raise SpendRefusedError(SpendError.CHANGED, _changed([change.path for change in changes]))
    if earlier := approval.spends.get(attempt.key_hash):
        return AcceptedSpend(spend=earlier, is_repeated=True)
    if now >= (until := valid_until(approval, terms)):
        raise SpendRefusedError(SpendError.EXPIRED, f"The grant expired on {readable(until)}.")
    if len(approval.spends) >= terms.uses:
        raise SpendRefusedError(SpendError.SPENT, _spent(approval, terms))
    return AcceptedSpend(spend=Spend(use=len(approval.spends) + 1, by=attempt.by, at=now), is_repeated=False)


def unknown_grant() -> SpendRefusedError:
    """Return the error for an id that names no grant. It does not tell why: an id can't be guessed bit by bit."""
    return SpendRefusedError(SpendError.UNKNOWN, "There is no such grant, or its request was not approved.")


def _is_grant(approval: Approval, attempt: SpendAttempt) -> bool:
    return bool(approval.grant_hash) and hmac.compare_digest(approval.grant_hash, attempt.grant_hash)


def _changed(paths: list[Path]) -> str:
    named = [one_line(pointer(path), _MAX_PATH) or "the whole action" for path in paths[:MAX_PATHS]]
    more = f" and {pluralize(len(paths) - len(named), 'more path')}" if len(paths) > len(named) else ""
    return f"The action is not the one that was approved. It differs at {', '.join(named)}{more}."


def _spent(approval: Approval, terms: GrantTerms) -> str:
    last = in_order(approval.spends.values())[-1]
    by = f"by {spender(last)} on {readable(last.at)}"
    if terms.uses == 1:
        return f"The grant was spent {by}."
    return f"All {terms.uses} uses of the grant are spent, the last {by}."
