"""A form that several people approve: its current values, who filled them in, and whose approval a change resets.

All approvals that count have the same values, so that no value is approved by fewer people than the request needs. Only
records of versions before 0.2 can have different ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from approvals.domain.eligibility import answer_of, eligible
from approvals.domain.form_fields import FormValue
from approvals.domain.forms import Problem, format_answer
from approvals.domain.model import Action, Approval, Response
from approvals.domain.people import Person

MAX_CHANGES = 3
"""How often the values of a form can be changed: each change keeps the responses that it reset, and a record has
400 KB at most. Afterwards, approvers can only confirm the values or reject."""

_KEY_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Change:
    """A field that an approver changed: its label, and the answers as people read them, empty where there was none."""

    label: str
    before: str
    after: str


def current_approvals(approval: Approval) -> tuple[Response, ...]:
    """Return the approvals that count with the form's current values: first who filled it in, then who confirmed."""
    approvals = [response for response in approval.standing if response.action is Action.APPROVE]
    if not (approvals and approval.request.form):
        return ()
    return tuple(response for response in approvals if response.form == approvals[-1].form)


def current_form(approval: Approval) -> Mapping[str, FormValue] | None:
    """Return the values that the next approver confirms or changes; None if nobody has filled in the form.

    After an override, they are those of the person who decided.
    """
    if approval.decision and approval.decision.override:
        return approval.decision.form or None
    approvals = current_approvals(approval)
    return approvals[0].form if approvals else None


def form_key(approval: Approval) -> str:
    """Return what `Response.seen` has of a person who was shown the current values; empty if there are none."""
    form = current_form(approval)
    return "" if form is None else key_of(form)


def key_of(form: Mapping[str, FormValue]) -> str:
    """Return a short text that differs for other values. Numbers that are equal are written alike: 1 and 1.0."""
    same = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in form.items()
    }
    return sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:_KEY_DIGITS]


def differing(approval: Approval, response: Response) -> tuple[Response, ...]:
    """Return the approvals that count with other values than this approval. A rejection has no values."""
    if response.action is Action.REJECT:
        return ()
    return tuple(each for each in approval.standing if each.action is Action.APPROVE and each.form != response.form)


def number_of_changes(approval: Approval) -> int:
    """Return how often the form's values were changed, also by responses that were withdrawn or reset since."""
    return sum(response.replaced is not None for response in approval.responses)


def change_problems(approval: Approval, response: Response) -> tuple[Problem, ...]:
    """Return a problem for each changed field if the values can't be changed any more."""
    if number_of_changes(approval) < MAX_CHANGES:
        return ()
    before = current_form(approval) or {}
    text = f"The form was changed {MAX_CHANGES} times. Confirm this value, or reject the request: "
    return tuple(
        Problem(field.name, f"{text}{_answer(before, field.name) or 'no answer'}.")
        for field in approval.request.form
        if before.get(field.name) != response.form.get(field.name)
    )


def add_response(approval: Approval, response: Response) -> Approval:
    """Return the approval with one more response, and without the approvals that it resets.

    A reset approval keeps its values only if they are not in the response's `replaced`.
    """
    reset = differing(approval, response)
    if not reset:
        return replace(approval, responses=(*approval.responses, response))
    replaced = dict(reset[-1].form)
    responses = tuple(
        replace(
            each, withdrawn_at=response.at, reset_by=response.person, form={} if each.form == replaced else each.form
        )
        if each in reset
        else each
        for each in approval.responses
    )
    return replace(approval, responses=(*responses, replace(response, replaced=replaced)))


def is_withdrawn(response: Response) -> bool:
    """Return True if the person withdrew the response; a reset or void one they did not."""
    return response.withdrawn_at is not None and not (response.reset_by or response.is_void)


def reset_cause(approval: Approval, response: Response) -> Response | None:
    """Return the response whose change of the form reset this one."""
    if not response.reset_by:
        return None
    found = (each for each in approval.responses if each.person == response.reset_by and each.replaced is not None)
    return next((each for each in found if each.at == response.withdrawn_at), None)


def form_of(approval: Approval, response: Response) -> Mapping[str, FormValue]:
    """Return what a person filled in, also if their approval was reset."""
    cause = reset_cause(approval, response)
    return response.form or (cause.replaced if cause and cause.replaced else {})


def changes(approval: Approval, response: Response) -> tuple[Change, ...]:
    """Return the fields that a response changed, in the order of the form."""
    before, after = response.replaced, form_of(approval, response)
    if before is None:
        return ()
    return tuple(
        Change(field.label, _answer(before, field.name), _answer(after, field.name))
        for field in approval.request.form
        if before.get(field.name) != after.get(field.name)
    )


def reset_response(approval: Approval, person: Person) -> Response | None:
    """Return a person's response if it was reset and they have not responded since."""
    if answer_of(approval, person):
        return None
    mine = [response for response in approval.responses if response.person == person.id]
    if not mine or not mine[-1].reset_by or mine[-1].at < approval.last_asked:
        return None
    filled = any(response.seat == mine[-1].seat for response in approval.standing)  # by the other of owner and delegate
    return None if filled else mine[-1]


def people_to_respond_again(approval: Approval) -> tuple[Person, ...]:
    """Return the people whose approval was reset and who have not responded since.

    Where the request names nobody, each is known only on the channel where they responded.
    """
    delegations = approval.people.delegations if approval.people else ()
    named = {each.delegate.id: each.delegate for each in delegations}
    named |= {person.id: person for person in eligible(approval)}
    found = {each.person: named.get(each.person) or _person(each) for each in approval.responses if each.reset_by}
    return tuple(person for person in found.values() if reset_response(approval, person))


def _person(response: Response) -> Person:
    approver = response.approver
    return Person(id=response.person, name=approver.name, identities={approver.channel: approver.id})


def _answer(form: Mapping[str, FormValue], name: str) -> str:
    return format_answer(form[name]) if name in form else ""
