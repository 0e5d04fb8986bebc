"""What emails have room for. Standard library only."""

from __future__ import annotations

from dataclasses import replace

from approvals.domain.omissions import Surface


def email_size(text: str) -> int:
    """Return what a text takes in an email: UTF-8 bytes, and the bars before its wrapped lines."""
    return len(text.encode(errors="surrogatepass")) + len(text) // 4


EMAIL_BODY = Surface(64_000, email_size, part=60, row=40, block=10, group=0, run=0, style=4, line=24, form=False)
"""An email. Gmail hides all beyond 102 KB of one.

Source: https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html
"""

TITLE_ALONE = replace(EMAIL_BODY, room=0)
"""An entry of a digest."""
