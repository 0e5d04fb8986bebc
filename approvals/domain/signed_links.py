"""Ids, keys and capability links. Standard library only.

A link's `sig` is an HMAC-SHA256 over (approval id, recipient) with a random key that is kept in the approval's record:
so a link names its recipient, needs no key store, and dies with the record. A recipient is an address, or a user's id
and name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b32encode
from urllib.parse import urlencode

from approvals.domain.model import Action, Approval
from approvals.domain.people import Approver
from approvals.domain.profiles import channel_of

MAX_QUERY = 700
"""Characters of a query. Email programs fold lines beyond 998 octets, which breaks a link."""

_SHORT_NAME = 10
"""Characters of a name in a query that would be longer: each takes up to 12."""

ALL_SHOWN = "all"
"""The field that marks a link beside which all of the request stands. It is not signed: a link without it is safe."""

_BYTES = 20
"""160 bits of each digest are kept: 32 base32 characters, which no email program breaks or trims."""

_ID = re.compile(r"[a-z2-7]{32}")
_GUEST = "/guest"
_OUTSIDE = "/outside"
_LINK = "link"
"""The channel of a recipient that no channel of this version knows."""


def approval_id(task_token: str) -> str:
    """Return the approval's id: 32 characters [a-z2-7] of the token's SHA-256. Equal tokens give equal ids."""
    return _short(hashlib.sha256(task_token.encode()).digest())


def is_approval_id(text: str) -> bool:
    """Return True if the text has the form of an approval's id."""
    return _ID.fullmatch(text) is not None


def new_link_key() -> bytes:
    """Return a fresh random key (32 bytes) for one approval's links."""
    return secrets.token_bytes(32)


def sign(approval: Approval, recipient: str) -> str:
    """Return the signature of the recipient's links: 32 characters [a-z2-7].

    Raise `ValueError` for an approval that was read without its key: anyone could sign with an empty one.
    """
    if not approval.link_key:
        raise ValueError(f"approval {approval.id} was read without its link key")
    # The id has a fixed length, so no other (id, recipient) pair gives the same message.
    message = f"{approval.id}:{recipient}".encode()
    return _short(hmac.digest(approval.link_key, message, "sha256"))


def verify(approval: Approval, recipient: str, signature: str) -> bool:
    """Return True if the signature is the recipient's own, compared in constant time."""
    return hmac.compare_digest(sign(approval, recipient).encode(), signature.encode())


def signed_recipient(approval: Approval, named: str, signature: str) -> str | None:
    """Return the recipient that a link names, or None if the signature is not theirs.

    Some gateways and email filters decode a query twice, so the `+` of an email address arrives as a blank.
    """
    return next((each for each in (named, named.replace(" ", "+")) if verify(approval, each, signature)), None)


def link(approval: Approval, action: Action, recipient: str, *, base_url: str, all_shown: bool = False) -> str:
    """Return the URL that lets the recipient answer. `base_url` has no slash at its end.

    `all_shown` says that all of the request stands beside the link: only then may it answer by itself, where the stack
    is set so (`EmailLinkMode=one-click`). Any other link opens the page first.
    """
    marked = f"&{ALL_SHOWN}=1" if all_shown else ""
    return f"{base_url}/execution?{query(approval, action, recipient)}{marked}"


def query(approval: Approval, action: Action, recipient: str) -> str:
    """Return the query of the recipient's link. Names that nothing reads are cut if they make it long."""
    fields = {
        "action": action.value,
        "ex": approval.workflow.execution_name,
        "sm": approval.workflow.state_machine_name,
        "id": approval.id,
        "to": recipient,
        "sig": sign(approval, recipient),
    }
    whole = urlencode(fields)
    if len(whole) <= MAX_QUERY:
        return whole
    return urlencode(fields | {name: fields[name][:_SHORT_NAME] for name in ("ex", "sm")})


def user_recipient(user_id: str, name: str, *, member: bool, in_place: bool = True) -> str:
    """Return the recipient of a link that is handed to a user of a channel. No address has a blank.

    `member` says whether they are a full member of its realm, no guest: guests respond only where they are named.
    `in_place` says whether they read the place where the request was posted.
    """
    return f"{user_id}{'' if member else _GUEST}{'' if in_place else _OUTSIDE} {name}"


def is_in_place(recipient: str) -> bool:
    """Return False for a recipient who does not read the place where the request was posted."""
    return not recipient.partition(" ")[0].endswith(_OUTSIDE)


def approver_of(approval: Approval, recipient: str) -> Approver:
    """Return the approver who responds through a link: its recipient.

    Links are handed to users of the realm alone that was asked. Before a delivery is on record it is not known.
    """
    user, blank, name = recipient.partition(" ")
    user = user.removesuffix(_OUTSIDE)
    user_id = user.removesuffix(_GUEST)
    channel = channel_of(user_id if blank else recipient)
    if not (blank and channel):
        return Approver(id=recipient, name=recipient, channel=channel or _LINK)
    realm = next((each.realm for each in approval.deliveries if each.channel == channel), "")
    return Approver(id=user_id, name=name or user_id, channel=channel, realm=realm, member=user == user_id)


def _short(digest: bytes) -> str:
    return b32encode(digest[:_BYTES]).decode().lower()
