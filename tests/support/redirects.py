"""Reads the redirect of a single GET."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        return None


def location(link: str) -> tuple[int, str]:
    """Return the status and the location of a single GET."""
    with pytest.raises(urllib.error.HTTPError) as redirect:
        urllib.request.build_opener(NoRedirect).open(link, timeout=30)
    redirect.value.close()
    return redirect.value.code, redirect.value.headers["Location"]
