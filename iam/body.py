"""The signed body of a call: which request, exactly as the person saw it, and what they respond."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from approvals.domain.form_fields import FormValue
from approvals.domain.judgement import Override, Withdrawal
from approvals.domain.model import Action, Approval, Response
from approvals.domain.people import Approver
from approvals.domain.pinned_policy import PolicyVersion
from approvals.domain.policy import Policy
from approvals.domain.signed_links import is_approval_id
from iam.addresses import without_path

MAX_BODY = 800 * 1024
"""Characters of a body. A comment and 20 fields need less. Longer bodies are not parsed."""

WITHDRAW: Final = "withdraw"
OVERRIDES = {f"override-{action.value}": action for action in Action}
"""The actions of overrides, and what each decides. Its `Comment` is the reason."""

ACTIONS = (*Action, WITHDRAW, *OVERRIDES)

MAX_FIELDS = 20
"""Fields of a form: as many as a request may have."""

_KEYS = ("ApprovalId", "Digest", "Action", "Comment", "Form", "Seen", "Confirmed")
_SEEN_KEYS = ("Form", "Withdrawn")
_FORM_KEY = re.compile("(?:[0-9a-f]{16})?")


class BodyError(Exception):
    """The body can't be read. The message names the key and the expected value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedResponse:
    """What a person signed.

    `digest` is that of the request that they were shown. `form_key` names the values of the form that they were shown
    (`form_changes.form_key`), `withdrawn` is the number of responses that were withdrawn or reset by then.
    `confirmed` is the second confirmation that a request of high severity needs.
    """

    approval_id: str
    digest: str
    action: str
    comment: str | None = None
    form: Mapping[str, FormValue] = field(default_factory=dict)
    form_key: str = ""
    withdrawn: int = 0
    confirmed: bool = False

    @property
    def is_override(self) -> bool:
        """Return True if the person decides alone."""
        return self.action in OVERRIDES

    @property
    def is_approval(self) -> bool:
        """Return True if this approves, alone or with others."""
        return OVERRIDES.get(self.action, self.action) == Action.APPROVE

    def override(self, approver: Approver, at: datetime, policy: Policy | None) -> Override:
        """Return the override for the approver, under today's policy. Without one, no role may override."""
        return Override(
            approver=approver,
            action=OVERRIDES[self.action],
            at=at,
            reason=self.comment,
            form=self.form,
            roles=tuple(without_path(role) for role in policy.override_roles) if policy else (),
            policy=PolicyVersion(
                parameter=policy.parameter if policy else "",
                version=policy.version if policy else 0,
                sha256=policy.sha256 if policy else "",
            ),
        )

    def event(self, approver: Approver, at: datetime) -> Response | Withdrawal:
        """Return the event for the approver. Its key lets the same body change something only once."""
        key = f"{'withdraw' if self.action == WITHDRAW else 'respond'}:{self.withdrawn}"
        if self.action == WITHDRAW:
            return Withdrawal(approver, at, key)
        return Response(
            approver=approver,
            action=Action(self.action),
            at=at,
            comment=self.comment,
            form=self.form,
            key=key,
            seen=self.form_key,
        )


def withdrawn_count(approval: Approval) -> int:
    """Return how many responses were withdrawn, reset or made void, and how often it was asked again.

    That is `Seen.Withdrawn`.
    """
    return sum(response.withdrawn_at is not None for response in approval.responses) + len(approval.asked_again)


def read_body(event: Mapping[str, Any]) -> SignedResponse:
    """Return what the body of API Gateway's event says. Raise `BodyError`."""
    sent = _object(_parsed(event), "The body", _KEYS)
    seen = _object(sent.get("Seen") or {}, "Seen", _SEEN_KEYS)
    action = sent.get("Action")
    if action not in ACTIONS:
        raise BodyError(f"Action: expected {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}.")
    approval_id = _text(sent, "ApprovalId")
    if not is_approval_id(approval_id):
        raise BodyError("ApprovalId: expected the ID of an approval.")
    withdrawn = seen.get("Withdrawn", 0)
    if isinstance(withdrawn, bool) or not isinstance(withdrawn, int) or not 0 <= withdrawn < 1000:  # noqa: PLR2004
        raise BodyError("Seen.Withdrawn: expected a whole number.")
    form_key = seen.get("Form") or ""
    if not isinstance(form_key, str) or not _FORM_KEY.fullmatch(form_key):
        raise BodyError("Seen.Form: expected 16 hex digits, or nothing.")
    if not isinstance(sent.get("Confirmed", False), bool):
        raise BodyError("Confirmed: expected true or false.")
    return SignedResponse(
        approval_id=approval_id,
        digest=_text(sent, "Digest"),
        action=str(action),
        comment=_comment(sent),
        form=_form(sent),
        form_key=form_key,
        withdrawn=withdrawn,
        confirmed=sent.get("Confirmed", False),
    )


def _parsed(event: Mapping[str, Any]) -> Any:
    body = event.get("body") or ""
    if len(body) > MAX_BODY:
        raise BodyError("The body is too long.")
    try:
        raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        sent = json.loads(raw.decode(), parse_constant=_refuse, object_pairs_hook=_unique)
        json.dumps(sent, ensure_ascii=False).encode()  # Half of a surrogate pair can't be sent back.
    except (ValueError, RecursionError):
        raise BodyError("The body: expected JSON in UTF-8, with each key once.") from None
    return sent


def _object(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BodyError(f"{where}: expected an object.")
    if unknown := [key for key in value if key not in keys]:
        raise BodyError(f"{where}: unknown key {json.dumps(unknown[0][:60])}. Known keys are {', '.join(keys)}.")
    return value


def _text(sent: Mapping[str, Any], key: str) -> str:
    value = sent.get(key)
    if not isinstance(value, str) or not value:
        raise BodyError(f"{key}: expected a text.")
    return value


def _comment(sent: Mapping[str, Any]) -> str | None:
    value = sent.get("Comment")
    if value is not None and not isinstance(value, str):
        raise BodyError("Comment: expected a text.")
    return (value or "").replace("\r\n", "\n").strip() or None


def _form(sent: Mapping[str, Any]) -> dict[str, FormValue]:
    value = sent.get("Form") or {}
    if not isinstance(value, dict):
        raise BodyError("Form: expected an object.")
    if len(value) > MAX_FIELDS:
        raise BodyError(f"Form: expected at most {MAX_FIELDS} fields.")
    for name, answer in value.items():
        if not isinstance(answer, str | int | float):
            raise BodyError(f"Form.{name[:60]}: expected a text, a number, true or false.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(constant)
