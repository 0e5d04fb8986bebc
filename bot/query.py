"""The queries of /approvals: `list`, `mine`, `search TEXT`, `show ID`, `help`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_TEXT = 200
"""Characters that are kept of a query's text."""


class About(StrEnum):
    """The query's first word."""

    LIST = "list"
    MINE = "mine"
    SEARCH = "search"
    SHOW = "show"
    HELP = "help"


_TAKES_TEXT = (About.SEARCH, About.SHOW)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A query, and its text; empty if it takes none."""

    about: About
    text: str = ""


def parse(said: str) -> Inquiry:
    """Return the query that was typed: the list if nothing was, help if it can't be understood."""
    word, _, rest = said.strip().partition(" ")
    text = rest.strip()[:MAX_TEXT]
    try:
        about = About(word.casefold() or About.LIST)
    except ValueError:
        return Inquiry(About.HELP)
    if bool(text) is not (about in _TAKES_TEXT):
        return Inquiry(About.HELP)
    return Inquiry(about, text)
