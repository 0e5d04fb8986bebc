"""The words by kind of request: without a form, with a form, and a question. Every surface says the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.domain import wording
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.history import history
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Request, RequestKind, Severity
from approvals.domain.result import result
from bot.views.approval import message_of
from bot.views.modal import response_modal
from mail.messages import Links, notice_mail, outcome_mail, request_mail
from tests.support.builders import HOUR, NOW, a_response, an_approval, decided
from web import pages

TO = "alice@example.com"
LINKS = Links("https://a1b2c3.execute-api.eu-west-1.amazonaws.com/states", one_click=False)
FORM = (FormField(name="Version", label="Version", type=FieldType.TEXT),)
PLAIN = Request(title="Which version?", requested_by="ro@example.com", severity=Severity.HIGH, timeout=HOUR)
WITH_FORM = replace(PLAIN, form=FORM)
QUESTION = replace(WITH_FORM, kind=RequestKind.QUESTION)
KINDS = pytest.mark.parametrize(
    ("request_", "subject", "first_line", "headings", "buttons"),
    [
        (
            PLAIN,
            "Approve? Which version?",
            "ro@example.com requests your approval by ",
            ("Approve this request", "Reject this request"),
            ("Approve", "Reject"),
        ),
        (
            WITH_FORM,
            "Answer needed: Which version?",
            "ro@example.com needs your answers and your approval by ",
            ("Answer and approve", "Reject this request"),
            ("Answer and approve", "Reject"),
        ),
        (
            QUESTION,
            "Question: Which version?",
            "ro@example.com asks you a question. Answer by ",
            ("Answer this question", "Decline to answer"),
            ("Send answer", "Decline"),
        ),
    ],
    ids=["no form", "form", "question"],
)


def asking(request: Request, **changes: object) -> Approval:
    return an_approval(request=replace(request, **changes))  # type: ignore[arg-type]


@KINDS
def test_every_surface_asks_in_the_words_of_the_kind(
    request_: Request, subject: str, first_line: str, headings: tuple[str, str], buttons: tuple[str, str]
) -> None:
    approval = asking(request_)
    mail = request_mail(approval, TO, LINKS)
    assert mail.subject.startswith(f"HIGH: {subject} [")
    assert mail.text.startswith(first_line)
    notification, blocks = message_of(approval)
    assert notification == subject
    for action, heading, button in zip(Action, headings, buttons, strict=True):
        page = pages.confirm(approval, action, {}, now=NOW)
        assert f">{heading}</h2>" in page
        assert f">{button}</button>" in page
        assert f"Nothing is recorded until you press {button}." in page
        assert response_modal(approval, action, "").submit.text == button  # type: ignore[union-attr]
        assert button in str([block.to_dict() for block in blocks])


@pytest.mark.parametrize("request_", [PLAIN, WITH_FORM, QUESTION], ids=["no form", "form", "question"])
def test_slack_takes_every_title_of_a_dialog(request_: Request) -> None:
    assert max(map(len, words_of(asking(request_)).dialog_titles.values())) <= 24


@pytest.mark.parametrize(
    ("action", "said"), [(Action.APPROVE, "Answered"), (Action.REJECT, "Declined")], ids=["answered", "declined"]
)
def test_a_question_is_answered_or_declined_and_the_workflow_gets_the_same_result(action: Action, said: str) -> None:
    approval = decided(action, request=QUESTION)
    assert wording.headline(approval) == said
    assert f">{said}</h1>" in pages.outcome(approval, action)
    assert outcome_mail(approval, TO).text.startswith(f"{said} by ")
    assert message_of(approval)[0] == f"{said}: Which version?"
    assert any(f"alice@example.com {said.lower()}" in entry.text for entry in history(approval))
    usual = result(decided(action, request=WITH_FORM))
    assert (result(approval)["Status"], result(approval)["Decision"]) == (usual["Status"], usual["Decision"])


def test_a_quorum_counts_answers_and_says_when_a_question_closes() -> None:
    approval = asking(QUESTION, required_approvals=2, required_rejections=2)
    assert wording.quorum_sentence(approval) == "Needs 2 answers; 2 people declining close it."
    answered = replace(approval, responses=(a_response(),))
    assert wording.counts(answered) == ["1 of 2 answers", "0 of 2 declined"]
    page = pages.recorded(answered, answered.responses[0], {}, now=NOW)
    assert "1 more answer needed. 2 more people declining close the question." in page


def test_a_person_confirms_their_answer_to_a_question_of_high_severity() -> None:
    page = pages.confirm(asking(QUESTION), Action.APPROVE, {}, now=NOW)
    assert "I confirm my answer to “Which version?”" in page
    dialog = str(response_modal(asking(QUESTION), Action.REJECT, "").to_dict())
    assert "I confirm that I want to decline this question" in dialog


def test_people_who_can_t_respond_are_told_that_it_is_a_question() -> None:
    assert "ro@example.com asks a question. You can't respond." in notice_mail(asking(QUESTION), TO).text
