"""Describe errors of AWS in one or two sentences that say what to do."""

from __future__ import annotations

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's own
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from approvals.store.reading import UnreadableError

_SIGN_IN = "Use --profile, or sign in: aws configure, aws sso login."
_CREDENTIALS = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), "The AWS credentials have expired"),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "AuthFailure"),
        "The AWS credentials are not valid",
    ),
}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"})
_BUSY = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalServerError",
        "InternalFailure",
        "InternalError",
        "InternalErrorException",
    }
)
"""Codes of a service that is throttled or broken: the same call may work later."""

_ACTION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
"""Where AWS names the denied action. It is only shown; nothing is decided by it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""


def error_code(error: ClientError) -> str:
    """Return the error code of AWS."""
    return str(error.response["Error"]["Code"])


def is_denied(error: Exception) -> bool:
    """Return True if the caller lacks the right to this call."""
    return isinstance(error, ClientError) and error_code(error) in _DENIED


def is_transient(error: Exception) -> bool:
    """Return True if the same call may work in a moment: AWS is busy or can't be reached."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in _BUSY or status >= 500  # noqa: PLR2004  # HTTP's server errors
    return isinstance(error, (ConnectionError, HTTPClientError))


def explain(error: Exception) -> str | None:
    """Return the sentence for an error of AWS or of the connection to it; None for any other error."""
    match error:
        case ClientError():
            return _explain_refusal(error)
        case NoCredentialsError() | PartialCredentialsError():
            sentence = f"No AWS credentials found. {_SIGN_IN}"
        case TokenRetrievalError() | UnauthorizedSSOTokenError():
            sentence = "The AWS sign-in has expired. Sign in again: aws sso login."
        case ConnectionError() | HTTPClientError():
            sentence = f"Can't reach AWS: {_ended(error)}"
        case BotoCoreError():
            sentence = f"The AWS call failed: {_ended(error)}"
        case UnreadableError():
            sentence = (
                f"Can't read the record of approval {error.approval_id} ({error.reason}). Another version may have "
                "written it: compare `approvals --version` with the stack's output Version."
            )
        case _:
            return None
    return sentence


def _explain_refusal(error: ClientError) -> str:
    code, message = error_code(error), str(error.response["Error"].get("Message", ""))
    if code in _DENIED:
        named = _ACTION.search(message)
        action = named[1] if named else f"the action {error.operation_name}"
        return f"AWS denied {action}. Ask your administrator for the policy in docs/cli.md."
    if code in _CREDENTIALS:
        return f"{_CREDENTIALS[code]}. {_SIGN_IN}"
    if code in _BUSY:
        return f"AWS is throttling or unavailable ({code}, {error.operation_name}). Try again in a moment."
    return f"AWS rejected {error.operation_name}: {_ended(f'{code}. {message}'.strip())}"


def _ended(sentence: object) -> str:
    """Return a sentence of botocore or AWS, which may have no full stop."""
    return f"{str(sentence).rstrip('.')}."
