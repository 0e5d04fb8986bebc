"""The commands. Each is a module that is loaded when the command is called or its help is shown."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "request": "Request an approval, and optionally wait for the decision.",
    "wait": "Wait until an approval is decided.",
    "list": "List open approvals, or the approvals of a period.",
    "show": "Show an approval and its activity.",
    "cancel": "Cancel an open approval.",
    "export": "Export the approvals of a period as CSV or JSON Lines.",
    "approvers": "Manage who receives approval emails.",
    "policy": "Read, check and set the approval policy.",
    "slack": "Connect the stack to Slack.",
    "doctor": "Check the stack, and print a fix for each problem.",
    "completion": "Print the completion script for a shell.",
    "demo": "Run everything on this machine: emulated AWS, an inbox and Slack on one page.",
}
"""Each command and the first line of its help, in order. NAME is `command` of `cli.commands.NAME`."""
