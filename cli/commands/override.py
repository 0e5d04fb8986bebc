"""`approvals override`: decide a request alone in an emergency, by a call that is signed with AWS credentials."""

from __future__ import annotations

import click

from approvals.domain.model import Action
from cli.context import Context, pass_context
from cli.options import common_options
from cli.responses import form_values, respond, yes_option


@click.command(epilog='Example: approvals override bclqip --approve --reason "Payments are down, nobody answers"')
@click.argument("approval")
@click.option("--approve", "action", flag_value=Action.APPROVE.value, help="Approve the request.")
@click.option("--reject", "action", flag_value=Action.REJECT.value, help="Reject the request.")
@click.option("--reason", metavar="TEXT", required=True, help="Reason, shown to everyone and kept in the record.")
@click.option("--form", "texts", metavar="NAME=VALUE", multiple=True, help="Value of a field of the form. Repeatable.")
@click.option("--form-file", "file", metavar="PATH", help="Values of the form as JSON or YAML; - reads standard input.")
@yes_option
@common_options
@pass_context
def command(
    context: Context,
    approval: str,
    *,
    action: str | None,
    reason: str,
    texts: tuple[str, ...],
    file: str | None,
    yes: bool,
) -> None:
    """Decide a request alone in an emergency (break glass).

    Only people whose role the approval policy names under Override can do this, with a reason, and never for their own
    request. The override decides at once. Everyone who was asked is told, and an alarm fires. APPROVAL is an approval
    ID, at least its first 4 characters, or the name or ARN of its execution.
    """
    if action is None:
        raise click.UsageError("Add --approve or --reject.")
    if not reason.strip():
        raise click.UsageError("--reason: enter a reason.")
    respond(
        context,
        approval,
        f"override-{action}",
        yes=yes,
        comment=reason,
        fill=lambda found: form_values(found, texts, file) if action == Action.APPROVE else {},
    )
