"""The stack's absences, as an operator reads and changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.absences import Absence
from approvals.domain.parts import pluralize
from approvals.domain.policy import Policy
from approvals.domain.profiles import is_person
from approvals.requests.policy import InvalidPolicyError, parse_policy
from approvals.store.absences import MAX_ABSENCES, AbsencesChangedError, AbsenceTable
from approvals.store.table import ApprovalTable
from cli import policy_parameter
from cli.context import CommandError, Context

_TRIES = 5
"""Tries to store absences that other operators change at the same moment."""


class PersonType(click.ParamType[str]):
    """One person: an email address or a Slack user ID."""

    name = "person"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> str:
        """Check the name."""
        if not is_person(str(value)):
            self.fail(f"{value!r} is not an email address or a Slack user ID.", parameter, context)
        return str(value)


class UntilType(click.ParamType[datetime]):
    """A moment in ISO 8601, in UTC unless it names another offset. A date includes its day."""

    name = "date"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> datetime:
        """Parse the moment."""
        if isinstance(value, datetime):
            return value
        try:
            if len(value) == len("2026-12-05"):
                return datetime.combine(date.fromisoformat(value) + timedelta(days=1), time(), UTC)
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date. Use 2026-12-05 or 2026-12-05T17:00:00+01:00.", parameter, context)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def approval_table(context: Context) -> ApprovalTable:
    """Return the approvals table, to have `notify` look at an approval again."""
    return ApprovalTable(context.client("dynamodb"), context.output("ApprovalTableName"))


def read(context: Context) -> list[Absence]:
    """Return the absences that are not over."""
    return [each for each in _table(context).read() if each.until > context.clock()]


def change(context: Context, edit: Callable[[list[Absence]], Iterable[Absence]]) -> None:
    """Store what `edit` returns of the absences that are not over. It is called again if others changed them."""
    for _ in range(_TRIES):
        before = _table(context).read()
        after = list(edit([each for each in before if each.until > context.clock()]))
        if len(after) > MAX_ABSENCES:
            raise CommandError(f"The stack has {pluralize(len(after) - 1, 'absence')}, the maximum. End some first.")
        try:
            _table(context).replace(before, after)
        except AbsencesChangedError:
            continue
        return
    raise CommandError("Other callers kept changing the absences. Try again.")


def caller(context: Context) -> str:
    """Return the caller's ARN, which goes on record. Raise `CommandError` if AWS does not say who it is."""
    try:
        return context.client("sts").get_caller_identity()["Arn"]
    except (ClientError, BotoCoreError) as error:
        raise CommandError(f"AWS STS did not say who you are, and that goes on record. Try again. ({error})") from error


def policy(context: Context) -> Policy | None:
    """Return the stack's policy. Raise `CommandError` if there is one that can't be read."""
    if not context.policy_parameter:
        return None
    stored = policy_parameter.read(context)
    if stored is None:
        raise CommandError("The approval policy can't be read, so every request fails. Store one: approvals policy set")
    try:
        return parse_policy(stored.document)
    except InvalidPolicyError as error:
        raise CommandError(f"The approval policy is invalid, so every request fails: {error}") from error


def _table(context: Context) -> AbsenceTable:
    return AbsenceTable(context.client("dynamodb"), context.output("ApprovalTableName"))
