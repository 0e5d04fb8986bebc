"""What somebody asks of the app in words: `list`, `mine`, `search TEXT`, `show ID`, `help`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MAX_TEXT = 200
"""Characters of what is searched for that count."""


class About(StrEnum):
    """What is asked for."""

    LIST = "list"
    MINE = "mine"
    SEARCH = "search"
    SHOW = "show"
    HELP = "help"


_TAKES_TEXT = (About.SEARCH, About.SHOW)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked for, and the text to look for; empty where none is needed."""

    about: About
    text: str = ""


def parse(said: str) -> Inquiry:
    """Reads what was typed. Nothing at all asks for the list; what is not understood, for help."""
    word, _, rest = said.strip().partition(" ")
    text = rest.strip()[:MAX_TEXT]
    try:
        about = About(word.casefold() or About.LIST)
    except ValueError:
        return Inquiry(About.HELP)
    if bool(text) is not (about in _TAKES_TEXT):
        return Inquiry(About.HELP)
    return Inquiry(about, text)
