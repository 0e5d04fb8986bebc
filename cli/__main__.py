"""The command `approvals`: a group of commands, each in a module of `cli.commands`."""

from __future__ import annotations

import click

import bot.words
import mail.words
from cli.group import Group
from cli.version import installed


def _say_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001  # click's way
    if wanted:
        click.echo(f"approvals {installed()}")
        context.exit()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", envvar="AWS_PROFILE", help="The AWS profile; the AWS CLI's own default otherwise.")
@click.option("--region", envvar="AWS_REGION", help="The AWS region; the AWS CLI's own default otherwise.")
@click.option(
    "--stack", default="human-approval", show_default=True, envvar="APPROVALS_STACK", help="The stack's name."
)
@click.option("--local", is_flag=True, help="The stack that `make demo` runs on this machine.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Show the version.",
)
@click.pass_context
def main(context: click.Context, profile: str | None, region: str | None, stack: str, *, local: bool) -> None:
    """Human approval for AWS Step Functions: ask, look, export, and keep the stack well."""
    mail.words.register_words()
    bot.words.register_words()
    from cli.context import Context  # noqa: PLC0415  # AWS's library takes a while, and --help has no use for it

    ours = context.ensure_object(Context)
    ours.profile, ours.region, ours.stack, ours.local = profile, region, stack, local


if __name__ == "__main__":
    main(prog_name="approvals")
