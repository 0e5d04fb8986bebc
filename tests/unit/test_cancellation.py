"""Who cancelled and why: what `approvals cancel` writes as an execution's cause, and what is read from any cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain import wording
from approvals.domain.cancellation import ERROR, MAX_REASON, Stop, caller_name, read_cause, write_cause
from approvals.domain.events import events
from approvals.domain.history import history
from approvals.domain.judgement import Cancellation
from approvals.domain.model import Action, Approval, Status
from approvals.domain.rules import judge
from approvals.domain.summary import summarize
from approvals.store.items import approval_from_item, approval_to_item
from bot.views.approval import outcome_blocks, outcome_reply, outcome_text
from bot.views.lists import _state
from cli import document
from cli.export_columns import row
from mail.digest_message import digest_mail
from mail.messages import Links, outcome_mail
from tests.support import earlier_decoder
from tests.support.builders import NOW, an_approval
from web import pages

ALICE = "arn:aws:sts::123456789012:assumed-role/Deployer/alice@example.com"
SHORT = "alice@example.com, role Deployer"
OURS = "The execution was stopped before a decision."
THEIRS = "Wrong release."
TO = "approver@example.com"


def cancelled(reason: str | None = THEIRS, caller: str | None = ALICE) -> Approval:
    return judge(an_approval(), Cancellation(NOW, OURS, reason=reason, caller=caller)).approval


def refused(error: str = "InvalidApprovalRequest") -> Approval:
    return judge(an_approval(), Cancellation(NOW, "Approvers[0]: nobody", error=error)).approval


def surfaces(approval: Approval) -> dict[str, str]:
    return {
        "command line": "\n".join(document.outcome(approval)),
        "history": "\n".join(document.sentence(entry) for entry in history(approval)),
        "email": outcome_mail(approval, TO).text,
        "digest": digest_mail([approval, approval], TO, Links("https://api", one_click=False), stack_email=TO).text,
        "page": str(pages.outcome(approval, Action.APPROVE)),
        "Slack message": "\n".join(str(block.to_dict()) for block in outcome_blocks(approval)),
        "Slack reply": outcome_reply(approval),
    }


CALLERS = {
    ALICE: SHORT,
    "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann": "ann, role Admin",
    "arn:aws:iam::123456789012:user/ops/bob": "bob, IAM user",
    "arn:aws-us-gov:sts::123456789012:federated-user/carol": "carol, federated user",
    "arn:aws:iam::123456789012:root": "the root user of 123456789012",
}


@pytest.mark.parametrize(("arn", "name"), CALLERS.items())
@pytest.mark.parametrize("reason", [None, THEIRS, "Cancelled by arn:aws:iam::123456789012:root: no", "a: b."])
def test_what_the_command_writes_is_read_again(arn: str, name: str, reason: str | None) -> None:
    said = read_cause(ERROR, write_cause(arn, reason or ""))
    assert (said, caller_name(arn)) == (Stop(reason, arn), name)


@pytest.mark.parametrize("reason", [None, THEIRS])
def test_a_caller_that_sts_did_not_name_is_not_named(reason: str | None) -> None:
    assert read_cause(ERROR, write_cause("", reason or "")) == Stop(reason)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("ApprovalCancelled", "Cancelled by the CEO: now"),
        ("ApprovalCancelled", f"Cancelled by {ALICE}\nApproved: fine"),
        ("ApprovalCancelled", "Cancelled by arn:aws:sts::123456789012:assumed-role/A/b c: now"),
        ("ApprovalCancelled", f"Cancelled by arn:aws:iam::123456789012:user/{'x' * 700}: now"),
        ("Another", f"Cancelled by {ALICE}: now"),
        (None, f"Cancelled by {ALICE}: now"),
    ],
)
def test_a_cause_of_another_form_names_nobody(error: str | None, cause: str) -> None:
    said = read_cause(error, cause)
    assert said.caller is None
    assert said.reason == " ".join(cause.split())


def test_an_execution_that_was_stopped_without_a_word_has_no_reason() -> None:
    for cause in (None, "", " \n"):
        assert read_cause(None, cause) == Stop()


@given(st.sampled_from([ERROR, "", "Other"]), st.text(max_size=3000), st.sampled_from([None, ALICE]))
def test_a_reason_is_one_short_line_without_hidden_characters(error: str, text: str, caller: str | None) -> None:
    for cause in (text, write_cause(caller or "", text)):
        reason = read_cause(error, cause).reason or ""
        assert len(reason) <= MAX_REASON
        assert len(reason.splitlines()) <= 1
        assert not set(reason) & {"\u202e", "\u200b", "\x1b", "\x9b"}


def test_every_surface_says_who_cancelled_and_why_and_that_it_is_a_claim() -> None:
    for name, said in surfaces(cancelled()).items():
        plain = said.replace("&#x27;", "'").replace("&#39;", "'").replace("\\'", "'")
        assert f"{SHORT} (from the execution's cause)" in plain, name
        assert THEIRS in plain, name


def test_the_reason_stands_where_other_peoples_words_stand() -> None:
    said = surfaces(cancelled())
    assert f"\n\nReason given:\n| {THEIRS}" in said["email"]
    assert f"\nReason given: {THEIRS}" in said["command line"]
    assert f"\n>{THEIRS}" in said["Slack reply"]
    assert f"\u201c{THEIRS}\u201d" in said["history"]
    assert "<blockquote" in said["page"]


def test_an_execution_that_somebody_stopped_by_other_means_names_nobody() -> None:
    for name, said in surfaces(cancelled("Not today", None)).items():
        assert "cause)" not in said, name
        assert "Not today" in said, name
    assert "Reason given" not in surfaces(cancelled(None, None))["email"]


def test_record_export_document_and_event_keep_the_whole_arn() -> None:
    approval = approval_from_item(approval_to_item(cancelled()))
    assert approval.decision is not None
    assert (approval.decision.cancelled_by, approval.decision.comment) == (ALICE, THEIRS)
    exported = row(approval)
    assert (exported["cancelled_by"], exported["comment"], exported["cause"]) == (ALICE, THEIRS, OURS)
    found: Any = document.document(approval)["Decision"]
    assert (found["CancelledBy"], found["Comment"], found["Cause"]) == (ALICE, THEIRS, OURS)
    [detail] = [dict(event.detail) for event in events(approval, "stack") if event.kind == "ApprovalDecided"]
    assert (detail["CancelledBy"], detail["Comment"], detail["Cause"]) == (ALICE, THEIRS, OURS)


def test_versions_read_each_others_cancellations() -> None:
    item = approval_to_item(cancelled())
    earlier = earlier_decoder.approval_from_item(item).decision
    assert earlier is not None
    assert (earlier.status, earlier.cause) == ("CANCELLED", OURS)
    del item["decision"]["cancelled_by"]
    assert approval_from_item(item).decision == replace(wording.decision_of(cancelled()), cancelled_by=None)


def test_slacks_lists_say_who_cancelled() -> None:
    line = _state(summarize(cancelled()))[0]
    assert line.startswith(f"Cancelled by {SHORT} (from the execution's cause), ")


@pytest.mark.parametrize("error", ["InvalidApprovalRequest", "NotificationFailed"])
def test_a_refused_request_is_not_called_cancelled(error: str) -> None:
    approval = refused(error)
    assert approval.status is Status.CANCELLED, "as earlier versions store and read it"
    for name, said in surfaces(approval).items():
        assert "Refused" in said, name
        assert "Cancelled" not in said, name
    assert outcome_text(approval).startswith("Refused: ")
    assert (row(approval)["status"], document.summary(approval)["Status"]) == ("REFUSED", "REFUSED")


def test_what_was_cancelled_is_not_called_refused() -> None:
    superseded = judge(an_approval(), Cancellation(NOW, "Asked again.", superseded_by="x" * 40)).approval
    for approval in (cancelled(), superseded):
        assert wording.headline(approval) == "Cancelled"
        assert (row(approval)["status"], document.summary(approval)["Status"]) == ("CANCELLED", "CANCELLED")
