r"""Write the patterns of request.schema.json, from the expressions of the code: `python -m scripts.schema_patterns`.

A test fails while the schema has others. They look neither ahead nor behind and use no class that programs read
differently (such as `\s`), so that validators in every language can compile them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from approvals.domain.characters import SHOWN
from bot.addresses import GROUP, PLACE, USER
from iam.addresses import ROLE
from mail.addresses import ADDRESS

SCHEMA = Path(__file__).parents[1] / "approvals/requests/request.schema.json"

_BLANK_IN_LINES = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
BLANK = rf"\t\n\r{_BLANK_IN_LINES}"
"""White space that is not hidden: what Python's `str.strip` drops."""

_MARKS = r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
"""The blocks of combining diacritical marks: alone, they are no text."""

_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_END = "(?:[A-Za-z_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?|-[A-Za-z0-9_-]*[A-Za-z0-9_])"
"""The rest of a label behind its digits. A last label of digits alone, or of `0x` and hex digits, is no name."""
_LAST = (
    "(?:[A-Za-z_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    f"|(?:[1-9][0-9]*|0[0-9]+){_END}"
    "|0(?:[A-WYZa-wyz_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?|-[A-Za-z0-9_-]*[A-Za-z0-9_])"
    "|0[xX][0-9A-Fa-f]*(?:[G-Zg-z_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?|-[A-Za-z0-9_-]*[A-Za-z0-9_]))"
)
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = "[0-9A-Fa-f]{1,4}"
_LS32 = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    [
        f"(?:{_H16}:){{6}}{_LS32}",
        f"::(?:{_H16}:){{5}}{_LS32}",
        *(f"(?:(?:{_H16}:){{0,{before}}}{_H16})?::(?:{_H16}:){{{4 - before}}}{_LS32}" for before in range(5)),
        f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    ]
)
"""Source: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2"""
_PORT = "(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_REST = r"[!#-&(-;=?-\[\]-{}~]"
"""Printable ASCII without what ends a link: `<`, `>`, `|`, quotes and the backslash."""
_URL = rf"[Hh][Tt][Tt][Pp][Ss]?://(?:\[(?:{_IPV6})\]|{_IPV4}|(?:{_LABEL}\.)*{_LAST})(?::{_PORT})?(?:[/?#]{_REST}*)?"


def patterns() -> dict[str, str]:
    """Return the patterns of the definitions, by name."""
    return {
        "shown": _published(SHOWN),
        "text": f"[^{BLANK}{_MARKS}]",
        "line": rf"^[{BLANK}]*[{_BLANK_IN_LINES}{_MARKS}]*[^{BLANK}{_MARKS}](?:[^\n\r\t]*[^{BLANK}])?[{BLANK}]*$",
        "url": f"^{_URL}$",  # without blanks around it, as `format` has it
        "group": _alone("[a-z][a-z0-9-]{0,39}"),
        "clock": _alone("(?:[01][0-9]|2[0-3]):[0-5][0-9]"),
        "zone": _alone("[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*"),
        "name": _alone("[A-Za-z_][A-Za-z0-9_]*"),
        "person": _alone(f"(?:{ADDRESS}|{USER})"),
        "approver": _alone(f"(?:{ADDRESS}|{USER}|{GROUP}|{ROLE})"),
        "channel": _alone(PLACE),
    }


def written(text: str) -> str:
    """Return the schema's text with these patterns."""
    for name, pattern in patterns().items():
        value = json.dumps(pattern).replace("\\", r"\\")
        text = re.sub(rf'("{name}": \{{ [^\n]*"pattern": )"[^\n]*"( \}})', rf"\1{value}\2", text)
    return text


def _alone(pattern: str) -> str:
    return f"^[{BLANK}]*{pattern}[{BLANK}]*$"


def _published(pattern: str) -> str:
    """Return the pattern in ASCII up to U+FFFF: as escapes, halves of surrogate pairs are JSON for every program."""
    return "".join(each if " " <= each <= "~" or each > "\uffff" else f"\\u{ord(each):04x}" for each in pattern)


if __name__ == "__main__":
    SCHEMA.write_text(written(SCHEMA.read_text()))
