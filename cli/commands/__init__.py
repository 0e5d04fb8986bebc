"""The commands. Each is a module that is loaded when the command is called or its help is shown."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "request": "Request an approval, and optionally wait for the decision.",
    "wait": "Wait until an approval is decided.",
    "run": "Request the approval of a command, wait, and execute the command once.",
    "list": "List open approvals, or the approvals of a period.",
    "show": "Show an approval and its activity.",
    "approve": "Approve a request with your AWS credentials.",
    "reject": "Reject a request with your AWS credentials.",
    "withdraw": "Withdraw your response with your AWS credentials.",
    "override": "Decide a request alone in an emergency (break glass).",
    "cancel": "Cancel an open approval.",
    "delegate": "Have a delegate respond for a person who is away.",
    "reassign": "Pass one person's part in an open request on to another.",
    "export": "Export the approvals of a period as CSV or JSON Lines.",
    "approvers": "Manage who receives approval emails.",
    "policy": "Read, check and set the approval policy.",
    "slack": "Connect the stack to Slack.",
    "doctor": "Check the stack, and print a fix for each problem.",
    "verify-deployment": "Prove that a deployed stack works, and remove the test again.",
    "mcp": "Serve approvals to an AI agent, as an MCP server.",
    "completion": "Print the completion script for a shell.",
    "demo": "Run everything on this machine: emulated AWS, an inbox and Slack on one page.",
}
"""Each command and the first line of its help, in order. `load` returns the command."""


def load(name: str) -> click.Command:
    """Return the command with this name: `command` of the module of that name."""
    command: click.Command = import_module(f"cli.commands.{name.replace('-', '_')}").command
    return command
