"""`verify-deployment` as a command, and the requests that it starts: Step Functions by moto."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from approvals.domain.judgement import Cancellation
from cli.verify.cleanup import CleanUp
from cli.verify.mailbox import Mailbox
from cli.verify.proofs import NotProvenError, Proof, Report, failed, ok
from cli.verify.requests import TITLE, Requests
from tests.support.shell import Shell

ADDRESS = "approvals-verify-1f@queue.invalid"


@pytest.fixture
def clean_up() -> CleanUp:
    return CleanUp()


@pytest.fixture
def requests(shell: Shell, clean_up: CleanUp, monkeypatch: pytest.MonkeyPatch) -> Requests:
    monkeypatch.setattr("cli.verify.requests.tail", lambda _context, logs: f"look at {logs}")
    mailbox = Mailbox(shell.context, "approvals-verify-1f", "https://queue", "arn:subscription")
    return Requests(shell.context, clean_up, mailbox, "1f", "")


def test_a_test_request_says_what_it_is_and_asks_no_person(requests: Requests, shell: Shell) -> None:
    requests.start("respond", 10)
    [execution] = shell.executions()
    assert execution["name"] == "verify-1f-respond"
    whole = json.loads(execution["input"])
    asked = whole.pop("Approval")
    assert whole == {"VerifyDeployment": "respond"}
    assert asked.pop("Details")
    assert asked == {"Title": TITLE, "Approvers": [ADDRESS], "TimeoutMinutes": 10}
    shell.asked()  # The product takes the request as it is.


def test_a_channel_for_tests_is_passed_on(requests: Requests, shell: Shell) -> None:
    Requests(shell.context, CleanUp(), requests.mailbox, "2e", "C0TESTS001").start("respond", 10)
    [execution] = shell.executions()
    assert json.loads(execution["input"])["Approval"]["Channel"] == "C0TESTS001"


def test_what_runs_is_stopped_and_says_why(requests: Requests, shell: Shell, clean_up: CleanUp) -> None:
    requests.start("respond", 10)
    requests.start("cancel", 10)
    assert clean_up.run() == [
        ok("clean-up", "stopped or removed: the execution verify-1f-cancel, the execution verify-1f-respond")
    ]
    assert {each["status"] for each in shell.executions()} == {"ABORTED"}


def test_what_has_ended_or_is_unknown_needs_no_stop(requests: Requests, shell: Shell, clean_up: CleanUp) -> None:
    started = requests.start("respond", 10)
    shell.context.client("stepfunctions").stop_execution(executionArn=started.arn)
    assert [proof.name for proof in clean_up.run() if proof.next_step] == []
    requests._stop(f"{started.arn}-unknown")


def test_a_request_whose_approver_is_known_is_accepted(requests: Requests, shell: Shell) -> None:
    started = requests.start("respond", 10)
    approval = shell.asked()
    assert requests.accepted(started, "request").id == approval.id


def test_a_refused_request_says_why(requests: Requests, shell: Shell) -> None:
    """As on a stack of an earlier version, which takes no queue for an approver."""
    started = replace(requests.start("respond", 10), at=shell.clock())  # moto has a clock of its own
    shell.asked(people=None)
    why = f"Approval.Approvers[0]: {ADDRESS} has no confirmed subscription"
    shell.happened(Cancellation(shell.clock(), why, error="InvalidApprovalRequest"))
    with pytest.raises(NotProvenError, match="has no confirmed subscription") as refused:
        requests.accepted(started, "request")
    assert (refused.value.proof.name, refused.value.proof.next_step) == ("request", "look at NotifyLogs")


def test_a_request_that_nobody_looks_up_is_named(requests: Requests, shell: Shell) -> None:
    started = requests.start("respond", 10)
    shell.asked(people=None)
    with pytest.raises(NotProvenError, match="is not recorded") as late:
        requests.accepted(started, "request")
    assert late.value.proof.next_step == "look at RequestLogs"


def test_a_request_without_a_record_is_named(requests: Requests) -> None:
    with pytest.raises(NotProvenError, match="is not recorded"):
        requests.accepted(requests.start("respond", 10), "request")


# The command.


def told(monkeypatch: pytest.MonkeyPatch, *proofs: Proof, error: BaseException | None = None) -> dict[str, Any]:
    """Let a run tell these proofs. Return what it is called with."""
    called: dict[str, Any] = {}

    def verify(_context: object, report: Report, **options: object) -> None:
        called.update(options)
        for proof in proofs:
            report(proof)
        if error:
            raise error

    monkeypatch.setattr("cli.commands.verify_deployment.verify", verify)
    return called


def test_a_run_that_proves_everything_exits_with_0_and_says_what_stays(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = told(monkeypatch, ok("start", "3 executions"), ok("expiry", "fails"))
    result = shell.run("verify-deployment", "--quick", "--slack-channel", "C0TESTS001")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["ok       start: 3 executions", "ok       expiry: fails"]
    assert "400 days" in result.stdout
    assert called == {"quick": True, "slack_channel": "C0TESTS001"}


def test_a_run_with_a_failure_exits_with_1(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, failed("email", "none came", "look"), ok("clean-up", "removed: a queue"))
    result = shell.run("verify-deployment", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"proof": "email", "verdict": "failed", "text": "none came", "next": "look"},
        {"proof": "clean-up", "verdict": "ok", "text": "removed: a queue", "next": ""},
    ]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError("bug"), 3)])
def test_a_run_that_ends_early_still_prints_what_it_knows(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    """What could not be removed is in it, with its command."""
    told(monkeypatch, failed("clean-up", "the queue could not be removed", "aws sqs delete-queue"), error=error)
    result = shell.run("verify-deployment", "--json")
    assert result.exit_code == code
    assert [each["next"] for each in json.loads(result.stdout)] == ["aws sqs delete-queue"]


def test_without_a_stack_there_is_nothing_to_prove(shell: Shell) -> None:
    result = shell.run("verify-deployment", "--stack", "other")
    assert result.exit_code == 3
    assert "No stack named other" in result.stderr


def test_a_channels_name_is_no_channel(shell: Shell) -> None:
    result = shell.run("verify-deployment", "--slack-channel", "#tests")
    assert result.exit_code == 64
    assert "is not a channel ID" in result.stderr
