"""`approvals policy`: the operator's policy, a floor under every request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click

from approvals.domain.characters import escape_hidden
from approvals.domain.model import Json, iso
from approvals.domain.parts import pluralize
from approvals.domain.policy import OpenOnChange, Policy
from approvals.requests.codec import KEY
from approvals.requests.policy import InvalidPolicyError, canonical_document, parse_policy, warnings
from cli.context import CommandError, Context, pass_context
from cli.options import COUNT, common_options
from cli.output import emit, format_table, plain
from cli.policy_explanation import Outcome, as_input, changes, describe, explain
from cli.policy_parameter import Stored, parameter_name, read, read_history, write
from cli.request_input import STDIN, read_document
from cli.times import format_time

STANDARD_BYTES = 4096
"""UTF-8 bytes of a parameter of the standard tier, which costs nothing.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

REFUSED = 1
"""Exit code of `check` for a request that the policy refuses."""

_OPEN = {
    OpenOnChange.KEEP: "Open approvals keep the rules under which they were requested.",
    OpenOnChange.ASK_AGAIN: (
        "Within minutes, open approvals are asked again: no response so far counts any more, and a request that this "
        "policy refuses is cancelled."
    ),
}
"""What becomes of open approvals when a policy replaces another one."""


@click.group(
    epilog="""\b
Examples:
  approvals policy check policy.json --request release.yaml
  approvals policy set policy.json --if-version 7
"""
)
def command() -> None:
    """Read, check and set the approval policy.

    The policy is a JSON document in the SSM parameter that the stack's PolicyParameter names. docs/policy.md describes
    it.
    """


@command.command("get", epilog="Example: approvals policy get > policy.json")
@click.option("--version", type=COUNT, metavar="NUMBER", help="An earlier version.  [default: the latest]")
@common_options
@pass_context
def get(context: Context, version: int | None) -> None:
    """Print the policy as it is stored.

    Its version goes to standard error. A stored document that is no policy is printed, too, and the command exits
    with 3.
    """
    stored = read(context, version)
    if stored is None:
        raise CommandError(_missing(context, version))
    problems = _problems(stored.document)
    if not context.as_json:
        click.echo(f"{parameter_name(context)}, version {stored.version}, stored {format_time(stored.at)}", err=True)
    emit(context, _stored_document(context, stored, problems), [escape_hidden(stored.document)])
    if problems:
        raise CommandError("\n  ".join(["This is no valid policy, so every request fails:", *problems]))


@command.command("set", epilog="Example: approvals policy set policy.json --if-version 7")
@click.argument("file")
@click.option("--if-version", type=int, metavar="NUMBER", help="The version that this replaces. 0: there is none yet.")
@common_options
@pass_context
def set_(context: Context, file: str, if_version: int | None) -> None:
    """Store a policy, if it is valid, and show what changes.

    FILE is JSON; "-" reads standard input. To replace a policy, name its version: if another one is stored by then,
    nothing is changed. Without --if-version, show the changes only. Requests from then on follow the new policy.
    """
    document, policy = _read_policy(file)
    stored = read(context)
    current = stored.version if stored else 0
    changed = changes(stored.document if stored else None, document)
    shown: dict[str, Json] = {
        "Parameter": parameter_name(context),
        "Sha256": policy.sha256,
        "Replaced": current or None,
        "Changes": [*changed],
        "Warnings": [*_warnings(document, policy)],
    }
    if stored and _is_same(stored.document, document):
        same = f"Version {current} of {parameter_name(context)} is this policy already. Nothing was changed."
        emit(context, {**shown, "Version": current}, [same])
        return
    if not context.as_json:
        click.echo("\n".join(changed))
    _check_version(context, file, current, if_version)
    version = write(context, document, replaces=current)
    done = [f"Stored version {version} of {parameter_name(context)}. Requests from now on follow it."]
    if stored:
        done.append(_OPEN[policy.open_on_change])
    emit(context, {**shown, "Version": version}, done)
    _warn(document, policy)


@command.command("check", epilog="Example: approvals policy check policy.json --request release.yaml")
@click.argument("file")
@click.option(
    "--request",
    metavar="PATH",
    help="JSON or YAML file with a request, or with an execution input that has the key Approval: explain what the "
    "policy does with it.",
)
@common_options
@pass_context
def check(context: Context, file: str, request: str | None) -> None:
    """Check a policy, and explain what it does with a request.

    FILE is JSON; "-" reads standard input. Nothing is stored. AWS is asked only for what a request leaves open: its
    time limit, and the name of the workflow where a rule reads it. People are not looked up.

    \b
    Exit codes:
      0   the policy is valid, and accepts or raises the request
      1   the policy refuses the request
      64  the policy or the request is not valid
    """  # noqa: D301  # click's mark for lines that stay as they are
    if file == STDIN == request:
        raise click.UsageError("Standard input can't be both the policy and the request.")
    document, policy = _read_policy(file)
    outcome = _explain(context, policy, request) if request else None
    summary = f"Valid: {pluralize(len(policy.rules), 'rule')}, {len(document.encode()):,} bytes."
    shown: dict[str, Json] = {
        "Sha256": policy.sha256,
        "Bytes": len(document.encode()),
        "Warnings": [*_warnings(document, policy)],
        **(outcome.document() if outcome else {}),
    }
    emit(context, shown, outcome.lines() if outcome else [summary, "", *describe(policy)])
    _warn(document, policy)
    if outcome and outcome.judged.problems:
        raise click.exceptions.Exit(REFUSED)


@command.command("history", epilog="Example: approvals policy history")
@common_options
@pass_context
def history(context: Context) -> None:
    """List the stored versions of the policy, the newest first.

    SSM keeps the latest 100. Who stored a version is the ARN of the caller, as SSM has it.
    """
    found = list(read_history(context))[::-1]
    rows = [(str(each.version), format_time(each.at), each.by, (each.sha256 or "not valid")[:12]) for each in found]
    lines = format_table(("VERSION", "STORED", "BY", "SHA-256"), rows) if rows else [_missing(context, None)]
    emit(
        context,
        [{"Version": each.version, "At": iso(each.at), "By": each.by or None, "Sha256": each.sha256} for each in found],
        lines,
    )


def _read_policy(file: str) -> tuple[str, Policy]:
    """Return the document in a file, and the policy in it. Raise click's `UsageError` with every problem."""
    try:
        text = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
        return text.strip(), parse_policy(text.strip())
    except OSError as error:
        raise click.UsageError(f"Can't read {file}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8.") from error
    except InvalidPolicyError as error:
        raise click.UsageError("\n  ".join(["The policy is not valid:", *error.problems])) from error


def _explain(context: Context, policy: Policy, request: str) -> Outcome:
    asked = as_input(read_document(request))
    own = asked.get(KEY)
    has_timeout = isinstance(own, dict) and own.get("TimeoutMinutes") is not None
    return explain(
        policy,
        asked,
        default_timeout=timedelta() if has_timeout else context.default_timeout,
        state_machine=lambda: _state_machine(context, policy),
    )


def _state_machine(context: Context, policy: Policy) -> str:
    """Return the name of the stack's state machine, for rules that read it."""
    conditions = (each for rule in policy.rules for each in (rule.when, rule.unless) if each)
    if not any(each.workflow for each in conditions):
        return ""
    return context.output("StateMachineHumanApprovalArn").rpartition(":")[2]


def _check_version(context: Context, file: str, current: int, expected: int | None) -> None:
    """Refuse to replace a version that the caller has not named: two operators must not overwrite each other."""
    if expected is None and current:
        again = context.command("policy", "set", file, "--if-version", str(current))
        raise CommandError(f"Version {current} is stored. Nothing was changed. To replace it: {again}")
    if expected is not None and expected != current:
        now = f"Version {current} is stored" if current else "No policy is stored"
        history_ = context.command("policy", "history")
        raise CommandError(f"{now}, not version {expected}. Nothing was changed. See who stored what: {history_}")


def _missing(context: Context, version: int | None) -> str:
    name = parameter_name(context)
    if version is not None:
        return f"{name} has no version {version}. List the versions: {context.command('policy', 'history')}"
    return f"{name} holds no policy, so every request fails. Store one: {context.command('policy', 'set', 'FILE')}"


def _stored_document(context: Context, stored: Stored, problems: list[str]) -> Json:
    return {
        "Parameter": parameter_name(context),
        "Version": stored.version,
        "At": iso(stored.at),
        "Sha256": stored.sha256,
        "Policy": None if problems else json.loads(stored.document),
        "Problems": [*problems],
    }


def _problems(document: str) -> list[str]:
    try:
        parse_policy(document)
    except InvalidPolicyError as error:
        return error.problems
    return []


def _is_same(one: str, other: str) -> bool:
    try:
        return canonical_document(one) == canonical_document(other)
    except InvalidPolicyError:
        return False


def _warnings(document: str, policy: Policy) -> Iterator[str]:
    yield from warnings(policy)
    if (size := len(document.encode())) > STANDARD_BYTES:
        yield (
            f"The document has {size:,} bytes, more than the {STANDARD_BYTES:,} of a standard parameter. SSM makes it "
            "an advanced one, which AWS bills."
        )


def _warn(document: str, policy: Policy) -> None:
    for warning in _warnings(document, policy):
        click.echo(f"Warning: {plain(warning)}", err=True)
