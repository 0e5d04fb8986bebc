"""Addresses that may stand in a link: http and https, and nothing that shows one host and leads to another."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"https?://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?", re.IGNORECASE
)
"""Nothing but these in a host: no user name before an @, no backslash, no percent-encoding, no letters beyond ASCII."""

_PLAIN = re.compile(r"[\x21-\x7e]+")
_ENDS_A_LINK = frozenset("<>|\"'\\")
"""What would end a link on some surface, or what a browser reads as another character."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_MAX_HOST = 253
_MAX_PORT = 65_535


def host_of(text: str) -> str | None:
    """Return the host that a link to this address leads to, with its port; None if the text is no such address.

    An address is ASCII, as RFC 3986 has it: a host in another script is written in punycode, all else percent-encoded.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or not _PLAIN.fullmatch(text) or _ENDS_A_LINK.intersection(text):
        return None
    host, port = found["host"].lower(), found["port"]
    if not _is_host(host) or (port and int(port) > _MAX_PORT):
        return None
    return f"{host}:{port}" if port else host


def is_address(text: str) -> bool:
    """Return True if the text is an http or https address that can stand in a link without being changed."""
    return host_of(text) is not None


def labelled(label: str, url: str) -> str:
    """Return a link's label with the host that it leads to: a label may say anything, even another address."""
    host = host_of(url)
    return f"{label} ({host})" if host else label


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return _is_ipv6(host[1:-1])
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # Browsers read such a host as an IPv4 address, in any spelling: https://url.spec.whatwg.org/#concept-host-parser
        return _IPV4.fullmatch(host) is not None
    return len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # noqa: PLC0415 hardly any request pays for it

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
