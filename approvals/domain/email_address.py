"""Compare email addresses as names of people."""

from __future__ import annotations


def canonical(name: str) -> str:
    """Return the form by which an email address is compared: `Ann+x@Example.com.` is `ann@example.com`.

    Letter case, a sub-address (`+tag`) and the dot after a domain do not make another person. Rules of one provider do
    not apply: dots in a Gmail address, googlemail.com for gmail.com, an alias in a directory. A name that is not an
    address, such as a user ID, only loses its letter case.

    Source: https://www.rfc-editor.org/rfc/rfc5233 (sub-addresses)
    """
    local, at, domain = name.strip().casefold().rpartition("@")
    if not at:
        return domain
    person, _, _tag = local.partition("+")
    return f"{person or local}@{domain.rstrip('.')}"


def is_same(one: str, other: str) -> bool:
    """Return True if two names, email addresses or others, mean the same person. No person has the empty name."""
    return bool(one) and canonical(one) == canonical(other)
