"""Spend the grant of an approval: use it up, and let the caller execute the action that was approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from approvals.adapters.failures import describe_error
from approvals.domain.errors import ConflictError, TooManyConflictsError
from approvals.domain.grants import Spend
from approvals.domain.model import Approval, Json, iso
from approvals.domain.parts import join_names
from approvals.domain.spending import (
    AcceptedSpend,
    SpendAttempt,
    SpendRefusedError,
    approval_of,
    judge_spend,
    terms_of,
    unknown_grant,
    valid_until,
)
from approvals.domain.wording import decider_names
from approvals.requests.spends import parse_spend
from approvals.store.table import NotFoundError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

_ATTEMPTS = 200
"""Spends of one grant at the same moment: a grant has at most 100 uses, and each conflict is a use or a repeat."""

UNEXPECTED = "unexpected error"

FAILED = "SpendFailed"
"""The error for a failure that is not the caller's."""


class Store(Protocol):
    """What spending needs of the table."""

    def get(self, approval_id: str) -> Approval:
        """Return the current approval. Raise `NotFoundError`."""

    def add(self, approval: Approval, key_hash: str, spend: Spend) -> None:
        """Store a use if the grant has been spent as often as in `approval`. Raise `ConflictError` otherwise."""


class NamedError(Exception):
    """An error for the caller. Lambda calls it by the name of its class, so each name has a class of its own."""

    @classmethod
    def of(cls, name: str, message: str) -> NamedError:
        """Return an error of this name."""
        named: type[NamedError] = type(name, (cls,), {})
        return named(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendHandler:
    """Spends a grant. `refused` counts a refused spend by its error's name."""

    spends: Store
    clock: Callable[[], datetime]
    logger: Logger
    refused: Callable[[str], None]

    def __call__(self, event: Json, context: LambdaContext) -> dict[str, Json]:
        """Spend the grant in the payload, and return the use that the record has.

        Raise a `NamedError`: the grant was not spent. After `SpendFailed` it may be, and the caller can repeat the call
        with the same key.
        """
        try:
            return self._spend(event)
        except SpendRefusedError as error:
            self.refused(error.error.value)
            raise NamedError.of(error.error.value, str(error)) from None
        except Exception as error:  # noqa: BLE001 any error at all: its message may hold a secret
            self.logger.error(UNEXPECTED, extra=describe_error(error))  # noqa: TRY400 the same
            message = f"The spend failed. Call again with the same Key. Request ID: {context.aws_request_id}"
            raise NamedError.of(FAILED, message) from None

    def _spend(self, event: Json) -> dict[str, Json]:
        try:
            call = parse_spend(event)
            approval_id = approval_of(call.grant_id)
        except SpendRefusedError as error:
            self._log_refusal(error)
            raise
        with self.logger.append_context_keys(approval_id=approval_id):
            try:
                approval, accepted = spend(self.spends, approval_id, call.attempt, self.clock)
            except SpendRefusedError as error:
                self._log_refusal(error)
                raise
            extra = {"use": accepted.spend.use, "repeated": accepted.is_repeated, "spent_by": accepted.spend.by}
            self.logger.info("grant spent", extra=extra)
        return _answer(approval, accepted)

    def _log_refusal(self, error: SpendRefusedError) -> None:
        self.logger.warning("spend refused", extra={"error": error.error.value, "reason": str(error)})


def spend(
    store: Store, approval_id: str | None, attempt: SpendAttempt, clock: Callable[[], datetime]
) -> tuple[Approval, AcceptedSpend]:
    """Judge an attempt and store the use that it is with one conditional write. Return the use and its approval.

    A conflict is judged again against the current record. Raise `SpendRefusedError`, and `TooManyConflictsError`.
    """
    if approval_id is None:
        raise unknown_grant()
    try:
        approval = store.get(approval_id)
        for _ in range(_ATTEMPTS):
            accepted = judge_spend(approval, attempt, clock())
            if accepted.is_repeated:
                return approval, accepted
            try:
                store.add(approval, attempt.key_hash, accepted.spend)
            except ConflictError as conflict:
                approval = conflict.current
            else:
                return approval, accepted
    except NotFoundError:
        raise unknown_grant() from None
    raise TooManyConflictsError(f"approval {approval_id}: {_ATTEMPTS} writes in a row met another use")


def _answer(approval: Approval, accepted: AcceptedSpend) -> dict[str, Json]:
    terms = terms_of(approval)
    if terms is None:
        raise ValueError(f"approval {approval.id} has no grant")
    return {
        "ApprovalId": approval.id,
        "SpentAt": iso(accepted.spend.at),
        "Use": accepted.spend.use,
        "Uses": terms.uses,
        "Repeated": accepted.is_repeated,
        "DecidedBy": join_names(decider_names(approval)),
        "ValidUntil": iso(valid_until(approval, terms)),
    }
