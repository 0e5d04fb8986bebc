"""`approvals verify-deployment`: prove that a deployed stack works, and leave nothing behind."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.options import common_options
from cli.output import emit
from cli.slack_app import CHANNEL
from cli.verify.proofs import Proof, exit_code
from cli.verify.run import verify, what_stays


@click.command("verify-deployment", epilog="Example: approvals verify-deployment --quick --slack-channel C0123456789")
@click.option("--quick", is_flag=True, help="Leave out the request that expires, which takes two to three minutes.")
@click.option(
    "--slack-channel",
    metavar="ID",
    default="",
    help="Post the test requests in this channel instead of the stack's.",
)
@common_options
@pass_context
def command(context: Context, *, quick: bool, slack_channel: str) -> None:
    """Prove that a deployed stack works, and remove the test again.

    Start requests that say they are a test. Approve one by the link in its email, cancel one, and let one expire. Their
    only approver is a queue that the command subscribes and removes, so nobody has to respond. If Slack is connected,
    the test requests are posted there, too. Also check the permissions of all functions with IAM's policy simulator.

    \b
    Exit codes:
      0     everything held; there may be warnings
      1     something did not hold, or could not be tried
      3     the command could not begin
      130   interrupted; what the command made is removed
    """  # noqa: D301  # click's mark for lines that stay as they are
    if slack_channel and not CHANNEL.fullmatch(slack_channel):
        raise click.UsageError(f"--slack-channel: {slack_channel!r} is not a channel ID such as C0123456789.")
    context.output("StateMachineHumanApprovalArn")  # Without a stack of this product there is nothing to prove.
    proofs: list[Proof] = []

    def report(proof: Proof) -> None:
        proofs.append(proof)
        if not context.as_json:
            click.echo("\n".join(proof.lines()))

    try:
        verify(context, report, quick=quick, slack_channel=slack_channel)
    finally:
        emit(context, [proof.as_json() for proof in proofs], filter(None, [what_stays(proofs)]))
    click.get_current_context().exit(exit_code(proofs))
