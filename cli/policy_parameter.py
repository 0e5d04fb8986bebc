"""The SSM parameter with the operator's policy, as its owner reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from botocore.exceptions import ClientError

from approvals.requests.policy import InvalidPolicyError, parse_policy
from cli.aws_errors import error_code
from cli.context import CommandError, Context

_TIER: Final = "Intelligent-Tiering"
"""Lets SSM choose: the standard tier where a document fits, and else the advanced one.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A version of the policy as SSM keeps it. `by` is the ARN of the caller who stored it, where SSM says so."""

    document: str
    version: int
    at: datetime
    by: str = ""

    @property
    def sha256(self) -> str | None:
        """The digest of the document; None if it is no policy."""
        try:
            return parse_policy(self.document).sha256
        except InvalidPolicyError:
            return None


def parameter_name(context: Context) -> str:
    """Return the parameter's name. Raise `CommandError` for a stack without a policy."""
    if name := context.policy_parameter:
        return name
    raise CommandError(
        f"Stack {context.stack} has no policy: its parameter PolicyParameter is empty. Deploy it with "
        "PolicyParameter=/approvals/policy, and store a policy at once: until then, requests fail."
    )


def read(context: Context, version: int | None = None) -> Stored | None:
    """Return the policy, by default its latest version; None if there is none."""
    name = parameter_name(context)
    try:
        found = context.client("ssm").get_parameter(Name=name if version is None else f"{name}:{version}")["Parameter"]
    except ClientError as error:
        if error_code(error) in {"ParameterNotFound", "ParameterVersionNotFound"}:
            return None
        raise
    return Stored(found["Value"], found["Version"], found["LastModifiedDate"])


def read_history(context: Context) -> Iterator[Stored]:
    """Yield the versions that SSM keeps (the latest 100), the oldest first."""
    pages = context.client("ssm").get_paginator("get_parameter_history").paginate(Name=parameter_name(context))
    try:
        for page in pages:
            for found in page["Parameters"]:
                who = found.get("LastModifiedUser", "")
                yield Stored(found["Value"], found["Version"], found["LastModifiedDate"], who)
    except ClientError as error:
        if error_code(error) != "ParameterNotFound":
            raise


def write(context: Context, document: str, *, replaces: int) -> int:
    """Store a valid document as the version after `replaces` (0: there is none), and return its number.

    Raise `CommandError` if another version was stored meanwhile. SSM can't write under a condition: only the number
    that it returns tells.
    """
    name = parameter_name(context)
    try:
        version = context.client("ssm").put_parameter(
            Name=name, Value=document, Type="String", Tier=_TIER, Overwrite=replaces > 0
        )["Version"]
    except ClientError as error:
        if error_code(error) != "ParameterAlreadyExists":
            raise
        raise CommandError(f"{name} was created at the same moment by someone else. Nothing was changed.") from error
    if version != replaces + 1:
        between = context.command("policy", "get", "--version", str(version - 1))
        raise CommandError(
            f"Version {version - 1} was stored by someone else at the same moment, and version {version}, yours, has "
            f"replaced it. Compare the two: {between}"
        )
    return version
