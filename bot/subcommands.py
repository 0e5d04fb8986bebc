"""The subcommands of /approvals: `list`, `mine`, `search TEXT`, `show ID`, `away`, `help`. Standard library only.

People paste what they read elsewhere: with no-break spaces, curly quotes, the backticks or brackets around an ID, and
characters that nobody sees. Slack itself puts some of them there.
Source: https://github.com/scrapinghub/slackbot/pull/212, https://github.com/errbotio/errbot/pull/1094
"""

from __future__ import annotations

import re
from enum import StrEnum

from approvals.domain.characters import REPLACEMENT, reveal

_AROUND = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a<>[](){}"
"""Quotes and brackets around a word. An ID has none, and hardly any name of an execution begins or ends with one."""

_COMMAND = "/approvals"

_ESCAPED = re.compile(r"(?:[@#][A-Z0-9]+|(?:https?|mailto):[^|]+)\|(.+)")
"""What Slack makes of a mention, a channel or a link: `@U0DAN00004|dan`, without its brackets.

Source: https://docs.slack.dev/interactivity/implementing-slash-commands
"""

_MAX_QUOTED = 50
"""Characters of an unknown command that the answer repeats."""


class Subcommand(StrEnum):
    """The first word after /approvals."""

    LIST = "list"
    MINE = "mine"
    SEARCH = "search"
    SHOW = "show"
    AWAY = "away"
    HELP = "help"


_BY_NAME = {subcommand.value: subcommand for subcommand in Subcommand}
_NEEDS = {Subcommand.SEARCH: "a text", Subcommand.SHOW: "an ID", Subcommand.AWAY: "a day and a person, or off"}


def _as_typed(word: str) -> str:
    found = _ESCAPED.fullmatch(word)
    return f"{word[0] if word[0] in '@#' else ''}{found[1]}" if found else word


def parse_command(typed: str) -> tuple[Subcommand, str]:
    """Return the subcommand and its text: the list if nothing was typed.

    If it can't be understood, return help, with what is wrong as the text.
    """
    visible = reveal(typed).replace(REPLACEMENT, "")
    words = [word for each in visible.split() if (word := each.strip(_AROUND))]  # at any white space, U+00A0, too
    if words and words[0].casefold() == _COMMAND:
        words = words[1:]
    if not words:
        return Subcommand.LIST, ""
    name, text = words[0].casefold(), " ".join(words[1:])
    subcommand = _BY_NAME.get(name)
    if subcommand is None:
        return Subcommand.HELP, f"Unknown command \u201c{words[0][:_MAX_QUOTED]}\u201d."
    if bool(text) is (subcommand in _NEEDS):
        return subcommand, text if subcommand is Subcommand.AWAY else " ".join(map(_as_typed, words[1:]))
    if subcommand is Subcommand.HELP:
        return Subcommand.HELP, ""
    return (
        Subcommand.HELP,
        f"\u201c{name}\u201d takes no text." if text else f"\u201c{name}\u201d needs {_NEEDS[subcommand]}.",
    )
