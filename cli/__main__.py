"""The command `approvals`. Each of its commands is a module of `cli.commands`."""

from __future__ import annotations

import click

import bot.words
import iam.words
import mail.words
from cli.group import Group
from cli.version import installed


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""The options above, except --version, can also follow the command.

\b
Examples:
  approvals request --title "Deploy web 2.4.1" --approver ann@example.com --wait
  approvals list
  approvals COMMAND --help
""",
)
@click.option("--profile", help="AWS profile; with --local, a person of the demo.  [default: as the AWS CLI]")
@click.option("--region", envvar="AWS_REGION", help="AWS region.  [default: as the AWS CLI]")
@click.option(
    "--stack", default="human-approval", show_default=True, envvar="APPROVALS_STACK", help="CloudFormation stack name."
)
@click.option("--local", is_flag=True, help="Use the stack that `make demo` runs on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--output",
    type=click.Choice(["text", "json"]),
    help="Output format.  [default: text]",
)
@click.version_option(installed(), message="approvals %(version)s", help="Print the version and exit.")
@click.pass_context
def main(
    context: click.Context,
    *,
    profile: str | None,
    region: str | None,
    stack: str,
    local: bool,
    as_json: bool,
    output: str | None,
) -> None:
    """Request, follow and audit human approvals for AWS Step Functions."""
    mail.words.register_words()
    bot.words.register_words()
    iam.words.register_words()
    from cli.context import Context  # noqa: PLC0415  # boto3 takes a while to load, and --help does not need it

    settings = context.ensure_object(Context)
    settings.profile, settings.region, settings.stack, settings.local = profile, region, stack, local
    settings.as_json = as_json or output == "json"


if __name__ == "__main__":
    main(prog_name="approvals")
