"""Write the sentences about a form that several people approve, the same on every surface."""

from __future__ import annotations

from collections.abc import Mapping

from approvals.domain.characters import one_line
from approvals.domain.eligibility import responder
from approvals.domain.form_changes import (
    Change,
    changes,
    current_approvals,
    differing,
    form_of,
    people_to_respond_again,
    reset_cause,
    reset_response,
)
from approvals.domain.form_fields import FormValue
from approvals.domain.forms import format_answer
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Response
from approvals.domain.parts import before_value, display_name, join_names
from approvals.domain.people import Approver, Person

MAX_ANSWER = 60
"""Characters of an answer in a sentence."""

NO_ANSWER = "no answer"


def filled_in_by(approval: Approval) -> str:
    """Return who gave the form's current values, to follow a heading: `filled in by Ann, confirmed by Bo and Cy`."""
    if approval.decision and approval.decision.override and approval.decision.approver:
        return f"filled in by {display_name(approval.decision.approver)}"
    first, *others = [display_name(response.approver) for response in current_approvals(approval)] or [""]
    if not first:
        return ""
    return f"filled in by {first}{f', confirmed by {join_names(others)}' if others else ''}"


def confirm_sentence(approval: Approval) -> str:
    """Return a sentence over a form that others have filled in; empty if nobody has."""
    names = [display_name(response.approver) for response in current_approvals(approval)]
    if not names:
        return ""
    confirmed = f", and {join_names(names[1:])} confirmed it" if names[1:] else ""
    again = f"{join_names(names)} must {_approve(approval)} again"
    return f"{names[0]} filled in this form{confirmed}. Confirm the values, or change them: then {again}."


def outdated_sentence(approval: Approval) -> str:
    """Return why a response with other values than the current ones is not recorded."""
    names = join_names([display_name(response.approver) for response in current_approvals(approval)])
    who = names or "Another approver"
    return f"{who} {_approved(approval)} other values meanwhile, so your response was not recorded."


def reset_sentence(approval: Approval, response: Response) -> str:
    """Return why a person must approve again."""
    cause = reset_cause(approval, response)
    who = display_name(cause.approver) if cause else "Another approver"
    what = words_of(approval).approval
    return f"{who} changed the form after you {_approved(approval)}, so your {what} no longer counts."


def reset_changes(approval: Approval, response: Response) -> list[str]:
    """Return what the change was that reset a response, a line for each field."""
    cause = reset_cause(approval, response)
    return changed_fields(approval, cause) if cause else []


def changed_fields(approval: Approval, response: Response) -> list[str]:
    """Return what a response changed, a line for each field: `Percent of users: 20 (before: 10)`."""
    return [_describe(change) for change in changes(approval, response)]


def reset_notice(approval: Approval, approver: Approver) -> str:
    """Return why the person with this identity must approve again; empty if they need not."""
    person = responder(approval, approver)
    response = reset_response(approval, person) if isinstance(person, Person) else None
    return reset_sentence(approval, response) if response else ""


def _describe(change: Change) -> str:
    before, after = (_short(answer) or NO_ANSWER for answer in (change.before, change.after))
    return f"{before_value(one_line(change.label, 150))} {after} (before: {before})"


def again_sentence(approval: Approval) -> str:
    """Return who must approve again; empty if nobody must."""
    names = join_names([display_name(person) for person in people_to_respond_again(approval)])
    return f"{names} must {_approve(approval)} again, since the form was changed." if names else ""


def reset_news(approval: Approval) -> str:
    """Return who changed the form last, and who must approve again."""
    changed = [display_name(each.approver) for each in approval.responses if each.replaced is not None]
    names = join_names([display_name(person) for person in people_to_respond_again(approval)])
    return f"{changed[-1]} changed the form, so {names} must {_approve(approval)} again." if changed and names else ""


def answers(approval: Approval, response: Response) -> list[tuple[str, str]]:
    """Return what a response filled in, as labels and values in the form's order, with the values that it changed."""
    form, changed = form_of(approval, response), {change.label: change for change in changes(approval, response)}
    rows = []
    for field in approval.request.form:
        value = format_answer(form[field.name]) if field.name in form else ""
        change = changed.get(field.label)
        if change:
            rows.append((field.label, f"{value or NO_ANSWER} (before: {_short(change.before) or NO_ANSWER})"))
        elif value:
            rows.append((field.label, value))
    return rows


def differences(approval: Approval, response: Response) -> dict[str, str]:
    """Return the current answer beside each field of an outdated response that differs, by the field's name."""
    others = differing(approval, response)
    if not others:
        return {}
    form, who = others[-1].form, display_name(others[-1].approver)
    return {
        field.name: f"{who} {_approved(approval)} {_quoted(form, field.name)}. Keep your answer only to replace it."
        for field in approval.request.form
        if form.get(field.name) != response.form.get(field.name)
    }


def _approve(approval: Approval) -> str:
    return words_of(approval).verbs[Action.APPROVE]


def _approved(approval: Approval) -> str:
    return words_of(approval).done[Action.APPROVE]


def _quoted(form: Mapping[str, FormValue], name: str) -> str:
    return f"\u201c{_short(format_answer(form[name]))}\u201d" if name in form else NO_ANSWER


def _short(answer: str) -> str:
    return one_line(answer, MAX_ANSWER)
