"""Write docs/cli.md, the reference of the command line, from the commands: `python -m scripts.cli_reference`.

A test fails if the page is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, fill
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

`approvals` requests and follows approvals, from a shell or in CI, and checks the stack. `pipx install .` or
`pip install .` in a checkout installs it; after any `make` command, it is also at `.venv/bin/approvals`.

```sh
approvals request --title "Deploy web 2.4.1" --approver ann@example.com --timeout-minutes 30 --wait && ./deploy.sh
approvals list
approvals show bclqip
```

It uses the settings of the AWS CLI: profiles, regions and environment variables. The stack is `human-approval` unless
you set `--stack`. `--local` uses the stack that `make demo` (or `approvals demo`) runs on this machine; an installed
`approvals` finds the credentials of that run if you call it in the folder of the checkout. With `--profile alice` (or
`bob`, `carol`, `dave`, `ivy`) it signs as that person of the demo.

To name an approval, use its ID, the first 4 or more characters of its ID, or the name or ARN of its execution. Emails,
Slack messages and `approvals list` show the first 6 characters. If more than one approval matches, the command changes
nothing and lists them with their full IDs. A full ID matches only its approval.

On a terminal, times are in your time zone. Elsewhere, and in JSON and CSV, they are ISO 8601 in UTC.

## In CI

`approvals request --wait` and `approvals wait` print each event, and exit with a code for the outcome:

| Exit code | Meaning |
|---|---|
| 0 | Approved. |
| 1 | Rejected. |
| 2 | Expired or cancelled; or approved after the workflow had already ended. |
| 3 | Something failed: AWS, permissions, an unknown stack, or no approver could be notified. |
| 64 | Usage error, or invalid request or policy. Nothing was started or stored. |
| 130 | Interrupted (Ctrl-C, SIGTERM). The request is still open, unless you set `--cancel-on-interrupt`. |

The other commands exit with 0, 3, 64 or 130, except that `doctor`, `policy check`, `verify-deployment` and
`slack connect` also exit with 1. Only 0 means success. If a reader such as `head` closes the pipe early, `export`,
`list` and `show` still exit with 0.

- Without a terminal, each event is one plain line with its time in UTC, without colors. On a terminal, events have your
  local time, and a status line shows what the command waits for.
- With `--json`, standard output is one JSON document: the decided approval. Its `Result` is what the
  workflow receives, with comments and form values. Events are JSON Lines on standard error, with the names in
  [events.md](events.md) as `Event`, and with `ApprovalId` and `ExecutionArn`. An AWS outage is the `Event` `Trouble`.
- The command checks the approval every 2 seconds. It continues through AWS outages of up to 5 minutes, and reports each
  once.
- Without `--wait`, `request` ends once the request is recorded and its approvers are known. If the request is refused,
  or this takes more than a minute, the command prints the cause and exits with 3.
- With `--name`, for example the name of the build, the same name and input find the same approval and its outcome, even
  after its execution has ended. You can run an interrupted job again.

```sh
approvals request --file release.yaml --wait --json > approval.json || exit $?
version=$(jq -er .Result.Form.Version approval.json)
```

Don't use a pipe here: a shell uses the exit code of its last command, and would continue after a rejection.

`approvals run --title … -- COMMAND` waits in the same way, and then becomes the command, whose exit code it has
([grants.md](grants.md#run-a-command-approvals-run)). Its own output all goes to standard error.

`--file` is a request ([request.md](request.md)) as JSON or YAML, or an execution input with the request under
`Approval`. In YAML, a value that JSON would write differently stays the text that you typed: `1.10`, `0123`, `22:30`,
`off`, `2026-11-23`. An input without the key `Approval` must not have keys of a request, such as `Approvers`.
"""

ENVIRONMENT = {
    "AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID": "As for the AWS CLI, like its other variables.",
    "AWS_ENDPOINT_URL": "Endpoint of AWS, for example of an emulator.",
    "AWS_PORT": "Port of the emulator, for `--local` and `demo`. Default: 4566.",
    "DEMO_PORT": "Port of the page, for `demo`. Default: 8080.",
    "APPROVALS_STACK": "Default of `--stack`.",
    "SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET": "Values for `slack connect` without a terminal.",
    "NO_COLOR": "If not empty, turns colors off.",
    "TERM": "If `dumb`, output is as without a terminal.",
}

EXPORT = """\
In CSV, each cell is in quotes; lists and objects are JSON. A `'` precedes anything that a spreadsheet would run as a
formula: `=`, `+`, `-` or `@` at the start of a cell, after a `;` or after a line break. Hidden characters are replaced
by U+FFFD. In JSON Lines, values are unchanged, with hidden characters escaped. Times are ISO 8601 in UTC.
"""

POLICY_TEXT = """\
## Permissions

A user or a CI role needs this policy. It reads no task token and no link key, so it lets its holder request, read and
cancel approvals. To respond with `approve`, `reject` and `withdraw`, its holder also needs
[the policy of the stack](iam-channel.md#what-an-operator-grants). Remove what you don't use: `Request` is for
`request`, `Spend` for `run` and `mcp`, `Cancel` for `cancel`, `run` and `--cancel-on-interrupt`, `Approvers` and
`Subscriptions` for `approvers`. `doctor` and `slack connect` need the permissions of a deployment;
[`verify-deployment`](operate.md#verify-a-deployment) has a list of its own. `policy` needs `ssm:GetParameter`,
`ssm:GetParameterHistory` and, to set it, `ssm:PutParameter` on the policy's parameter: the last only for its owners.
`cancel`, `run` and `mcp` also call `sts:GetCallerIdentity`, which needs no
permission.
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
            _allow("Request", "states:StartExecution", machine),
            _allow("Spend", "lambda:InvokeFunction", outputs["SpendFunctionArn"]),
            _allow("Cancel", "states:StopExecution", executions),
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
    yield "These options can stand before or after the command, except `--version`, which stands before it:"
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
        yield from _lines("text", paragraph) if "\b" in paragraph else [fill(" ".join(paragraph.split()), 120)]
        yield ""
    if command.epilog:
        heading, _, examples = command.epilog.replace("\b\n", "").partition(":")
        yield f"{heading}:"
        yield ""
        yield from _lines("sh", examples)
        yield ""
    yield from _options(command)
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _command(each, f"{path} {name}")


def _lines(language: str, text: str) -> Iterator[str]:
    """Yield lines that stay as they are, as a block of code."""
    yield f"```{language}"
    yield from dedent(text.replace("\b", "").strip("\n")).strip().splitlines()
    yield "```"


def _options(command: click.Command) -> Iterator[str]:
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    if not options:
        return
    context = click.Context(command)
    yield "| Option | Description |"
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
    yield "| Column | Description |"
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
        "SpendFunctionArn": "arn:aws:lambda:REGION:ACCOUNT:function:SPEND",
    }
    yield json.dumps(policy("ACCOUNT", "REGION", "human-approval", outputs), indent=2)
    yield "```"
    yield ""


def _environment() -> Iterator[str]:
    yield "## Environment variables"
    yield ""
    yield "| Variable | Description |"
    yield "|---|---|"
    for names, meaning in ENVIRONMENT.items():
        yield f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {meaning} |"
    yield ""


def _allow(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


if __name__ == "__main__":
    PAGE.write_text(page())
