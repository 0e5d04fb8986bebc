"""Check the addresses of links: http and https, and none that shows one host and leads to another."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

_ADDRESS = re.compile(
    r"https?://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?", re.IGNORECASE
)
"""A host has no user name before an @, no backslash, no percent-encoding and no letters beyond ASCII."""

_PLAIN = re.compile(r"[\x21-\x7e]+")
_ENDS_A_LINK = frozenset("<>|\"'\\")
"""Characters that end a link on some surface, or that a browser reads as other characters."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_MAX_HOST = 253
_MAX_PORT = 65_535


def host_of(text: str) -> str | None:
    """Return the host of an address, with its port; None if the text is not an address for a link.

    An address is ASCII (RFC 3986): a host in another script is in punycode, everything else is percent-encoded.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or not _PLAIN.fullmatch(text) or _ENDS_A_LINK.intersection(text):
        return None
    host, port = found["host"].lower(), found["port"]
    if not _is_host(host) or (port and int(port) > _MAX_PORT):
        return None
    return f"{host}:{port}" if port else host


def is_address(text: str) -> bool:
    """Return True if the text is an http or https address that a link can have unchanged."""
    return host_of(text) is not None


def label_with_host(label: str, url: str) -> str:
    """Return a link's label with its host: a label may say anything, even another address."""
    host = host_of(url)
    return f"{label} ({host})" if host else label


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ip(IPv6Address, host[1:-1])
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Browsers read such a host as an IPv4 address, in any spelling: https://url.spec.whatwg.org/#concept-host-parser
        return _is_ip(IPv4Address, host)
    return len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _is_ip(kind: type[IPv4Address | IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True
