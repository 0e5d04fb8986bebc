"""Errors of AWS as one sentence that says what to do."""

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

_SIGN_IN = "Name a profile with --profile, or sign in: aws configure, aws sso login"
_CREDENTIALS = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), "The AWS credentials have expired"),
    **dict.fromkeys(
        ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "AuthFailure"),
        "AWS does not know these credentials",
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
            sentence = f"There are no AWS credentials. {_SIGN_IN}"
        case TokenRetrievalError() | UnauthorizedSSOTokenError():
            sentence = "The AWS sign-in has expired. Sign in again: aws sso login"
        case ConnectionError() | HTTPClientError():
            sentence = f"AWS can't be reached: {error}"
        case BotoCoreError():
            sentence = f"AWS can't be asked: {error}"
        case UnreadableError():
            sentence = (
                f"The record of approval {error.approval_id} can't be read ({error.reason}): a newer version wrote it, "
                "or something else did. `approvals --version` and the stack's output Version should be the same"
            )
        case _:
            return None
    return sentence


def _explain_refusal(error: ClientError) -> str:
    code, message = error_code(error), str(error.response["Error"].get("Message", ""))
    if code in _DENIED:
        named = _ACTION.search(message)
        action = named[1] if named else f"the action {error.operation_name}"
        return f"AWS denied {action}. Ask for it: docs/cli.md has the policy that this command line needs"
    if code in _CREDENTIALS:
        return f"{_CREDENTIALS[code]}. {_SIGN_IN}"
    if code in _BUSY:
        return f"AWS is busy ({code} for {error.operation_name}). Try again in a moment"
    return f"AWS refused {error.operation_name}: {code}. {message}".strip()
