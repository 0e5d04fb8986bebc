"""Read and write a request as JSON, in the state machine's PascalCase.

`read(write(request))` is the same request: the table stores what the author could have sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import time, timedelta
from hashlib import sha256
from typing import Any

import rfc8785

from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.grants import GrantTerms
from approvals.domain.groups import Group
from approvals.domain.model import Action, Json, MoreTime, OnTimeout, Presence, Request, RequestKind, Severity
from approvals.domain.working_hours import DAYS, WorkingHours

KEY = "Approval"
"""The key of the execution's input that holds the request. The rest of the input is context."""

RESULT_KEY = "Result"
"""The key under which an earlier approval of the same input left its result. It is not part of the request."""

_MINUTE = timedelta(minutes=1)


def _key(field: str) -> str:
    return field.title().replace("_", "")


_PLAIN_TYPES = ("str | None", "int", "bool", "tuple[str, ...]")
_PLAIN = {_key(each.name): each.name for each in fields(Request) if each.type in _PLAIN_TYPES}
"""The keys of fields of these types, by their names. The codec reads and writes them without code for each."""

_GROUP = [each.name for each in fields(Group)]
_FORM_FIELDS = [each.name for each in fields(FormField)]


def read(
    asked: Mapping[str, Any], *, default_timeout: timedelta, context: Mapping[str, Json] | None, digest: str
) -> Request:
    """Return the request in a valid `Approval` object. None counts as left out."""
    given = _given(asked)
    timeout = _minutes(given["TimeoutMinutes"]) if "TimeoutMinutes" in given else default_timeout
    escalate_after = given.get("EscalateAfterMinutes")
    comments = given.get("Comment", {})
    groups = tuple(map(_group, given.get("Groups", ())))
    plain = {name: _plain(given[key]) for key, name in _PLAIN.items() if key in given}
    # "One of each group" means different people, unless the author says otherwise.
    plain.setdefault("required_approvals", max(1, sum(group.required for group in groups)))
    return Request(
        **plain,
        groups=groups,
        links=tuple((link["Label"].strip(), link["Url"].strip()) for link in given.get("Links", ())),
        facts=tuple((fact["Label"].strip(), _text(fact["Value"])) for fact in given.get("Facts", ())),
        action=given.get("Action"),
        grant=_grant(given["Grant"]) if "Grant" in given else None,
        kind=RequestKind(given.get("Kind", RequestKind.APPROVAL)),
        severity=Severity(given.get("Severity", Severity.NORMAL)),
        comments={action: Presence(comments.get(action.capitalize()) or Presence.OPTIONAL) for action in Action},
        form=tuple(_field(field) for field in given.get("Form", ())),
        timeout=timeout,
        on_timeout=OnTimeout(given.get("OnTimeout", OnTimeout.EXPIRE)),
        reminders=_reminders(given.get("Reminders", []), timeout),
        remind_during=_working_hours(given["RemindDuring"]) if "RemindDuring" in given else None,
        escalate_after=_minutes(escalate_after) if escalate_after is not None else None,
        more_time=_more_time(given.get("MoreTime", {}), timeout),
        context=context,
        digest=digest,
    )


def write(request: Request) -> dict[str, Json]:
    """Return the `Approval` object of a request, without the keys that were left out."""
    # As it is: an action can be an empty list, which elsewhere stands for a key that was left out.
    action: dict[str, Json] = {} if request.action is None else {"Action": request.action}
    return action | _written(
        {
            **{key: getattr(request, name) for key, name in _PLAIN.items()},
            "Groups": [_written({_key(name): getattr(group, name) for name in _GROUP}) for group in request.groups],
            "Links": [{"Label": label, "Url": url} for label, url in request.links],
            "Facts": [{"Label": label, "Value": value} for label, value in request.facts],
            "Grant": _written_grant(request.grant) if request.grant else None,
            "Kind": request.kind.value,
            "Severity": request.severity.value,
            "Comment": {action.capitalize(): presence.value for action, presence in request.comments.items()},
            "Form": [_written({_key(name): getattr(field, name) for name in _FORM_FIELDS}) for field in request.form],
            "TimeoutMinutes": request.timeout // _MINUTE,
            "OnTimeout": request.on_timeout.value,
            "Reminders": [after // _MINUTE for after in request.reminders],
            "RemindDuring": write_hours(request.remind_during) if request.remind_during else None,
            "EscalateAfterMinutes": request.escalate_after // _MINUTE if request.escalate_after else None,
            "MoreTime": {"Times": request.more_time.times, "Minutes": request.more_time.by // _MINUTE},
        }
    )


def fingerprint(execution_input: Mapping[str, Json]) -> str:
    """Return the SHA-256, as 64 hex digits, of the input as canonical JSON, without an earlier result.

    `Approval` is an object even where it was left out: so a later state, whose input is this one with the result added,
    can compute the same digest. docs/audit.md shows how.
    """
    asked = execution_input.get(KEY)
    request = {key: value for key, value in asked.items() if key != RESULT_KEY} if isinstance(asked, dict) else {}
    return sha256(canonical({**execution_input, KEY: request}).encode()).hexdigest()


def canonical(value: Json) -> str:
    """Return the value as canonical JSON (RFC 8785), except that integers keep all their digits.

    The RFC writes a number as an IEEE double, so two IDs that differ beyond 2**53 would have one digest. Large IDs are
    common, and approvers see all digits. `rfc8785` refuses such integers.
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


def _group(asked: Mapping[str, Any]) -> Group:
    given = _given(asked)
    return Group(**{name: _plain(given[_key(name)]) for name in _GROUP if _key(name) in given})


def _grant(asked: Mapping[str, Any]) -> GrantTerms:
    given = _given(asked)
    return GrantTerms(uses=int(given.get("Uses", 1)), valid=_minutes(given.get("ValidMinutes", 60)))


def _written_grant(terms: GrantTerms) -> dict[str, Json]:
    return {"Uses": terms.uses, "ValidMinutes": terms.valid // _MINUTE}


def _field(asked: Mapping[str, Any]) -> FormField:
    given = _given(asked)
    name = given["Name"].strip()
    default = given.get("Default")
    return FormField(
        name=name,
        label=given.get("Label", name).strip(),
        type=FieldType(given["Type"]),
        default=default.strip() if isinstance(default, str) else default,
        required=given.get("Required", False),
        choices=_plain(given.get("Choices", [])),
        minimum=given.get("Minimum"),
        maximum=given.get("Maximum"),
        max_length=int(given.get("MaxLength", 3000)),
    )


def _reminders(asked: str | list[float], timeout: timedelta) -> tuple[timedelta, ...]:
    if isinstance(asked, str):  # "auto"
        minutes = {math.ceil(timeout * part / _MINUTE) for part in (0.5, 0.75)}
        return tuple(sorted(_minutes(each) for each in minutes if _minutes(each) < timeout))
    return tuple(sorted(_minutes(each) for each in asked))


def _working_hours(asked: Mapping[str, Any]) -> WorkingHours:
    days = {day.strip() for day in asked["Days"]}
    return WorkingHours(
        days=tuple(day for day in DAYS if day in days),
        start=time.fromisoformat(asked["From"].strip()),
        end=time.fromisoformat(asked["To"].strip()),
        zone=asked["TimeZone"].strip(),
    )


def write_hours(hours: WorkingHours) -> dict[str, Json]:
    """Return the hours as a request has them."""
    return {
        "Days": list(hours.days),
        "From": f"{hours.start:%H:%M}",
        "To": f"{hours.end:%H:%M}",
        "TimeZone": hours.zone,
    }


def _more_time(asked: Mapping[str, Any], timeout: timedelta) -> MoreTime:
    given = _given(asked)
    return MoreTime(int(given.get("Times", 1)), _minutes(given["Minutes"]) if "Minutes" in given else timeout)


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in asked.items() if value is not None}


def _written(values: Mapping[str, Any]) -> dict[str, Json]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
        if value not in (None, (), [])
    }


def _plain(value: Any) -> Any:
    match value:
        case str():
            return value.strip()
        case list():
            return tuple(name.strip() for name in value)
        case float():
            return int(value)  # Step Functions hands on 2 as 2.0 after some intrinsic functions.
        case _:
            return value


def _minutes(number: float) -> timedelta:
    return timedelta(minutes=int(number))


def _text(value: str | float) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)
