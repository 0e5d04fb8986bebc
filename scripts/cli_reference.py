"""Write docs/cli.md, the reference of the command line, from the commands: `python -m scripts.cli_reference`.

A test fails if the page is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from approvals.store.items import LISTED
from cli.__main__ import main
from cli.commands import COMMANDS, load
from cli.export_columns import COLUMNS

PAGE = Path(__file__).parents[1] / "docs/cli.md"

INTRODUCTION = """\
# The command line

<!-- Written by `python -m scripts.cli_reference` from the commands in cli/: change those. -->

For whoever asks for approvals, from a shell or in CI, and for whoever looks after the stack. `pip install .` or
`pipx install .` in a checkout installs the command `approvals`; after `make`, it is `.venv/bin/approvals`.

```sh
approvals request --title "Deploy web 2.4.1" --approver ann@example.com --timeout-minutes 30 --wait && ./deploy.sh
approvals list
approvals show 7k3fq2ab
```

It takes the settings of the AWS CLI: profiles, regions and environment variables. The stack is `human-approval` unless
`--stack` says otherwise. `--local` is about the stack that `make demo` (or `approvals demo`) runs on this machine;
an installed `approvals` finds the key of that run when you call it in the checkout's folder.

Commands about one approval take its ID, the beginning of the ID, or its execution's name or ARN. If that can mean more
than one approval, the command changes nothing and names them with their full IDs. A full ID always means its approval.

## In CI

`approvals request --wait` and `approvals wait` tell what happens and exit with the answer:

| Exit code | What it means |
|---|---|
| 0 | Approved. |
| 1 | Rejected. |
| 2 | Nobody decided: expired or cancelled; or approved in vain, since the workflow had ended before. |
| 3 | Something failed: AWS, permissions, no such stack, nobody could be asked. |
| 64 | What was typed, or what is asked, is wrong. Nothing was started. |
| 130 | Interrupted (Ctrl-C, SIGTERM). The request is still open, unless `--cancel-on-interrupt` was given. |

The other commands exit with 0, 3, 64 or 130; `doctor` and `verify-deployment` have their own. Only 0 lets anything
pass. A reader that closes the pipe early, such as `head`, is no failure of `export`, `list` and `show`.

- Without a terminal each event is one plain line with its time in UTC; there are no colours. On a terminal they are in
  local time, above a line that says what is waited for.
- With `--json` standard output is one document, the approval at its end; its `Result` is what the workflow gets, with
  comments and form values. Events are JSON Lines on standard error as they come, with the names of
  [events.md](events.md) in `Event`, `ApprovalId` and `ExecutionArn`; trouble with AWS is an `Event` called `Trouble`.
- Waiting looks every 2 seconds. It outlives 5 minutes of trouble with AWS, and says so once, with the time.
- Without `--wait`, `request` waits until the request is accepted: recorded, and its approvers known. If it is refused,
  or that takes more than a minute, it prints the cause and exits with 3.
- With `--name`, say of the build, the same name and input find the same approval and its outcome, whether its execution
  runs or has ended: a job that was interrupted can be run again.

```sh
approvals request --file release.yaml --wait --json > approval.json || exit $?
version=$(jq -er .Result.Form.Version approval.json)
```

Not in a pipe: a shell takes the exit code of a pipe's last command, and would go on after a rejection.

`--file` is the request of [request.md](request.md) as JSON or YAML, or a whole input with the request under `Approval`.
In YAML, what JSON would write differently is the text that was typed: `1.10`, `0123`, `22:30`, `off`, `2026-11-23`.
Without a request, an input with a key such as `Approvers` is refused, as [request.md](request.md) says.
"""

ENVIRONMENT = {
    "AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID": "As for the AWS CLI, and so are its others.",
    "AWS_ENDPOINT_URL": "Another address of AWS, such as an emulator's.",
    "AWS_PORT": "With `--local` and `demo`: the emulator's port. Default: 4566.",
    "DEMO_PORT": "With `demo`: the page's port. Default: 8080.",
    "APPROVALS_STACK": "The stack's name, for `--stack`.",
    "SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET": "For `slack connect` without a terminal.",
    "NO_COLOR": "Anything in it turns colours off.",
    "TERM": "`dumb` is no terminal.",
}

EXPORT = """\
Each cell of CSV is in quotes; lists and objects are JSON in it. A `'` stands before what a spreadsheet would run as a
formula: `=`, `+`, `-` or `@` at the start of a cell, behind a `;` or behind a line break. Hidden characters are shown
as U+FFFD. Times are ISO 8601 in UTC. In JSON Lines values are as they are, with hidden characters escaped.
"""

POLICY_TEXT = """\
## Rights

What a user or a CI role needs, beside credentials. It reads no task token and no link key: whoever has it can ask, look
and call off, but answer nothing. Leave out what is not used: `Ask` is for `request`, `CallOff` for `cancel` and
`--cancel-on-interrupt`, `Approvers` for `approvers`. `doctor`, `verify-deployment` and `slack connect` are for who
deployed the stack.
`cancel` also asks STS who calls (`GetCallerIdentity`), for which AWS needs no right.
"""


def policy(account: str, region: str, stack: str, outputs: dict[str, str]) -> dict[str, Any]:
    """Return the IAM policy for users of the command line. `outputs` are the stack's."""
    table = f"arn:aws:dynamodb:{region}:{account}:table/{outputs['ApprovalTableName']}"
    machine = outputs["StateMachineHumanApprovalArn"]
    executions = f"{machine.replace(':stateMachine:', ':execution:')}:*"
    topic = outputs["ApprovalTopicArn"]
    stacks = f"arn:aws:cloudformation:{region}:{account}:stack/{stack}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Stack", "cloudformation:DescribeStacks", stacks),
            _allow("Find", "dynamodb:Query", f"{table}/index/*"),
            _allow("Read", "dynamodb:BatchGetItem", table)
            | {
                "Condition": {
                    "ForAllValues:StringEquals": {"dynamodb:Attributes": list(LISTED)},
                    "Null": {"dynamodb:Attributes": "false"},
                    "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
                }
            },
            _allow("Executions", "states:DescribeExecution", executions),
            _allow("Ask", "states:StartExecution", machine),
            _allow("CallOff", "states:StopExecution", executions),
            _allow("Approvers", ["sns:ConfirmSubscription", "sns:ListSubscriptionsByTopic", "sns:Subscribe"], topic),
            # IAM has no resource type for a subscription.
            _allow(
                "Subscriptions",
                ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
                "*",
            ),
        ],
    }


def page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *_reference(), *_export(), *_rights(), *_environment()])


def _reference() -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield "Before the command, `approvals [OPTIONS] COMMAND`, or after it (but `--version`):"
    yield ""
    yield from _options(main)
    for name in COMMANDS:
        yield from _command(load(name), f"approvals {name}")


def _command(command: click.Command, path: str) -> Iterator[str]:
    arguments = [
        str(each.make_metavar(click.Context(command))) for each in command.params if isinstance(each, click.Argument)
    ]
    yield f"### `{' '.join([path, *arguments])}`"
    yield ""
    for paragraph in (command.help or "").strip().split("\n\n"):
        yield fill(" ".join(paragraph.replace("\b", "").split()), 120)
        yield ""
    yield from _options(command)
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _command(each, f"{path} {name}")


def _options(command: click.Command) -> Iterator[str]:
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if not options:
        return
    context = click.Context(command)
    yield "| Option | What it does |"
    yield "|---|---|"
    for option in options:
        names, text = option.get_help_record(context) or ("", "")
        yield f"| `{_escaped(names)}` | {_escaped(text)} |"
    yield ""


def _escaped(text: str) -> str:
    """Return the text as a cell of a table. GitHub ends a column at a bar even in code."""
    return " ".join(text.split()).replace("|", "\\|")


def _export() -> Iterator[str]:
    yield "## Columns of an export"
    yield ""
    yield EXPORT
    yield "| Column | What is in it |"
    yield "|---|---|"
    yield from (f"| `{name}` | {column.description} |" for name, column in COLUMNS.items())
    yield ""


def _rights() -> Iterator[str]:
    yield POLICY_TEXT
    yield "```json"
    outputs = {
        "ApprovalTableName": "TABLE",
        "StateMachineHumanApprovalArn": "arn:aws:states:REGION:ACCOUNT:stateMachine:MACHINE",
        "ApprovalTopicArn": "arn:aws:sns:REGION:ACCOUNT:TOPIC",
    }
    yield json.dumps(policy("ACCOUNT", "REGION", "human-approval", outputs), indent=2)
    yield "```"
    yield ""


def _environment() -> Iterator[str]:
    yield "## Environment variables"
    yield ""
    yield "| Variable | What it does |"
    yield "|---|---|"
    for names, meaning in ENVIRONMENT.items():
        yield f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {meaning} |"
    yield ""


def _allow(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


if __name__ == "__main__":
    PAGE.write_text(page())
