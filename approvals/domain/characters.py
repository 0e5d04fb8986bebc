"""Find and reveal characters that readers do not see, by one list for every surface.

Where the author can fix a text, it is refused with `hidden_in`. Where nobody can (an execution's input, users' names,
records of earlier versions), `reveal` shows each as U+FFFD.
"""

from __future__ import annotations

import json
import re
from unicodedata import name

REPLACEMENT = "\ufffd"
"""The character that replaces a hidden one."""

MAX_NAME = 80
"""Characters of a name that people see: users choose their own names."""

_HIDDEN = (
    # C0 controls and DEL, without tab, line feed and carriage return: escape sequences steer terminals.
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
    "\x80-\x9f"  # C1 controls: U+009B begins an escape sequence, too
    "\xad"  # soft hyphen
    "\u034f"  # combining grapheme joiner
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction, see https://trojansource.codes
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters that look like a blank, and count as no white space
    "\u17b4\u17b5"  # Khmer vowels without a form
    "\u180b-\u180f"  # Mongolian variation selectors and vowel separator
    "\u200b-\u200d"  # zero-width space, and the joiners where they join nothing
    "\u2028\u2029"  # line and paragraph separators: a new line to some programs, nothing to others
    "\u2060-\u2065\u206a-\u206f"  # word joiner, invisible operators, deprecated format characters
    "\u2800"  # Braille blank: a blank that counts as no white space
    "\ufe00-\ufe0f"  # variation selectors where they build no emoji
    "\ufeff"  # zero-width no-break space, the byte order mark
    "\ufff0-\ufffc"  # interlinear annotation, and the place of an object that is not there
    "\U00013430-\U0001343f"  # Egyptian hieroglyph format controls
    "\U0001bca0-\U0001bca3"  # shorthand format controls
    "\U0001d159\U0001d173-\U0001d17a"  # the null notehead, and musical beams and slurs
    "\U000e0000-\U000e0fff"  # tag characters, further variation selectors: whole texts can be written in them
    "\ud800-\udfff"  # halves of surrogate pairs: no characters
    # Noncharacters: they never stand for anything.
    "\ufdd0-\ufdef"
)
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
"""The last two of each plane. Source: https://www.unicode.org/versions/corrigendum9.html"""

# Characters of the list that people type and see, since they change how their neighbors look.
_PICTURE = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25aa-\u25ff\u2600-\u27bf\u2900-\u297f"
    "\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_SELECTOR = "[\ufe0e\ufe0f]"
_PICTURES = rf"{_PICTURE}{_SELECTOR}?(?:\u200d{_PICTURE}{_SELECTOR}?)*"
_FLAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
_VIRAMA = (  # the characters of combining class 9 below U+10000
    "[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a\u0eba\u0f84\u1039\u103a"
    "\u1714\u1715\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed]"
)
_ARABIC = "[\u0620-\u065f\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0710-\u077f\u08a0-\u08c7]"
_SEEN = "|".join(
    [
        rf"\U0001f3f4(?:{_FLAGS})",  # the flags of England, Scotland and Wales: no others are in use
        _PICTURES,  # families, skin tones, professions: https://www.unicode.org/reports/tr51/
        r"[0-9#*]\ufe0f\u20e3",  # keycaps
        rf"{_VIRAMA}[\u200c\u200d]",  # in Indic scripts: https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1
        rf"{_ARABIC}\u200c(?={_ARABIC})",  # between letters of Persian words, as in the same appendix
    ]
)
_PATTERN = re.compile(f"{_SEEN}|([{_HIDDEN}{_NONCHARACTERS}])")

SHOWN = (
    f"^(?:[^{_PICTURE[1:-1]}{_VIRAMA[1:-1]}{_ARABIC[1:-1]}0-9#*{_HIDDEN}{_NONCHARACTERS}]"
    f"|\U0001f3f4(?:{_FLAGS})|{_PICTURES}|[0-9#*](?:\ufe0f\u20e3)?|{_VIRAMA}[\u200c\u200d]?"
    f"|{_ARABIC}(?:\u200c{_ARABIC})*)*$"
)
"""A whole text without hidden characters, for the published JSON Schema: each alternative begins with other characters,
and none looks ahead, so that every validator can use it and none backtracks."""

_SPACE = re.compile(r"\s+")


def reveal(text: str) -> str:
    """Replace each hidden character with U+FFFD. Line breaks, tabs and emoji stay as they are."""
    return _PATTERN.sub(lambda found: REPLACEMENT if found[1] else found[0], text)


def hidden_in(text: str) -> str | None:
    """Name the first hidden character and its place for the author: `U+200B zero width space at character 12`."""
    for found in _PATTERN.finditer(text):
        if found[1]:
            called = name(found[1], "control character" if found[1] < "\xa0" else "invisible character")
            return f"U+{ord(found[1]):04X} {called.lower()} at character {found.start() + 1}"
    return None


def one_line(text: str, most: int = MAX_NAME) -> str:
    """Return a name as one line of at most `most` characters, with its hidden characters revealed."""
    line = _SPACE.sub(" ", text).strip()
    return reveal(line if len(line) <= most else f"{line[: most - 1]}…")  # last, since a cut may part an emoji


def escape_hidden(text: str) -> str:
    """Return a JSON text with its hidden characters escaped: the same values, but safe on a terminal."""
    return _PATTERN.sub(lambda found: json.dumps(found[1])[1:-1] if found[1] else found[0], text)


def log_json(record: object) -> str:
    """Return a log record as JSON on one line, with hidden characters escaped: people read logs on terminals."""
    return escape_hidden(json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str))
