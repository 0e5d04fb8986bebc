"""`approvals doctor`: check the stack."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.doctor.checks import run_checks
from cli.doctor.findings import Finding, exit_code
from cli.options import common_options
from cli.output import emit


@click.command("doctor", epilog="Example: approvals doctor --approver ann@example.com --round-trip")
@click.option(
    "--approver",
    "approvers",
    multiple=True,
    metavar="WHO",
    help="Also check that this approver can be reached. Repeatable.",
)
@click.option("--round-trip", is_flag=True, help="Also send a real request, marked as a test, and cancel it.")
@common_options
@pass_context
def command(context: Context, approvers: tuple[str, ...], *, round_trip: bool) -> None:
    """Check the stack, and print a fix for each problem.

    The fix is a command to run or a click to make. Without --round-trip, nothing is changed.

    \b
    Exit codes:
      0   no faults; there may be warnings
      1   at least one fault
      3   no faults found, but some checks could not run
    """  # noqa: D301  # click's mark for lines that stay as they are
    findings: list[Finding] = []
    for finding in run_checks(context, approvers=approvers, with_round_trip=round_trip):
        findings.append(finding)
        if not context.as_json:
            click.echo("\n".join(finding.lines()))
    emit(context, [finding.as_json() for finding in findings], [])
    click.get_current_context().exit(exit_code(findings))
