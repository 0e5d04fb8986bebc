"""Prepare a release, and print its notes.

`python -m scripts.release prepare 0.2.0 2026-12-01` sets the version in pyproject.toml and template.yaml and dates the
changelog. Commit the result and push the tag v0.2.0: .github/workflows/release.yml does the rest. It calls
`python -m scripts.release notes 0.2.0`, which fails if the version is not the one that the files state.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_UNRELEASED = "## Unreleased\n"
_VERSIONED = {
    "pyproject.toml": re.compile(r'(?m)^(version = ")[^"]+(")$'),
    "template.yaml": re.compile(r'(SemanticVersion: |Version: \{ Number: ")[\d.]+()'),
}
"""Where the version stands in each file: between the two groups."""


class ReleaseError(Exception):
    """A release can't be made from these files; the message says why."""


def prepare(root: Path, version: str, date: str) -> None:
    """Set the version in all files and date the changelog's section of unreleased changes.

    `version` has three numbers, `date` is ISO 8601. Raises `ReleaseError` if either is malformed, or if nothing is
    unreleased.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version) or not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        raise ReleaseError("Use a version of three numbers and a date, for example 0.2.0 2026-12-01.")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text(encoding="utf-8")
    if not _section(text, _UNRELEASED):
        raise ReleaseError("CHANGELOG.md has no unreleased changes.")
    for name, pattern in _VERSIONED.items():
        file = root / name
        file.write_text(pattern.sub(rf"\g<1>{version}\g<2>", file.read_text(encoding="utf-8")), encoding="utf-8")
    heading = f"{_UNRELEASED}\n{_heading(version)} - {date}\n"
    changelog.write_text(text.replace(_UNRELEASED, heading, 1), encoding="utf-8")


def notes(root: Path, version: str) -> str:
    """Return the changelog's section of a version. Raises `ReleaseError` if the files state another version."""
    stated = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if version != stated:
        raise ReleaseError(f"pyproject.toml has version {stated}, not {version}. Prepare the release first.")
    section = _section((root / "CHANGELOG.md").read_text(encoding="utf-8"), _heading(version))
    if not section:
        raise ReleaseError(f"CHANGELOG.md has no section for {version}.")
    return section


def _heading(version: str) -> str:
    return f"## {version}"


def _section(text: str, heading: str) -> str:
    _, found, rest = text.partition(heading)
    body = rest.partition("\n## ")[0] if found else ""
    return "\n".join(line for line in body.splitlines() if not re.fullmatch(r" - [\d-]+", line)).strip()


def main() -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, arguments in {"prepare": ("version", "date"), "notes": ("version",)}.items():
        command = commands.add_parser(name)
        for argument in arguments:
            command.add_argument(argument)
    options = parser.parse_args()
    try:
        if options.command == "prepare":
            prepare(ROOT, options.version, options.date)
        else:
            sys.stdout.write(notes(ROOT, options.version) + "\n")
    except ReleaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
