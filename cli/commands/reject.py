"""`approvals reject`: reject a request, by a call that is signed with the caller's AWS credentials."""

from __future__ import annotations

import click

from approvals.domain.model import Action
from cli.context import Context, pass_context
from cli.options import common_options
from cli.responses import comment_option, respond, yes_option


@click.command(epilog='Example: approvals reject bclqip --comment "Not on a Friday"')
@click.argument("approval")
@comment_option
@yes_option
@common_options
@pass_context
def command(context: Context, approval: str, *, comment: str | None, yes: bool) -> None:
    """Reject a request with your AWS credentials.

    Print the request and its digest, ask for confirmation, and send the signed response. APPROVAL is an approval ID, at
    least its first 4 characters, or the name or ARN of its execution.
    """
    respond(context, approval, Action.REJECT, yes=yes, comment=comment)
