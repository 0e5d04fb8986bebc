"""`approvals show`: an approval and its history."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.document import document, lines
from cli.lookup import find
from cli.options import common_options
from cli.output import emit


@click.command(epilog="Example: approvals show bclqip")
@click.argument("approval")
@common_options
@pass_context
def command(context: Context, approval: str) -> None:
    """Show an approval and its activity.

    APPROVAL is an approval ID, at least its first 4 characters, or the name or ARN of its execution.
    """
    found = find(context, approval)
    emit(context, document(found), lines(found, context.clock()))
