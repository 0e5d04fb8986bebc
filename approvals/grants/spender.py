"""Spend a grant: one call of the stack's spend function, repeated if its answer is lost."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import HTTPClientError, IncompleteReadError

from approvals.domain.grants import MAX_SPENT_BY
from approvals.domain.model import Json
from approvals.grants.errors import REFUSALS, SpendFailedError
from approvals.grants.json_copies import copied

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
"""Seconds. botocore repeats a call with the same key, so a repeated call spends nothing more."""

ATTEMPTS = 3
"""Calls of the function, if it fails or its answer is lost, in addition to botocore's."""


@dataclass(frozen=True, slots=True)
class Spend:
    """One spend of a grant: the right to execute `action` once, now.

    `action` is a copy of the action that was spent: execute with its values. It is also a context manager, which does
    nothing at its end: a grant stays spent, even if the action fails.
    """

    approval_id: str
    action: Json
    spent_at: datetime
    use: int
    uses: int
    decided_by: str | None
    valid_until: datetime

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the grant spent."""


@dataclass(frozen=True, slots=True)
class Spender:
    """Spends grants with one pair of clients. `spend` and `guarded` make their own; `function` is a name or an ARN."""

    lambda_client: LambdaClient
    sts_client: STSClient
    function: str
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @classmethod
    def of(cls, session: boto3.Session | None, function: str) -> Spender:
        """Return the spender with the clients of a session, by default of a new one."""
        session = session or boto3.Session()
        return cls(session.client("lambda", config=CONFIG), session.client("sts", config=CONFIG), function)

    def spend(self, grant_id: str, action: Any) -> Spend:
        """Use the grant up once, for exactly this action. See `approvals.grants.spend`."""
        action = copied(action, "The action")
        payload = {
            "GrantId": copied(grant_id, "The grant id"),
            "Action": action,
            "Key": secrets.token_urlsafe(32),
            # The ARN of an IAM user with a long path has more characters.
            "SpentBy": self.sts_client.get_caller_identity()["Arn"][:MAX_SPENT_BY],
        }
        return _spent(self._answer(json.dumps(payload, ensure_ascii=False).encode()), action)

    def _answer(self, payload: bytes) -> Mapping[str, Any]:
        """Return the function's answer. After a failure, send the same key again: it is spent only once."""
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(attempt)
            try:
                answer = self.lambda_client.invoke(FunctionName=self.function, Payload=payload)
                body = _object(answer["Payload"].read())
            except (HTTPClientError, IncompleteReadError) as error:
                reason = type(error).__name__
                continue
            if "FunctionError" not in answer:
                return body
            reason = str(body.get("errorType") or answer["FunctionError"])
            if refusal := REFUSALS.get(reason):
                raise refusal(str(body.get("errorMessage", "")))
        raise SpendFailedError(
            f"The spend function failed or did not answer ({reason}). Nothing was executed, but the grant may be spent."
        )


def spend(grant_id: str, action: Any, *, function: str, session: boto3.Session | None = None) -> Spend:
    """Use a grant up once, and return when that is stored. Execute the action only then, and only once.

        with grants.spend(grant_id, action, function=SPEND_FUNCTION_ARN) as approved:
            execute(approved.action)

    `action` must equal the request's `Action` as JSON. `function` is the stack's output `SpendFunctionArn`. Each call
    is one use, with a key of its own; a call that is repeated after a lost answer is the same use. If the process ends
    before it executes the action, the grant stays spent: request another approval.

    Raises:
        GrantError: `GrantSpentError`, `GrantExpiredError`, `ActionChangedError`, `GrantUnknownError`,
            `InvalidSpendError` or `SpendFailedError`. The action must not be executed.
        botocore.exceptions.ClientError: AWS refuses the call, for example without the right to it.
        botocore.exceptions.BotoCoreError: AWS can't be reached.
    """
    return Spender.of(session, function).spend(grant_id, action)


def _object(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _spent(answer: Mapping[str, Any], action: Json) -> Spend:
    """Return the spend in the function's answer. Another function's answer is no approval."""
    try:
        return Spend(
            approval_id=answer["ApprovalId"],
            action=action,
            spent_at=datetime.fromisoformat(answer["SpentAt"]),
            use=answer["Use"],
            uses=answer["Uses"],
            decided_by=answer["DecidedBy"],
            valid_until=datetime.fromisoformat(answer["ValidUntil"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SpendFailedError(
            "The answer is not that of a spend function. Use the output SpendFunctionArn."
        ) from error
