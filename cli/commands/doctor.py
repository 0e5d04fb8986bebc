"""`approvals doctor`: check the stack."""

from __future__ import annotations

import click

from cli.context import Context, pass_context
from cli.doctor.checks import run_checks
from cli.doctor.findings import Finding, exit_code
from cli.options import common_options
from cli.output import emit


@click.command("doctor")
@click.option(
    "--approver", "approvers", multiple=True, metavar="NAME", help="Also: could this approver be asked? Repeatable."
)
@click.option(
    "--round-trip", is_flag=True, help="Also ask for a real approval that says it is a test, and call it off."
)
@common_options
@pass_context
def command(context: Context, approvers: tuple[str, ...], *, round_trip: bool) -> None:
    """Look for what is wrong with the stack, and say what mends it.

    Below each fault stands the command to run or the click to make. Changes nothing, but for --round-trip.

    \b
    Exit codes: 0 all is well, or works with a warning; 1 something is wrong;
    3 nothing is known to be wrong, but not all could be looked at.
    """  # noqa: D301  # click's mark for lines that stay as they are
    findings: list[Finding] = []
    for finding in run_checks(context, approvers=approvers, with_round_trip=round_trip):
        findings.append(finding)
        if not context.as_json:
            click.echo("\n".join(finding.lines()))
    emit(context, [finding.as_json() for finding in findings], [])
    click.get_current_context().exit(exit_code(findings))
