"""The subcommands of /approvals: `list`, `mine`, `search TEXT`, `show ID`, `help`. Standard library only."""

from __future__ import annotations

from enum import StrEnum


class Subcommand(StrEnum):
    """The first word after /approvals."""

    LIST = "list"
    MINE = "mine"
    SEARCH = "search"
    SHOW = "show"
    HELP = "help"


_BY_NAME = {subcommand.value: subcommand for subcommand in Subcommand}
_WITH_TEXT = (Subcommand.SEARCH, Subcommand.SHOW)


def parse_command(typed: str) -> tuple[Subcommand, str]:
    """Return the subcommand and its text: the list if nothing was typed, help if it can't be understood."""
    word, _, rest = typed.strip().partition(" ")
    text = rest.strip()
    subcommand = _BY_NAME.get(word.casefold() or Subcommand.LIST, Subcommand.HELP)
    has_right_text = bool(text) is (subcommand in _WITH_TEXT)
    return (subcommand, text) if has_right_text else (Subcommand.HELP, "")
