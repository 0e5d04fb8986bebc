"""`approvals mcp`: request, wait for and spend approvals as tools of an AI agent."""

from __future__ import annotations

import click

from approvals.domain.model import Json
from approvals.requests.codec import KEY
from cli.context import CommandError, Context, pass_context
from cli.options import global_options
from cli.request_input import STDIN, read_document, request_in

MISSING = (
    "approvals mcp needs the MCP SDK, which is not installed. Install it with this command: "
    "pip install 'human-approval[mcp]'"
)

OWN = ("Title", "Action")
"""Keys that each request of an agent brings."""


@click.command(
    epilog="""\b
Examples:
  approvals mcp
  approvals mcp --stack payments --file requests-of-agents.yaml
"""
)
@click.option(
    "--file",
    "file",
    metavar="PATH",
    help="JSON or YAML file with keys that each request gets, for example Approvers. The agent can't set them.",
)
@global_options
@pass_context
def command(context: Context, file: str | None) -> None:
    """Serve approvals to an AI agent, as an MCP server.

    The server uses standard input and output. The client of the agent starts this command; docs/agents.md shows its
    configuration. Its tools request an approval, wait for the decision, and spend it. It needs an additional package:
    pip install 'human-approval[mcp]'
    """
    document = _document(file) if file else {}
    try:
        from cli import mcp_server  # noqa: PLC0415  # the SDK is an extra
    except ModuleNotFoundError as error:
        if error.name not in {"anyio", "mcp", "mcp_types", "pydantic"}:
            raise
        raise CommandError(MISSING) from error
    mcp_server.serve(context, document)


def _document(file: str) -> dict[str, Json]:
    """Return the keys in the operator's file. Raises click's `UsageError`."""
    if file == STDIN:
        raise click.UsageError("--file: standard input belongs to the client. Use the path of a file.")
    document = read_document(file)
    request = request_in(document)
    if not isinstance(request, dict):
        raise click.UsageError(f"{file}: {KEY} must be an object with the keys of a request.")
    for key in OWN:
        if key in request:
            raise click.UsageError(f"{file}: each request of the agent has its own {key}. Remove it.")
    return document
