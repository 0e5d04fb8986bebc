"""What `approve`, `reject` and `withdraw` have in common: look at the request, confirm, send the signed response."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain import forms
from approvals.domain.delegate_wording import seat_sentence
from approvals.domain.form_changes import current_form, form_key
from approvals.domain.form_fields import FormValue
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Json
from approvals.domain.wording import is_high_severity
from cli.context import CommandError, Context
from cli.document import BAR, lines
from cli.lookup import find
from cli.output import emit, plain
from cli.request_input import read_document
from cli.signed_call import send
from iam.body import OVERRIDES, WITHDRAW, withdrawn_count
from iam.sessions import approver_of, identify, person_roles

Fill = Callable[[Approval], Mapping[str, FormValue]]


def yes_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add --yes."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation, for high severity either.")(command)


def comment_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add --comment."""
    text = "Comment, kept in the record and passed to the workflow."
    return click.option("--comment", metavar="TEXT", help=text)(command)


def respond(
    context: Context,
    reference: str,
    action: str,
    *,
    yes: bool,
    comment: str | None = None,
    fill: Fill = lambda _: {},
) -> None:
    """Show an approval, ask for confirmation, and send a response. `fill` returns the form's values.

    A decided approval needs no confirmation: the reply says how it was decided.
    """
    if not (yes or _can_confirm()):
        raise click.UsageError("There is no terminal to confirm on. Check the request with `approvals show`, add --yes")
    approval = find(context, reference)
    form = fill(approval) if approval.decision is None else {}
    _show(context, approval, form, in_full=not yes)
    if action in tuple(Action) and (said := _seat_sentence(context, approval)):
        click.echo(said, err=True)
    if not yes and approval.decision is None:
        _confirm(approval, action)
    reply = send(context, _body(approval, action, comment, form))
    if reply.status != HTTPStatus.OK:
        problems: Mapping[str, Any] = reply.body.get("Problems") or {}
        details = [f"  {name}: {text}" for name, text in problems.items()]
        raise CommandError("\n".join([reply.message or f"The API answered {reply.status}.", *details]))
    document = {"Id": approval.id, **{key: reply.body.get(key) for key in ("Verdict", "Status", "Message")}}
    emit(context, document, [plain(reply.message)])


def form_values(approval: Approval, texts: Iterable[str], file: str | None) -> dict[str, FormValue]:
    """Return the form's values: those of the options, else of the file, else those that the page would begin with.

    Raise click's `UsageError` for each value that does not fit.
    """
    form = approval.request.form
    current = current_form(approval)
    values = dict(current) if current is not None else {f.name: f.default for f in form if f.default is not None}
    given = {name: _text(name, value) for name, value in (read_document(file) if file else {}).items()}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--form {text!r}: expected NAME=VALUE.")
        given[name] = value
    known = {field.name: field for field in form}
    if unknown := [name for name in given if name not in known]:
        names = ", ".join(known) or "none: the request has no form"
        raise click.UsageError(f"{unknown[0]!r} is not a field of the form. Fields: {names}.")
    parsed, problems = forms.parse(tuple(known[name] for name in given), given)
    kept = {name: value for name, value in values.items() if name not in given}
    values = {field.name: {**kept, **parsed}[field.name] for field in form if field.name in {**kept, **parsed}}
    wrong = {problem.field for problem in problems}
    problems += [problem for problem in forms.problems(form, values) if problem.field not in wrong]
    if problems:
        raise click.UsageError("\n  ".join(["The form:", *(f"{each.field}: {each.text}" for each in problems)]))
    return values


def _text(name: str, value: Json) -> str:
    if isinstance(value, dict | list):
        raise click.UsageError(f"{name!r}: expected a text, a number, true or false.")
    return "" if value is None else forms.format_answer(value)


def _show(context: Context, approval: Approval, form: Mapping[str, FormValue], *, in_full: bool) -> None:
    """Print what the response is about. Standard output is for the result."""
    shown = lines(approval, context.clock()) if in_full else [f"{BAR}{plain(approval.title)}"]
    for line in shown:
        click.echo(line, err=True)
    click.echo(f"Digest: {approval.request.digest}", err=True)
    labels = {field.name: field.label for field in approval.request.form}
    for name, value in form.items():
        click.echo(f"{BAR}{plain(f'{labels[name]}: {forms.format_answer(value)}')}", err=True)


def _seat_sentence(context: Context, approval: Approval) -> str:
    """Return what the caller needs to know of the seat that they fill. Empty if AWS does not say who calls."""
    if approval.decision or approval.people is None or not approval.people.delegations:
        return ""
    try:
        caller = context.client("sts").get_caller_identity()
    except (ClientError, BotoCoreError):
        return ""
    identity = {"userArn": caller["Arn"], "caller": caller["UserId"], "accountId": caller["Account"]}
    session = identify(identity, context.account, person_roles(approval.request))
    return seat_sentence(approval, approver_of(session), context.clock())


def _can_confirm() -> bool:
    return sys.stdin.isatty()


def _confirm(approval: Approval, action: str) -> None:
    if action == WITHDRAW:
        questions = ["Withdraw your response?"]
    else:
        verb = words_of(approval).verbs[OVERRIDES.get(action) or Action(action)].capitalize()
        alone = " alone, by override? The approvers and the operators of this stack are told"
        questions = [f"{verb} this request{alone if action in OVERRIDES else ''}?"]
        if is_high_severity(approval):
            questions.append(f"This request is of high severity. {verb} it?")
    for question in questions:
        if not click.confirm(question, err=True):
            raise CommandError("Nothing was recorded.")


def _body(approval: Approval, action: str, comment: str | None, form: Mapping[str, FormValue]) -> dict[str, Json]:
    return {
        "ApprovalId": approval.id,
        "Digest": approval.request.digest,
        "Action": action,
        "Comment": comment,
        "Form": dict(form),
        "Seen": {"Form": form_key(approval), "Withdrawn": withdrawn_count(approval)},
        "Confirmed": is_high_severity(approval),
    }
