"""The form of email addresses. Standard library only."""

from __future__ import annotations

import re
from typing import Final

EMAIL: Final = "email"
"""The channel's name in records, results and events."""

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
ADDRESS = rf"[a-zA-Z0-9_.+'-]+@(?:{_LABEL}\.)+[a-zA-Z][a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9]"
"""The template's own pattern for `Email`. The domain has no empty label and ends in a name: to a mail server
`a@example.com.` may be the same as `a@example.com`, and it would be another person here.
"""

_ADDRESS = re.compile(ADDRESS)


def is_email(text: str) -> bool:
    """Return True if the text has the form of an email address."""
    return _ADDRESS.fullmatch(text) is not None
