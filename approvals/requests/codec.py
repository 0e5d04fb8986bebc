"""A request as JSON, in the state machine's PascalCase: how it is read once it is known to be valid, and written.

`read(write(request))` is the same request: so the table stores what the author could have sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

import rfc8785

from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.model import Action, Json, MoreTime, OnTimeout, Presence, Request, Severity

KEY = "Approval"
"""The key of the execution's input that holds the request; the rest of the input is context."""

RESULT_KEY = "Result"
"""Where an earlier approval of the same input left its result: not a part of the request."""


_MINUTE = timedelta(minutes=1)


def read(
    asked: Mapping[str, Any], *, default_timeout: timedelta, context: Mapping[str, Json] | None, digest: str
) -> Request:
    """The request in a valid `Approval` object. `None` stands for what is left out."""
    given = {key: value for key, value in asked.items() if value is not None}
    timeout = _minutes(given["TimeoutMinutes"]) if "TimeoutMinutes" in given else default_timeout
    escalate_after = given.get("EscalateAfterMinutes")
    return Request(
        title=_stripped(given.get("Title")),
        details=_stripped(given.get("Details")),
        links=tuple((link["Label"].strip(), link["Url"].strip()) for link in given.get("Links", ())),
        facts=tuple((fact["Label"].strip(), _shown(fact["Value"])) for fact in given.get("Facts", ())),
        requested_by=_stripped(given.get("RequestedBy")),
        severity=Severity(given.get("Severity", Severity.NORMAL)),
        approvers=_names(given.get("Approvers")),
        required_approvals=int(given.get("RequiredApprovals", 1)),
        required_rejections=int(given.get("RequiredRejections", 1)),
        allow_self_approval=given.get("AllowSelfApproval", False),
        notify=_names(given.get("Notify")),
        channel=_stripped(given.get("Channel")),
        comments={
            action: Presence((given.get("Comment") or {}).get(action.capitalize()) or Presence.OPTIONAL)
            for action in Action
        },
        form=tuple(_field(field) for field in given.get("Form", ())),
        timeout=timeout,
        on_timeout=OnTimeout(given.get("OnTimeout", OnTimeout.EXPIRE)),
        reminders=_reminders(given.get("Reminders"), timeout),
        escalate_to=_names(given.get("EscalateTo")),
        escalate_after=_minutes(escalate_after) if escalate_after is not None else None,
        more_time=_more_time(given.get("MoreTime") or {}, timeout),
        context=context,
        digest=digest,
    )


def write(request: Request) -> dict[str, Json]:
    """The `Approval` object that says all that the request says, and leaves out what was left out."""
    written: dict[str, Json] = {
        "Title": request.title,
        "Details": request.details,
        "Links": [{"Label": label, "Url": url} for label, url in request.links],
        "Facts": [{"Label": label, "Value": value} for label, value in request.facts],
        "RequestedBy": request.requested_by,
        "Severity": request.severity.value,
        "Approvers": list(request.approvers),
        "RequiredApprovals": request.required_approvals,
        "RequiredRejections": request.required_rejections,
        "AllowSelfApproval": request.allow_self_approval,
        "Notify": list(request.notify),
        "Channel": request.channel,
        "Comment": {action.capitalize(): presence.value for action, presence in request.comments.items()},
        "Form": [_written_field(field) for field in request.form],
        "TimeoutMinutes": request.timeout // _MINUTE,
        "OnTimeout": request.on_timeout.value,
        "Reminders": [after // _MINUTE for after in request.reminders],
        "EscalateTo": list(request.escalate_to),
        "EscalateAfterMinutes": request.escalate_after // _MINUTE if request.escalate_after else None,
        "MoreTime": {"Times": request.more_time.times, "Minutes": request.more_time.by // _MINUTE},
    }
    return {key: value for key, value in written.items() if value not in (None, [])}


def fingerprint(execution_input: Mapping[str, Json]) -> str:
    """Return the SHA-256 of what is asked, as 64 hex digits: of the input as canonical JSON, without an earlier result.

    `Approval` is an object even where it was left out. So a later state, whose input is this one with the result added,
    can compute it again: docs/audit.md shows how.
    """
    asked = execution_input.get(KEY)
    request = {key: value for key, value in asked.items() if key != RESULT_KEY} if isinstance(asked, dict) else {}
    return sha256(canonical({**execution_input, KEY: request}).encode()).hexdigest()


def canonical(value: Json) -> str:
    """Return the value as canonical JSON (RFC 8785), except that integers keep all their digits.

    The RFC writes a number as an IEEE double, so two ids that differ beyond 2**53 would have one digest: large ids are
    common, and approvers are shown all digits. For the same reason `rfc8785` refuses them.
    """
    match value:
        case dict():
            # The RFC sorts by UTF-16 units.
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return f"{{{','.join(f'{canonical(key)}:{canonical(value[key])}' for key in keys)}}}"
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            return rfc8785.dumps(value).decode()


def _field(asked: Mapping[str, Any]) -> FormField:
    given = {key: value for key, value in asked.items() if value is not None}
    name = given["Name"].strip()
    return FormField(
        name=name,
        label=given.get("Label", name).strip(),
        type=FieldType(given["Type"]),
        default=_default(given.get("Default")),
        required=given.get("Required", False),
        choices=_names(given.get("Choices")),
        minimum=given.get("Minimum"),
        maximum=given.get("Maximum"),
        max_length=int(given.get("MaxLength", 3000)),
    )


def _default(value: FormValue | None) -> FormValue | None:
    return value.strip() if isinstance(value, str) else value


def _written_field(field: FormField) -> Json:
    written: dict[str, Json] = {
        "Name": field.name,
        "Label": field.label,
        "Type": field.type.value,
        "Default": field.default,
        "Required": field.required,
        "Choices": list(field.choices),
        "Minimum": field.minimum,
        "Maximum": field.maximum,
        "MaxLength": field.max_length,
    }
    return {key: value for key, value in written.items() if value not in (None, [])}


def _reminders(asked: str | list[float] | None, timeout: timedelta) -> tuple[timedelta, ...]:
    if asked is None:
        return ()
    if isinstance(asked, str):
        minutes = {math.ceil(timeout * part / _MINUTE) for part in (0.5, 0.75)}
        return tuple(sorted(_minutes(each) for each in minutes if _minutes(each) < timeout))
    return tuple(sorted(_minutes(each) for each in asked))


def _more_time(asked: Mapping[str, Any], timeout: timedelta) -> MoreTime:
    times, minutes = asked.get("Times"), asked.get("Minutes")
    return MoreTime(1 if times is None else int(times), timeout if minutes is None else _minutes(minutes))


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=int(number))


def _names(asked: list[str] | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in asked or ())


def _stripped(text: str | None) -> str | None:
    return text.strip() if text is not None else None


def _shown(value: str | float) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)
