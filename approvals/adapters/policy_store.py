"""SSM: the operator's policy document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.policy import Policy
from approvals.requests.policy import InvalidPolicyError, parse_policy

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class PolicyUnavailableError(Exception):
    """The policy can't be read or is invalid, so that no request can be judged. The message says why."""


class PolicyStore:
    """The parameter that holds the policy. Without a name there is no policy."""

    def __init__(self, ssm: Callable[[], SSMClient], parameter: str) -> None:
        # Created when there is a policy, since most stacks have none.
        self._ssm = ssm
        self._parameter = parameter

    def read(self) -> Policy | None:
        """Return the policy as it stands now: a cached one would let requests through under an earlier floor.

        Raise `PolicyUnavailableError`: a missing, unreadable or invalid parameter is no way to have no policy.
        """
        if not self._parameter:
            return None
        try:
            parameter = self._ssm().get_parameter(Name=self._parameter)["Parameter"]
            return parse_policy(parameter["Value"], parameter=self._parameter, version=parameter["Version"])
        except ClientError as error:
            raise self._unavailable(error.response["Error"]["Code"]) from error
        except BotoCoreError as error:
            raise self._unavailable(type(error).__name__) from error
        except InvalidPolicyError as error:
            raise self._unavailable(f"it is invalid: {error}") from error

    def _unavailable(self, reason: str) -> PolicyUnavailableError:
        return PolicyUnavailableError(f"The approval policy {self._parameter} can't be read ({reason}).")
