"""Run `approvals request --wait` for the GitHub Action (action.yml), and write the step's outputs.

It needs nothing but the standard library and the installed command. It exits with the command's exit code.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_SINGLE = {
    "DETAILS": "--details",
    "REQUESTED_BY": "--requested-by",
    "REQUIRED_APPROVALS": "--required-approvals",
    "TIMEOUT_MINUTES": "--timeout-minutes",
}
"""Inputs of one value, by the environment variable that holds them."""

_LINES = {"FACTS": "--fact", "LINKS": "--link", "APPROVERS": "--approver"}
"""Inputs of several values, one on each line."""


def arguments(environ: Mapping[str, str]) -> list[str]:
    """Return the command's arguments for the action's inputs and GitHub's variables.

    A value stands behind `=`, so that one that begins with a dash is no option.
    """
    run = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environ)
    step = f"github-{environ['GITHUB_RUN_ID']}-{environ['GITHUB_RUN_ATTEMPT']}-{environ['GITHUB_ACTION']}"
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in step if letter.isascii())[:80]
    found = [f"--stack={environ['STACK']}", "request", "--wait", "--json", "--cancel-on-interrupt", f"--name={name}"]
    found += [f"--title={environ['TITLE']}", f"--link=Run={run}"]
    found += [f"{option}={environ[variable]}" for variable, option in _SINGLE.items() if environ.get(variable)]
    for variable, option in _LINES.items():
        found += [f"{option}={line.strip()}" for line in environ.get(variable, "").splitlines() if line.strip()]
    return found


def outputs(printed: str) -> dict[str, str]:
    """Return the step's outputs from the JSON that the command printed; empty values where it has none."""
    approval = json.loads(printed) if printed.strip() else {}
    result = approval.get("Result") or {}
    return {
        "approval-id": approval.get("Id") or "",
        "decision": result.get("Decision") or "",
        "decided-by": result.get("DecidedBy") or "",
    }


def main() -> int:
    """Run the command, pass on the signals that GitHub sends when it cancels the run, and write the outputs."""
    command = ["approvals", *arguments(os.environ)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- no shell: values stay values
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: process.send_signal(received))
    printed, _ = process.communicate()
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs(printed).items())
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
