"""`approvals show`: an approval and its history."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.document import document, lines
from cli.lookup import find
from cli.options import common_options
from cli.output import emit


@click.command()
@click.argument("approval")
@common_options
@pass_context
def command(context: Context, approval: str) -> None:
    """Show an approval and all that happened to it.

    APPROVAL is its id, the beginning of it (4 characters or more), or its execution's name or ARN.
    """
    found = find(context, approval)
    emit(context, document(found), lines(found, context.clock()))
