"""The commands. Each is a module that is loaded when the command is called or its help is shown."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "request": "Ask for an approval, and wait for the decision if told so.",
    "wait": "Wait for the decision of an approval.",
    "list": "List approvals: the open ones, or those of a period.",
    "show": "Show an approval and all that happened to it.",
    "cancel": "Call an open approval off.",
    "export": "Write the approvals of a period as CSV or JSON Lines.",
    "approvers": "Say who gets approval mails.",
    "slack": "Connect the stack to Slack.",
    "doctor": "Look for what is wrong with the stack, and say what mends it.",
    "verify-deployment": "Prove on the deployed stack that approvals work, and remove all that the test made.",
    "completion": "Print the script that completes commands and options in a shell.",
    "demo": "Run the whole product on this machine: emulated AWS, an inbox and Slack, on one page.",
}
"""Each command and the first line of its help, in order. `load` returns the command."""


def load(name: str) -> click.Command:
    """Return the command with this name: `command` of the module of that name."""
    command: click.Command = import_module(f"cli.commands.{name.replace('-', '_')}").command
    return command
