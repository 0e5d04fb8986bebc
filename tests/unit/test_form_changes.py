"""A form that several people approve: what they are told of its values and of their changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from approvals.domain import form_wording, response_wording
from approvals.domain.form_changes import (
    current_form,
    form_key,
    key_of,
    people_to_respond_again,
    reset_response,
)
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.judgement import Judgement, Verdict, Withdrawal
from approvals.domain.model import Action, Approval, Request
from approvals.domain.people import Approver, People, Person
from approvals.domain.rules import judge
from approvals.domain.seats import unanswered
from tests.support.builders import ALICE, BOB, CAROL, NOW, a_response, an_approval

FORM = (
    FormField(name="Share", label="Percent of users", type=FieldType.NUMBER, default=5),
    FormField(name="Note", label="Note", type=FieldType.TEXT),
)
ANN = Person(id=ALICE.id, name="Ann", identities={"email": ALICE.id, "slack": "U0ALICE01"})
BO = Person(id=BOB.id, name="bob", identities={"slack": BOB.id})
CY = Person(id=CAROL.id, name="carol", identities={"slack": CAROL.id})


def asked(needed: int = 2, people: People | None = None) -> Approval:
    request = Request(timeout=timedelta(hours=1), required_approvals=needed, form=FORM)
    return an_approval(request=request, people=people or People(approvers=(ANN, BO, CY)))


def approves(approval: Approval, approver: Approver, minutes: int, **form: FormValue) -> Judgement:
    response = replace(a_response(approver=approver, minutes=minutes), form=form, seen=form_key(approval))
    return judge(approval, response)


def changed() -> Judgement:
    return approves(approves(asked(), ALICE, 1, Share=10).approval, BOB, 2, Share=20, Note="Go")


def test_a_form_that_nobody_has_filled_in_has_no_values_and_no_sentence() -> None:
    approval = judge(asked(), a_response(Action.REJECT, replace(CAROL, id="U0NOBODY01"))).approval
    assert (current_form(approval), form_key(approval)) == (None, "")
    assert (form_wording.confirm_sentence(approval), form_wording.filled_in_by(approval)) == ("", "")


def test_later_approvers_read_who_filled_in_the_form_and_who_must_approve_again() -> None:
    first = approves(asked(3), ALICE, 1, Share=10).approval
    assert form_wording.confirm_sentence(first) == (
        "alice@example.com filled in this form. Confirm the values, or change them: then alice@example.com must "
        "approve again."
    )
    second = approves(first, BOB, 2, Share=10.0).approval
    assert form_wording.confirm_sentence(second) == (
        "alice@example.com filled in this form, and bob confirmed it. Confirm the values, or change them: then "
        "alice@example.com and bob must approve again."
    )
    assert form_wording.filled_in_by(second) == "filled in by alice@example.com, confirmed by bob"


def test_who_was_reset_reads_who_changed_what() -> None:
    approval = changed().approval
    mine = reset_response(approval, ANN)
    assert mine
    said = "bob changed the form after you approved, so your approval no longer counts."
    assert form_wording.reset_sentence(approval, mine) == said
    assert form_wording.reset_changes(approval, mine) == [
        "Percent of users: 20 (before: 10)",
        "Note: Go (before: no answer)",
    ]
    assert people_to_respond_again(approval) == (ANN,)
    assert ANN in unanswered(approval)
    assert form_wording.reset_notice(approval, replace(BOB, id="U0ALICE01"))
    assert form_wording.reset_notice(approval, BOB) == ""


def test_who_responded_again_is_told_of_no_reset() -> None:
    for response in (a_response(Action.REJECT, minutes=3), a_response(minutes=3)):
        form: dict[str, FormValue] = {"Share": 20, "Note": "Go"}
        again = judge(replace(changed().approval), replace(response, form=form)).approval
        assert again.decision
        assert people_to_respond_again(again) == ()


def test_where_nobody_is_named_who_responded_is_known_where_they_did() -> None:
    first = approves(asked(people=People()), CAROL, 1, Share=10).approval
    approval = approves(first, BOB, 2, Share=20).approval
    [person] = people_to_respond_again(approval)
    assert (person.id, person.on("slack")) == (CAROL.id, CAROL.id)


def test_who_changes_the_form_is_told_who_must_approve_again() -> None:
    judgement = changed()
    assert judgement.verdict is Verdict.RESET
    said = str(response_wording.response_reply(judgement, a_response(approver=BOB)))
    assert "Your response is recorded: 1 of 2 approvals. Ann must approve again, since the form was changed." in said


def test_who_had_not_seen_the_values_is_told_whose_they_are() -> None:
    first = approves(asked(), ALICE, 1, Share=10).approval
    response = replace(a_response(approver=BOB, minutes=2), form={"Share": 20})
    judgement = judge(first, response)
    assert judgement.verdict is Verdict.OUTDATED
    said = str(response_wording.response_reply(judgement, response))
    assert "alice@example.com approved other values meanwhile, so your response was not recorded." in said
    assert form_wording.differences(first, response) == {
        "Share": "alice@example.com approved \u201c10\u201d. Keep your answer only to replace it."
    }


def test_a_click_that_is_delivered_again_after_a_reset_says_that_it_was_reset() -> None:
    response = replace(a_response(approver=ALICE), form={"Share": 10}, key="k")
    first = judge(asked(), response).approval
    reset = approves(first, BOB, 2, Share=20).approval
    judgement = judge(reset, replace(response, at=NOW + timedelta(minutes=3)))
    assert judgement.verdict is Verdict.ALREADY_USED
    said = str(response_wording.response_reply(judgement, response))
    assert "bob changed the form after you approved" in said
    assert "withdrew" not in said


def test_the_values_of_the_last_approval_that_was_withdrawn_are_gone() -> None:
    first = approves(asked(), ALICE, 1, Share=10).approval
    withdrawn = judge(first, Withdrawal(ALICE, NOW + timedelta(minutes=2))).approval
    assert current_form(withdrawn) is None


@pytest.mark.parametrize(("one", "other"), [({"Share": 1}, {"Share": 1.0}), ({"a": 1, "b": 2}, {"b": 2, "a": 1})])
def test_equal_values_have_one_key(one: dict[str, FormValue], other: dict[str, FormValue]) -> None:
    assert key_of(one) == key_of(other)
    assert key_of(one) != key_of({})


def test_a_long_answer_is_cut_in_a_sentence_and_stays_on_one_line() -> None:
    first = approves(asked(), ALICE, 1, Note="one\ntwo " + "x" * 2900).approval
    approval = approves(first, BOB, 2, Note="no").approval
    mine = reset_response(approval, ANN)
    assert mine
    [said] = form_wording.reset_changes(approval, mine)
    assert said.startswith("Note: no (before: one two xxx")
    assert len(said) < 100
