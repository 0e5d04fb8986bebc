"""The size of a record in DynamoDB, now and at most. A request whose responses could not be stored is refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from approvals.domain import comparison, rules
from approvals.domain.form_changes import MAX_CHANGES
from approvals.domain.forms import MAX_COMMENT
from approvals.domain.grants import MAX_SPENT_BY
from approvals.domain.model import Action, Approval, Request
from approvals.domain.previous import Part
from approvals.domain.profiles import is_group
from approvals.domain.result import comment_bytes, form_bytes, most_approvals
from approvals.requests.codec import KEY
from approvals.requests.parse import InvalidRequestError
from approvals.store.dynamodb import serialize
from approvals.store.items import approval_to_item

MAX_RECORD = 400 * 1024
"""Bytes of an item, its attributes' names included.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

_WIDEST = 4
"""UTF-8 bytes of a character at the most."""

_CHANNEL = 5
"""Bytes of a channel's name in a step. A longer one takes from the rest of the room."""

_MOMENT = len("2026-11-23T10:31:00.000Z")

_ADDRESS = 64
"""Bytes of an address that is not known yet. Once identities are resolved, the size is checked again."""

_DIRECT = 20
"""Messages to single people: a channel that sends more leaves people out."""

_USER_ID = 12
_NAME = 80 * _WIDEST
"""Bytes of the name of a channel's user. A person who is asked by an address is called by it."""

_CLICK = 32
"""Bytes of the keys of a response and of its withdrawal, or of the person who reset it instead of the latter."""

_KEYS = 80
"""Bytes of the attribute names of a response, a refusal, an extension or a person, and of DynamoDB's overhead."""

_FIXED = 8 * 1024
"""Bytes of the parts that are always short: steps without a recipient, places of messages, causes, times."""

_NOTED = 1200
"""Bytes of the version that the policy has now, whose parameter's name has at most 1,011 characters."""

_SPEND = _KEYS + 2 * len("0" * 64) + MAX_SPENT_BY * _WIDEST + _MOMENT
"""Bytes of a use of a grant: its key's digest, who spent it, and when."""

_CHANGE = 3 * comparison.MAX_TEXT * _WIDEST + _KEYS
"""Bytes of a change since the last approved request: its name and its two values."""

_EVENT = 48
"""Bytes of the mark of a published event."""


def item_size(item: Mapping[str, Any]) -> int:
    """Return the bytes of an item, as DynamoDB counts them.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(_bytes(name) + _size(serialize(value)) for name, value in item.items())


def greatest_size(approval: Approval) -> int:
    """Return the largest size in bytes that the record of a new approval can reach.

    It includes the approvers as far as they are known.
    """
    return _stored(approval) + sum(_growth(approval).values())


def check_size(approval: Approval) -> None:
    """Raise `InvalidRequestError` if the record of a new approval can grow larger than an item may be."""
    most = greatest_size(approval)
    if most <= MAX_RECORD:
        return
    stored, growth = _stored(approval), _growth(approval)
    greatest = max(growth, key=lambda path: growth[path])
    where = f"{KEY}.{greatest}" if greatest and growth[greatest] > stored else KEY
    problem = (
        f"{where}: with all possible responses, the record can grow from {stored:,} to {most:,} bytes. The maximum is "
        f"{MAX_RECORD:,}. Shorten the input, set MaxLength in Form, turn comments off, require fewer approvals, "
        "name fewer people, or set Uses in Grant lower."
    )
    raise InvalidRequestError([problem])


def _stored(approval: Approval) -> int:
    return item_size(approval_to_item(approval))


def _growth(approval: Approval) -> dict[str, int]:
    """Return the bytes that can be added, by the key of the request that determines them."""
    request = approval.request
    addresses = _addresses(approval)
    approver = _KEYS + max([_ADDRESS, *addresses]) + max([_NAME, *addresses]) + _USER_ID
    response = approver + _KEYS + 2 * _MOMENT + _CLICK + max([_ADDRESS, *addresses])
    withdrawals = rules.MAX_WITHDRAWALS_IN_ALL + _named(approval)  # Each can withdraw once, whatever others did.
    replaced = _replaceable(approval)
    approvals, rejections = most_approvals(request, approval.people), request.required_rejections
    said = {action: comment_bytes(request, action) for action in Action}
    last = max(said.values())
    # An override has a reason even if the request takes no comments.
    last += MAX_COMMENT * _WIDEST if request.policy and not last else last
    changes = _changes(request)
    resets = changes * (approvals - 1)
    events = len(addresses) + _DIRECT + approvals + rejections + 2 * (withdrawals + resets + 2 * replaced)
    events += rules.MAX_REFUSALS + request.more_time.times + len(request.reminders) + _KEYS
    fixed = _FIXED + (_NOTED if request.policy else 0)
    return {
        "Form": (approvals + changes) * form_bytes(request),
        "Comment": (approvals - 1 + resets) * said[Action.APPROVE] + (rejections - 1) * said[Action.REJECT] + last,
        "Approvers": _people_bytes(approval) + _mark_bytes(request, addresses),
        "RequiredApprovals": (approvals + rejections + resets) * response,
        "Subject": _previous_bytes(approval, addresses),
        "MoreTime": request.more_time.times * (approver + 2 * _MOMENT + _CLICK),
        "Grant": (request.grant.uses if request.grant else 0) * (_SPEND + _EVENT),
        "": (withdrawals + replaced + rules.MAX_REFUSALS) * response + events * _EVENT + fixed,
    }


def _previous_bytes(approval: Approval, addresses: list[int]) -> int:
    """Return the bytes of the comparison with an earlier approval: who approved it, its changes, who sees its values.

    Two people for each recipient: an approver and their delegate, by each of their names.
    """
    if approval.request.subject is None or approval.previous:
        return 0
    names = (comparison.MAX_NAMES + 1) * 2 * _NAME
    viewers = sum(2 * (2 * max(_ADDRESS, address) + _USER_ID + 3) for address in addresses)
    return comparison.MAX_CHANGES * _CHANGE + names + viewers + (len(Part) + 6) * _KEYS


def _replaceable(approval: Approval) -> int:
    """Return how many responses of delegates their owners can replace: one, and one after each of their withdrawals."""
    delegations = approval.people.delegations if approval.people else ()
    return len({each.owner for each in delegations}) * (rules.MAX_WITHDRAWALS + 1)


def _changes(request: Request) -> int:
    """Return how often approvers can change the form's values."""
    return MAX_CHANGES if request.form and (request.required_approvals > 1 or request.groups) else 0


def _addresses(approval: Approval) -> list[int]:
    """Return the bytes of each recipient's address, the stack's own included, and of roles."""
    people, request = approval.people, approval.request
    told = [_length(name) for name in request.notify]
    if people is None:
        named = request.names
        return [_ADDRESS, *told, *(_length(name) for name in named)]
    found = (*people.approvers, *people.escalation)
    roles = (name for person in found for name in person.identities.values() if is_group(name))
    return [_ADDRESS, *told, *(len(person.address.encode()) for person in found if person.address), *map(len, roles)]


def _length(name: str) -> int:
    return len(name) if "@" in name else _ADDRESS


def _named(approval: Approval) -> int:
    """Return the number of named approvers."""
    people, request = approval.people, approval.request
    return len((*people.approvers, *people.escalation) if people else request.names)


def _people_bytes(approval: Approval) -> int:
    """Return the bytes of the people who are still to be looked up."""
    request = approval.request
    if approval.people is not None:
        return 0
    named = [*request.names, request.requested_by or "", ""]
    lengths = [_length(name) for name in named]
    in_groups = sum(_KEYS + sum(3 + _length(name) for name in group.approvers) for group in request.groups)
    silent = sum(3 + _length(name) for name in request.silent)
    people = sum(_KEYS + 3 * length + max(length, _NAME) + 2 * _USER_ID for length in lengths)
    return people + in_groups + silent


def _mark_bytes(request: Request, addresses: list[int]) -> int:
    """Return the bytes of the steps for each recipient and for each direct message."""
    news = len(request.reminders) + request.more_time.times + bool(request.escalate_to) + _changes(request)
    mark = len("outcome_:") + _CHANNEL + _MOMENT + 1
    direct = 4 * _KEYS + (len(request.reminders) + _changes(request)) * (mark + len("direct-") + _CHANNEL + _USER_ID)
    return sum((2 + news) * (mark + address) for address in addresses) + _DIRECT * direct


def _size(attribute: Mapping[str, Any]) -> int:  # noqa: PLR0911 one of many kinds
    [(kind, value)] = attribute.items()
    match kind:
        case "S":
            return _bytes(value)
        case "B":
            return len(value)
        case "N":
            return len(value) // 2 + 2
        case "SS":
            return sum(_bytes(each) for each in value)
        case "L":
            return 3 + sum(1 + _size(each) for each in value)
        case "M":
            return 3 + sum(1 + _bytes(name) + _size(each) for name, each in value.items())
        case _:
            return 1


def _bytes(text: str) -> int:
    return len(text.encode())
