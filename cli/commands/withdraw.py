"""`approvals withdraw`: withdraw a response, by a call that is signed with the caller's AWS credentials."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.options import common_options
from cli.responses import respond, yes_option
from iam.body import WITHDRAW


@click.command(epilog="Example: approvals withdraw bclqip")
@click.argument("approval")
@yes_option
@common_options
@pass_context
def command(context: Context, approval: str, *, yes: bool) -> None:
    """Withdraw your response with your AWS credentials.

    It does not matter on which channel you responded, as long as the request is open. APPROVAL is an approval ID, at
    least its first 4 characters, or the name or ARN of its execution.
    """
    respond(context, approval, WITHDRAW, yes=yes)
