"""Records as earlier versions wrote them, brought into today's shape: an upgrade breaks no open approval.

Nothing is rewritten in the table. A record keeps what was true when it was requested: everyone who was asked may
respond, the requester too, once and without a form. tests/e2e/upgrade has such records, as those versions wrote them.

The other way round, `..._beside` write today's records so that the version before reads them, too: its functions still
run while a new version is deployed, and again after a rollback. Delete these functions in the release after 0.2, but
keep what reads: open approvals live for a year.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from approvals.domain.model import Delivery, Request

Item = Mapping[str, Any]

_ANYBODY: Item = {"approvers": [], "escalation": [], "requester": None, "known": [], "complete": True}

ASKED = ("title", "details", "requested_by", "timeout_minutes")
"""The parts that a request had in the place of `asked`."""

ASKED_IN_GROUPS = "asked_in_groups"
"""The name of `asked` in a request with groups. Versions that know no groups can't read the record: they would decide
without them. They say so, and leave it alone until a newer version runs again."""

ASKED_WITH_ACTION = "asked_with_action"
"""The name of `asked` in a request with an action, for the same reason: they would not show it to its approvers."""

DELIVERIES = ("slack_message", "direct_messages")
"""What records had in the place of `deliveries`: the channel's message, and those to single people."""

_ADDED: Item = {
    "people": _ANYBODY,
    "refusals": [],
    "extensions": [],
    "reminded": 0,
    "escalated_at": None,
}
"""What came later, as it would have been. Today's records have all of it, if only as null."""


def current(item: Item) -> dict[str, Any]:
    """Return the item as this version would have written it."""
    responses = [_response(response) for response in item["responses"]]
    request, people = _request(item["request"]), _people(item.get("people", _ANYBODY))
    found = {"request": request, "responses": responses, "people": people, "deliveries": _deliveries(item)}
    return {**_ADDED, **item, **found}


def name_of_asked(request: Request) -> str:
    """Return the name of `asked`: one that versions don't know which could not keep to all of it."""
    if request.action is not None:
        return ASKED_WITH_ACTION
    return ASKED_IN_GROUPS if request.groups else "asked"


def deliveries_beside(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Return the attributes of a record by which the version before knows its messages."""
    slack = [each for each in deliveries if each.channel == "slack"]
    direct, posted = ([_slack_message(each) for each in slack if bool(each.to) is alone] for alone in (True, False))
    return {"direct_messages": direct, **({"slack_message": posted[-1]} if posted else {})}


def delivery_beside(delivery: Delivery) -> tuple[list[str], dict[str, Any]]:
    """Return what stores one more message for the version before: parts of an update, and their values."""
    if delivery.channel != "slack":
        return [], {}
    if not delivery.to:
        return ["slack_message = :message"], {"message": _slack_message(delivery)}
    put = "direct_messages = list_append(if_not_exists(direct_messages, :none), :direct)"
    return [put], {"direct": [_slack_message(delivery)]}


def people_beside(people: Item) -> dict[str, Any]:
    """Return the people with the attributes by which the version before knows them."""
    lists = {name: [_person_beside(person) for person in people[name]] for name in ("approvers", "escalation")}
    requester = _person_beside(people["requester"]) if people["requester"] else None
    return {**people, **lists, "requester": requester, "known": []}


def _person_beside(person: Item) -> Item:
    identities = person["identities"]
    return {**person, "email": identities.get("email", ""), "slack_id": identities.get("slack", "")}


def _slack_message(delivery: Delivery) -> Item:
    found = {"channel": delivery.place, "ts": delivery.id, "workspace": delivery.realm, "user": delivery.to}
    return {name: value for name, value in found.items() if value}


def _deliveries(item: Item) -> list[Item]:
    """Return all messages once: a record can have some from either version."""
    found = list(item.get("deliveries", ()))
    known = {(each["channel"], each["place"], each["id"]) for each in found}
    message = item.get("slack_message")
    for each in (*([message] if message else []), *item.get("direct_messages", ())):
        if ("slack", each["channel"], each["ts"]) not in known:
            at = {"place": each["channel"], "id": each["ts"], "to": each.get("user", "")}
            found.append({"channel": "slack", **at, "realm": each.get("workspace", "")})
    return found


def _people(people: Item | None) -> Item | None:
    if people is None:
        return None
    lists = {name: [_person(person) for person in people[name]] for name in ("approvers", "escalation")}
    return {**people, **lists, "requester": _person(people["requester"]) if people["requester"] else None}


def _person(person: Item) -> Item:
    if "identities" in person:
        return person
    identities = {"email": person.get("email", ""), "slack": person.get("slack_id", "")}
    return {**person, "identities": {channel: name for channel, name in identities.items() if name}}


def _request(request: Item) -> Item:
    for name in (ASKED_WITH_ACTION, ASKED_IN_GROUPS):
        if name in request:
            return {**request, "asked": request[name]}
    if "asked" in request:
        return request
    asked = {
        "Title": request["title"],
        "Details": request["details"],
        "RequestedBy": request["requested_by"],
        "TimeoutMinutes": int(request["timeout_minutes"]),
        "AllowSelfApproval": True,
        "MoreTime": {"Times": 0},
    }
    return {**request, "asked": json.dumps(asked), "digest": ""}


def _response(response: Item) -> Item:
    return {"form": "{}", "person": response["approver"]["id"], "withdrawn_at": None, **response}
