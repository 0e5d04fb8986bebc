"""A stand-in for the spend function, called through boto3's own Lambda client."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ReadTimeoutError

from approvals.grants import Spender
from tests.support.fakes import FakeContext

GRANT_ID = "abcdefghijklmnopqrstuvwxyz.0123456789abcdef0123456789abcdef"
CALLER = "arn:aws:sts::123456789012:assumed-role/deploy/ci"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:spend"

SPENT = {
    "ApprovalId": "abcdefghijklmnopqrstuvwxyz",
    "SpentAt": "2026-11-26T10:31:00.000Z",
    "Use": 1,
    "Uses": 1,
    "Repeated": False,
    "DecidedBy": "Ann",
    "ValidUntil": "2026-11-26T11:31:00.000Z",
}

Answer = dict[str, Any] | Exception


def refused(name: str, message: str = "No.") -> Answer:
    """Return the error as Lambda returns it of a Python function."""
    return {"errorMessage": message, "errorType": name, "requestId": "r", "stackTrace": ['  File "x", line 1\n']}


class _Body(io.BytesIO):
    def __init__(self, answer: Answer) -> None:
        super().__init__(b"" if isinstance(answer, Exception) else json.dumps(answer).encode())
        self.lost = answer if isinstance(answer, Exception) else None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.lost:
            raise self.lost
        return super().read(size)

    def stream(self, **_: Any) -> Any:
        yield self.read()


@dataclass
class SpendFunction:
    """Gives the answers in order, the last again and again. An exception is an answer that is lost on its way.

    With `handler`, the answers are those of a real handler instead, and `lost` of them are lost.
    """

    answers: list[Answer] = field(default_factory=lambda: [dict(SPENT)])
    payloads: list[dict[str, Any]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    handler: Callable[[Any, Any], dict[str, Any]] | None = None
    lost: int = 0

    def spender(self) -> Spender:
        """Return a spender whose Lambda client sends to this function, and whose STS client knows the caller."""
        clients: dict[str, Any] = {name: _session().client(name) for name in ("lambda", "sts")}
        self.connect(clients["lambda"], clients["sts"])
        return Spender(clients["lambda"], clients["sts"], FUNCTION, self.slept.append)

    def connect(self, lambda_client: Any, sts_client: Any) -> None:
        """Have the clients' calls answered here."""
        lambda_client.meta.events.register("before-send.lambda.Invoke", self._invoke)
        sts_client.meta.events.register("before-send.sts.GetCallerIdentity", self._identity)

    def _invoke(self, request: Any, **_: Any) -> AWSResponse:
        self.payloads.append(json.loads(request.body))
        answer = self._answer(self.payloads[-1])
        failed = isinstance(answer, dict) and "errorMessage" in answer
        return _response(request, {"X-Amz-Function-Error": "Unhandled"} if failed else {}, _Body(answer))

    def _answer(self, payload: dict[str, Any]) -> Answer:
        if self.handler is None:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            answer: Answer = self.handler(payload, FakeContext())
        except Exception as error:  # noqa: BLE001  # as Lambda does
            answer = refused(type(error).__name__, str(error))
        if self.lost:
            self.lost -= 1
            return ReadTimeoutError(endpoint_url="https://lambda")
        return answer

    def _identity(self, request: Any, **_: Any) -> AWSResponse:
        text = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{CALLER}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        body = _Body({})
        body.write(text.encode())
        body.seek(0)
        return _response(request, {}, body)


@cache
def _session() -> boto3.Session:
    """Return one session for all tests: reading the services' models takes longer than a test."""
    return boto3.Session("test", "test", region_name="eu-west-1")


def _response(request: Any, headers: dict[str, str], body: Any) -> AWSResponse:
    found: Any = HeadersDict(headers)
    return AWSResponse(request.url, 200, found, body)


def through(function: SpendFunction) -> Callable[..., Spender]:
    """Return what `Spender.of` is replaced by."""
    spender = cache(function.spender)
    return lambda _session, _function: spender()
