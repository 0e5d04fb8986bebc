"""`approvals approve`: approve a request, by a call that is signed with the caller's AWS credentials."""

from __future__ import annotations

import click

from approvals.domain.model import Action
from cli.context import Context, pass_context
from cli.options import common_options
from cli.responses import comment_option, form_values, respond, yes_option


@click.command(epilog='Example: approvals approve bclqip --comment "Checked the plan" --form Version=2.4.1')
@click.argument("approval")
@comment_option
@click.option("--form", "texts", metavar="NAME=VALUE", multiple=True, help="Value of a field of the form. Repeatable.")
@click.option("--form-file", "file", metavar="PATH", help="Values of the form as JSON or YAML; - reads standard input.")
@yes_option
@common_options
@pass_context
def command(
    context: Context, approval: str, *, comment: str | None, texts: tuple[str, ...], file: str | None, yes: bool
) -> None:
    """Approve a request with your AWS credentials.

    Print the request and its digest, ask for confirmation, and send the signed response. Fields of the form that you do
    not set keep the values of earlier approvers, or their defaults. APPROVAL is an approval ID, at least its first 4
    characters, or the name or ARN of its execution.
    """
    respond(
        context,
        approval,
        Action.APPROVE,
        yes=yes,
        comment=comment,
        fill=lambda found: form_values(found, texts, file),
    )
