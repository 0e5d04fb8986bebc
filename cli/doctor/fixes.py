"""Commands that fix a fault, with the stack's own names filled in, ready to be pasted."""

from __future__ import annotations

import shlex

from cli.context import Context


def aws(context: Context, *words: str) -> str:
    """Return a command of the AWS CLI."""
    options = ["--region", str(context.session.region_name)]
    if context.profile:
        options += ["--profile", context.profile]
    if context.endpoint:
        options += ["--endpoint-url", context.endpoint]
    return shlex.join(["aws", *words, *options])


def deploy(context: Context, *words: str) -> str:
    """Return the command that deploys the stack again from a checkout."""
    stack = ["--stack-name", context.stack, "--region", str(context.session.region_name)]
    return f"sam build && {shlex.join(['sam', 'deploy', *stack, *words])}"


def tail(context: Context, log_group: str) -> str:
    """Return the command that shows a function's recent log. `log_group` is a logical ID."""
    group = context.resource(log_group)
    return aws(context, "logs", "tail", group.id if group else log_group, "--since", "1h")


def again(context: Context) -> str:
    """Return the command that repeats the checks after an outage."""
    return f"{context.command('doctor')}   # run again in a minute"


def add_approver(context: Context, address: str) -> str:
    """Return the command that subscribes an address to its own emails, or sends the confirmation again."""
    return context.command("approvers", "add", address)
