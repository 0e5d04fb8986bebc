"""`approvals list`, `show`, `cancel` and `export`: which approvals, what of them, and never a secret."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from approvals.domain.characters import hidden_in
from approvals.domain.form_changes import form_key
from approvals.domain.headlines import HEADLINES
from approvals.domain.history import history
from approvals.domain.judgement import Cancellation, Withdrawal
from approvals.domain.model import Action, Approval, Response, Status, iso
from approvals.domain.people import Approver, People, Person
from approvals.domain.references import short
from cli.__main__ import main
from cli.document import FROM_REQUEST
from cli.export_columns import COLUMNS, cell
from tests.support.broken_records import break_record, nest_context
from tests.support.builders import ALICE, BOB, TOKEN
from tests.support.group_requests import OTTO, PIA, SUE, one_of_each
from tests.support.shell import Shell, Throttled
from tests.support.tables import TABLE


def ids(shell: Shell, *arguments: str) -> list[str]:
    result = shell.run("list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [each["Id"] for each in json.loads(result.stdout)]


def test_open_ones_are_listed_the_nearest_deadline_first(shell: Shell) -> None:
    late = shell.started("late", {"Title": "Late", "TimeoutMinutes": 90})
    soon = shell.started("soon", {"Title": "Soon", "TimeoutMinutes": 30})
    shell.started("done")
    shell.responded(Action.APPROVE)
    assert ids(shell) == [soon.id, late.id]
    heading, first, second = shell.run("list").stdout.splitlines()
    assert heading.split() == ["ID", "STATUS", "TITLE", "REQUESTER", "REQUESTED", "DEADLINE"]
    assert first.split() == [short(soon.id), "pending", "Soon", iso(soon.requested_at), iso(soon.deadline)]
    assert second.split()[0] == short(late.id)


def test_a_list_shows_how_far_each_group_is_where_there_are_any(shell: Shell) -> None:
    groups = [{"Name": "security", "Approvers": [SUE.id, PIA.id]}, {"Name": "ops", "Approvers": [OTTO.id, PIA.id]}]
    shell.started("plain", {"Title": "Plain", "TimeoutMinutes": 30})
    shell.started("groups", {"Title": "Groups", "Groups": groups}, one_of_each().people)
    shell.responded(Action.APPROVE, Approver(id=SUE.id, name="Sue", channel="email"))
    heading, plain, in_groups = shell.run("list").stdout.splitlines()
    assert heading.split()[-2:] == ["DEADLINE", "PROGRESS"]
    assert "approvals" not in plain
    assert in_groups.endswith("1 of 2 approvals (security: 1 of 1, ops: 0 of 1)")


def test_a_list_shows_who_decided_and_when(shell: Shell) -> None:
    shell.started("done", {"Title": "Done"})
    shell.clock.pass_(minutes=5)
    shell.responded(Action.APPROVE)
    shell.started("silent", {"Title": "Silent"})
    shell.expired()
    heading, *lines = shell.run("list", "--status", "approved", "--status", "expired").stdout.splitlines()
    assert heading.split() == ["ID", "STATUS", "TITLE", "REQUESTER", "REQUESTED", "DECIDED", "BY", "DECIDED"]
    assert [re.split(r"\s{2,}", line)[2:] for line in lines] == [
        ["Silent", "2026-11-23T09:05:00.000Z", "2026-11-23T10:05:00.000Z"],
        ["Done", "2026-11-23T09:00:00.000Z", ALICE.id, "2026-11-23T09:05:00.000Z"],
    ]


@pytest.fixture
def terminal_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module in ("cli.times", "cli.commands.list", "cli.reporters"):
        monkeypatch.setattr(f"{module}.is_terminal", lambda: True)
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_a_terminal_shows_the_readers_times(shell: Shell, terminal_in_berlin: None) -> None:
    shell.started("open", {"Title": "Open", "RequiredApprovals": 2}, TWO)
    shell.clock.pass_(minutes=5)
    shell.responded(Action.APPROVE)
    [_, line] = shell.run("list").stdout.splitlines()
    assert re.split(r"\s{2,}", line)[3:] == ["23 Nov 10:00", "in 55 min", "1 of 2 approvals"]
    shown = shell.run("show", "open").stdout
    assert f"{HEADLINES[Status.PENDING]} until 23 Nov 2026, 11:00 CET (in 55 min)" in shown
    assert "on 23 Nov 2026, 10:05 CET" in shown, "the response"
    assert "\n  23 Nov 2026, 10:00 CET  Requested." in shown
    assert "UTC" not in shown
    assert json.loads(shell.run("show", "open", "--json").stdout)["Deadline"] == "2026-11-23T10:00:00.000Z"
    shell.clock.pass_(hours=1)
    assert "  overdue  " in shell.run("list").stdout
    shell.clock.pass_(days=100)
    assert "23 Nov 2026" in shell.run("list").stdout


def test_a_narrow_terminal_cuts_names_and_no_times(
    shell: Shell, terminal_in_berlin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.output.width", lambda: 80)
    shell.started("done", {"Title": "Deploy web 2.4.1 to production", "RequestedBy": "someone@example.com"})
    shell.responded(Action.APPROVE)
    lines = shell.run("list", "--status", "any").stdout.splitlines()
    assert len(lines[1]) == 80
    assert lines[1].count("23 Nov 10:00") == 2
    assert "Deploy w" in lines[1]


def test_a_list_is_narrowed_down(shell: Shell) -> None:
    old = shell.started("old", {"Title": "Old one", "RequestedBy": "Jo@example.com"})
    shell.responded(Action.REJECT)
    shell.clock.pass_(days=10)
    new = shell.started("new", {"Details": "about ORDERS", "Approvers": ["ann@example.com"]})
    assert ids(shell, "--status", "any") == [new.id, old.id]
    assert ids(shell, "--status", "any", "--since", "7d") == [new.id]
    assert ids(shell, "--status", "any", "--until", "2026-11-30") == [old.id]
    assert ids(shell, "--since", "2026-11-23T00:00:00+01:00", "--status", "rejected") == [old.id]
    assert ids(shell, "--status", "rejected", "--status", "pending", "--limit", "1") == [new.id]
    assert ids(shell, "--status", "any", "--requested-by", "jo@example.com") == [old.id]
    assert ids(shell, "--approver", "Ann@example.com") == [new.id]
    assert ids(shell, "--approver", "bo@example.com") == []
    assert ids(shell, "--search", "orders") == [new.id]
    assert ids(shell, "--status", "any", "--search", "ONE old jo@") == [old.id]


def test_a_list_says_when_there_is_none_and_when_there_are_more(shell: Shell) -> None:
    assert "No approvals match" in shell.run("list").stdout
    assert json.loads(shell.run("list", "--json").stdout) == []
    for name in ("one", "two"):
        shell.started(name)
    result = shell.run("list", "--limit", "1")
    assert len(result.stdout.splitlines()) == 2
    assert "--limit 2" in result.stderr


@pytest.mark.parametrize("moment", ["yesterday", "7y", "2026-13-01"])
def test_a_time_that_is_none_is_refused(shell: Shell, moment: str) -> None:
    result = shell.run("list", "--since", moment)
    assert result.exit_code == 64
    assert "is not a time" in result.stderr


def test_an_approval_is_found_by_whatever_names_it(shell: Shell) -> None:
    """By the beginning of its id as long as it is open, whenever it was asked."""
    approval = shell.started("run-1")
    shell.started("run-2")
    arn = shell.executions()[0]["executionArn"]
    for name in (approval.id, approval.id[:4], "run-1", arn):
        assert json.loads(shell.run("show", name, "--json").stdout)["Id"] == approval.id
    shell.clock.now = approval.deadline + timedelta(days=100)
    assert shell.run("show", approval.id[:8]).exit_code == 0, "it is open still"


@pytest.mark.parametrize("name", ["no-such-execution", "abcdefgh", "a" * 32, "arn:aws:states:x", "AB CD"])
def test_an_unknown_approval_exits_with_3_and_a_sentence(shell: Shell, name: str) -> None:
    shell.started("run-1")
    result = shell.run("show", name)
    assert result.exit_code == 3
    assert "No approval matches" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["show", "cancel", "wait"])
@pytest.mark.parametrize(("length", "upper"), [(4, False), (31, True)])
def test_an_execution_named_like_the_beginning_of_an_id_takes_no_approvals_place(
    shell: Shell, command: str, length: int, upper: bool
) -> None:
    """Whoever starts an execution chooses its name, and short ids are in subjects and lists."""
    real = shell.started("real")
    short = real.id[:length].upper() if upper else real.id[:length]
    imposter = shell.started(short, {"Title": "Harmless"})
    result = shell.run(command, short)
    assert result.exit_code == 3
    assert f"{short} matches 2 approvals" in result.stderr
    for each in (real, imposter):
        assert f"{each.id}  {each.title} (execution {each.workflow.execution_name})" in result.stderr
    assert [each["status"] for each in shell.executions()] == ["RUNNING", "RUNNING"]
    for each in (real, imposter):
        shown = shell.run("show", each.id, "--json")
        assert json.loads(shown.stdout)["Id"] == each.id
        assert json.loads(shell.run("show", each.workflow.execution_arn, "--json").stdout)["Id"] == each.id


@pytest.mark.parametrize("form", [str.lower, str.upper, str.title])
def test_a_full_id_means_that_approval_whatever_executions_are_called(shell: Shell, form: Callable[[str], str]) -> None:
    real = shell.started("real")
    shell.started(form(real.id))
    assert json.loads(shell.run("show", form(real.id), "--json").stdout)["Id"] == real.id


def test_an_imposter_whose_approval_was_decided_long_ago_is_ambiguous_too(shell: Shell) -> None:
    shell.clock.now = datetime.now(UTC)  # moto's own, of the executions
    name = shell.started("real").id[:6]
    shell.started(name)
    shell.responded(Action.APPROVE)
    assert "matches 2 approvals" in shell.run("cancel", name).stderr


def test_an_execution_that_waits_for_two_approvals_is_ambiguous(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel states of one execution: no name of it says which."""
    one = shell.started("run-1")
    monkeypatch.setattr("tests.support.shell.approval_id", lambda _: "7" * 32)
    two = shell.asked()
    for name in ("run-1", one.workflow.execution_arn):
        result = shell.run("show", name)
        assert result.exit_code == 3
        assert one.id in result.stderr
        assert two.id in result.stderr


def test_the_last_approval_of_an_execution_is_meant_when_it_waits_for_none(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.clock.now = datetime.now(UTC)  # moto's own, of the executions
    shell.started("run-1")
    shell.responded(Action.REJECT)
    shell.clock.pass_(seconds=5)
    monkeypatch.setattr("tests.support.shell.approval_id", lambda _: "7" * 32)
    again = shell.asked()
    assert json.loads(shell.run("show", "run-1", "--json").stdout)["Id"] == again.id
    shell.responded(Action.APPROVE)
    assert json.loads(shell.run("show", "run-1", "--json").stdout)["Id"] == again.id


@pytest.mark.parametrize("name", ["a" * 32, "ABCDEFGH" * 4])
def test_no_request_is_named_like_an_id(shell: Shell, name: str) -> None:
    """It would never be found by its name."""
    result = shell.run("request", "--title", "Deploy", "--name", name)
    assert result.exit_code == 64
    assert "the form of an approval ID" in result.stderr
    assert shell.executions() == []


def test_a_request_named_like_a_short_id_is_followed_by_what_means_it_alone(shell: Shell) -> None:
    """Its approval may not be there yet when the command ends."""
    real = shell.started("real")
    result = shell.run("request", "--title", "Harmless", "--name", real.id[:8])
    assert result.exit_code == 3
    arn = shell.executions()[-1]["executionArn"]
    assert f"approvals wait {arn}" in result.stderr


def test_a_beginning_that_two_ids_have_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shell.started("run-1")
    monkeypatch.setattr("tests.support.shell.approval_id", lambda _: f"{one.id[:20]}{'7' * 12}")
    shell.started("run-2")
    result = shell.run("show", one.id[:20])
    assert result.exit_code == 3
    assert "matches 2 approvals" in result.stderr
    assert one.id in result.stderr


TWO = People(
    approvers=(
        Person(id=ALICE.id, name=ALICE.name, identities={"email": ALICE.id}),
        Person(id="carol@example.com", name="carol", identities={"email": "carol@example.com"}),
    )
)


def test_show_tells_what_is_asked_who_may_answer_and_all_that_happened(shell: Shell) -> None:
    asked = {
        "Title": "Deploy web 2.4.1",
        "Details": "Adds the new checkout.",
        "Facts": [{"Label": "Version", "Value": "2.4.1"}],
        "Links": [{"Label": "Diff", "Url": "https://example.com/diff"}],
        "RequestedBy": "jo@example.com",
        "RequiredApprovals": 2,
    }
    shell.started("run-1", asked, TWO)
    shell.responded(Action.APPROVE, comment="Go.")
    shown = shell.run("show", "run-1").stdout
    for part in (
        f"Deploy web 2.4.1\n{HEADLINES[Status.PENDING]} until 2026-11-23T10:00:00.000Z",
        "Needs 2 approvals; 1 rejection rejects it.",
        "1 of 2 approvals",
        "Adds the new checkout.",
        "Version  2.4.1",
        "https://example.com/diff",
        f"{history(shell.newest())[1].text.removesuffix('.')}: \u201cGo.\u201d",
        "#/v2/executions/details/arn:aws:states:eu-west-1:",
    ):
        assert part in shown, shown
    shell.responded(Action.APPROVE, BOB)
    assert shell.run("show", "run-1").stdout.splitlines()[1].startswith("Waiting"), "Bob is in no Slack channel"


def test_no_command_reads_or_prints_a_secret(shell: Shell) -> None:
    """Their calls name every attribute that they read."""
    asked: set[str] = set()

    def note(params: dict[str, Any], **_: Any) -> None:
        for table in params.get("RequestItems", {}).values():
            asked.update(table["ExpressionAttributeNames"].values())

    shell.started("run-1")
    for command in (
        ("list",),
        ("list", "--status", "any", "--json"),
        ("show", "run-1", "--json"),
        ("export", "--since", "1d", "--until", "2026-11-24"),
        ("export", "--since", "1d", "--until", "2026-11-24", "--format", "jsonl"),
    ):
        shell.context.client("dynamodb").meta.events.register("provide-client-params.dynamodb.*", note)
        printed = shell.run(*command).output
        assert TOKEN[:20] not in printed
        assert "kkkkkkkk" not in printed
    assert "status" in asked
    assert not {"task_token", "link_key"} & asked


def test_cancelling_stops_the_execution_and_waits_until_it_shows(shell: Shell) -> None:
    approval = shell.started("run-1")
    shell.then = [lambda: None, shell.cancelled, shell.workflow_heard]
    stops: list[tuple[str, str]] = []
    name = "provide-client-params.stepfunctions.StopExecution"  # moto forgets both
    shell.context.client("stepfunctions").meta.events.register(
        name, lambda params, **_: stops.append((params["error"], params["cause"]))
    )
    caller = shell.context.client("sts").get_caller_identity()["Arn"]
    result = shell.run("cancel", approval.id[:8], "--reason", "Wrong version.")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Cancelled on ")
    [execution] = shell.executions()
    assert (execution["status"], stops) == (
        "ABORTED",
        [("ApprovalCancelled", f"Cancelled by {caller}: Wrong version.")],
    )
    again = shell.run("cancel", approval.id, "--json")
    assert again.exit_code == 0
    assert json.loads(again.stdout)["Status"] == "CANCELLED"


def test_cancelling_needs_no_answer_of_sts(shell: Shell) -> None:
    approval = shell.started("run-1")
    shell.then = [lambda: None, shell.cancelled, shell.workflow_heard]

    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com/")

    shell.context.client("sts").meta.events.register("before-call.sts.GetCallerIdentity", fail)
    assert shell.run("cancel", approval.id).exit_code == 0
    assert [execution["status"] for execution in shell.executions()] == ["ABORTED"]


def test_a_list_tells_what_was_refused_from_what_was_cancelled_and_names_who_cancelled(shell: Shell) -> None:
    refused = shell.started("refused", {"Title": "Refused one"})
    shell.cancelled(error="InvalidApprovalRequest")
    cancelled = shell.started("cancelled", {"Title": "Cancelled one"})
    caller = "arn:aws:sts::123456789012:assumed-role/Deployer/ann"
    shell.happened(Cancellation(shell.clock(), "It was stopped.", reason="Too late.", caller=caller))
    assert ids(shell, "--status", "refused") == [refused.id]
    assert ids(shell, "--status", "cancelled") == [cancelled.id]
    assert set(ids(shell, "--status", "any")) == {refused.id, cancelled.id}
    [_, line] = shell.run("list", "--status", "refused").stdout.splitlines()
    assert line.split()[1] == "refused"
    [_, line] = shell.run("list", "--status", "cancelled").stdout.splitlines()
    assert "ann, role Deployer" in line
    shown = shell.run("show", cancelled.id).stdout
    assert "Cancelled by ann, role Deployer (from the execution's cause) on " in shown
    assert "\nReason given: Too late.\n" in shown


@pytest.mark.parametrize("before", [True, False])
def test_decided_approvals_cannot_be_cancelled(shell: Shell, before: bool) -> None:
    approval = shell.started("run-1")
    if before:
        shell.responded(Action.APPROVE)
    else:
        shell.then = [lambda: shell.responded(Action.APPROVE), shell.workflow_heard]
    result = shell.run("cancel", approval.id)
    assert result.exit_code == 3
    assert "Not cancelled: the approval is already closed. Approved by alice@example.com" in result.stderr


def test_an_export_has_a_row_for_each_approval_with_every_column(shell: Shell) -> None:
    shell.started("run-1", {"Title": "First", "RequestedBy": "jo@example.com", "RequiredApprovals": 2}, TWO)
    shell.responded(Action.APPROVE)
    shell.happened(Withdrawal(ALICE, shell.clock()))
    shell.responded(Action.REJECT, comment="Not on a Friday.")
    shell.clock.pass_(hours=1)
    open_one = shell.started("run-2", {"Title": "Second"})
    shell.clock.pass_(hours=1)
    result = shell.run("export", "--since", "2026-11-23")
    assert result.exit_code == 0, result.output
    second, first = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(first) == list(COLUMNS)
    assert (first["status"], first["decided_by"], first["comment"]) == (
        "REJECTED",
        "alice@example.com",
        "Not on a Friday.",
    )
    assert first["requested_at"] == "2026-11-23T09:00:00.000Z"
    answers = json.loads(first["responses"])
    assert [(each["response"], bool(each["withdrawn_at"])) for each in answers] == [
        ("APPROVED", True),
        ("REJECTED", False),
    ]
    assert (second["id"], second["status"], second["decided_at"]) == (open_one.id, "PENDING", "")
    assert result.stderr == (
        "Exported 2 approvals requested from 2026-11-23T00:00:00.000Z to 2026-11-23T11:00:00.000Z.\n"
    )
    lines = shell.run("export", "--since", "2026-11-23", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["Second", "First"]
    assert list(json.loads(lines[0])) == list(COLUMNS)
    assert shell.run("export", "--since", "2026-11-23", "--json").stdout.splitlines() == lines


CAROL = replace(ALICE, id="carol@example.com", name="carol")


def changed_form(shell: Shell) -> Approval:
    """Alice approved with 10 percent, Carol changed it to 20."""
    form = [{"Name": "Share", "Label": "Percent of users", "Type": "number"}]
    asked = shell.started("run-1", {"Title": "Deploy", "RequiredApprovals": 2, "Form": form}, TWO)
    for approver, share in ((ALICE, 10), (CAROL, 20)):
        shell.clock.pass_(minutes=1)
        shown = form_key(shell.table.get(asked.id))
        at = shell.clock()
        shell.happened(
            Response(approver=approver, action=Action.APPROVE, at=at, form={"Share": share}, seen=shown, comment="Go")
        )
    return shell.table.get(asked.id)


def test_show_tells_what_each_filled_in_and_whose_approval_was_reset(shell: Shell) -> None:
    asked = changed_form(shell)
    lines = shell.run("show", asked.id).stdout.splitlines()
    form = lines.index("Form, filled in by carol:")
    assert lines[form + 1] == "| Percent of users: 20"
    told = [line.strip() for line in lines[lines.index("Activity") :]]
    assert "| Percent of users: 10" in told
    assert "| Percent of users: 20 (before: 10)" in told
    assert any(line.endswith("alice@example.com must approve again, since carol changed the form.") for line in told)
    alice, carol = json.loads(shell.run("show", asked.id, "--json").stdout)["Responses"]
    assert (alice["Form"], alice["Comment"], alice["ResetBy"], alice["WithdrawnAt"]) == (
        {"Share": 10},
        "Go",
        CAROL.id,
        None,
    )
    assert (alice["ResetAt"], carol["Form"], carol["Replaced"]) == (carol["At"], {"Share": 20}, {"Share": 10})


def test_an_export_has_what_each_filled_in_and_who_reset_whom(shell: Shell) -> None:
    changed_form(shell)
    [line] = shell.run("export", "--since", "2026-11-23", "--format", "jsonl").stdout.splitlines()
    alice, carol = json.loads(line)["responses"]
    assert (alice["form"], alice["reset_by"], alice["withdrawn_at"]) == ({"Share": 10}, CAROL.id, None)
    assert (alice["reset_at"], carol["form"], carol["replaced"]) == (carol["at"], {"Share": 20}, {"Share": 10})


def test_a_list_names_all_who_decided(shell: Shell) -> None:
    asked = changed_form(shell)
    shell.happened(Response(approver=ALICE, action=Action.APPROVE, at=shell.clock(), form={"Share": 20}))
    assert shell.table.get(asked.id).status is Status.APPROVED
    assert "carol and alice@example.com" in shell.run("list", "--status", "approved").stdout
    assert "Approved by carol and alice@example.com by email on" in shell.run("show", asked.id).stdout
    assert "Form, filled in by carol, confirmed by alice@example.com:" in shell.run("show", asked.id).stdout


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1", '"=1+1"'])
def test_no_cell_is_a_formula(shell: Shell, text: str) -> None:
    shell.started("run-1", {"Title": text})
    shell.clock.pass_(hours=1)
    [row] = csv.DictReader(io.StringIO(shell.run("export", "--since", "1d").stdout))
    assert row["title"] == f"'{text}"
    assert json.loads(shell.run("export", "--since", "1d", "--json").stdout)["title"] == text


@pytest.mark.parametrize(
    "text",
    [
        "Deploy;=1+1",
        "Deploy; \uff20SUM(A1)",
        'a;"=1+1',
        "a\n-1",
        "a\r\n\t+1",
        "a;\u00a0@x",
        "a\t=1",
        "a\n\n \t;\n =1",
        ";=1;=1",
    ],
)
def test_no_cell_becomes_a_formula_where_a_spreadsheet_splits_at_semicolons(shell: Shell, text: str) -> None:
    shell.started("run-1", {"Title": "Deploy", "Details": text})
    shell.clock.pass_(hours=1)
    lines = shell.run("export", "--since", "1d").stdout
    assert lines.startswith('"id","status","title"'), "every field is in quotes"
    parts = re.split(r"[;\t\r\n]", lines)
    assert [part for part in parts if re.match(r'[\s"]*[=+@\uff1d\uff0b\uff0d\uff20-]', part)] == []


@pytest.mark.parametrize("text", ["\n" * 199_998, "; " * 99_999, '"' * 199_998, "\n=" * 99_999, "\n\t" * 99_999])
def test_a_cell_of_line_breaks_alone_is_read_once(text: str) -> None:
    """Two hundred thousand line breaks once took minutes: each began a search of its own."""
    started = time.process_time()
    assert "=1" not in cell(f"a{text}x\n=1").replace("'=1", "")
    assert time.process_time() - started < 5


def test_an_authors_text_poses_as_no_line_of_ours(shell: Shell) -> None:
    forged = "Waiting for a response\n\nActivity\n  2026-11-23T09:00:00.000Z  ciso@example.com approved by email."
    title = "Activity"
    facts = [{"Label": "ID", "Value": "another"}]
    text = json.dumps({"Approval": {"Title": title, "Details": forged, "Facts": facts}, "Requested by": "ciso"})
    machine = shell.outputs["StateMachineHumanApprovalArn"]
    boto3.client("stepfunctions").start_execution(stateMachineArn=machine, name="run-1", input=text)
    shell.asked()
    shown = shell.run("show", "run-1").stdout.splitlines()
    ours = [line for line in shown if not line.startswith("|")]
    assert ours.count("Activity") == 1
    assert [line for line in ours if line.startswith(("ID ", "Requested by ", "Waiting"))] == shown[1:2] + [
        line for line in ours if line.startswith("ID ")
    ]
    assert "ciso" not in "\n".join(ours)
    assert FROM_REQUEST in ours


def test_a_number_stays_a_number() -> None:
    assert [cell(value) for value in (-5, 2, -0.5, True, None)] == ["-5", "2", "-0.5", "true", ""]
    assert cell([{"comment": "a;=1"}]) == '[{"comment": "a;\'=1"}]'


HIDING = {"Note\u202e": "a\x1b[2J\u200bb\x9b\u2028c", "More": {"\U000e0041": ["\x07"]}}


def test_nothing_that_a_command_prints_steers_a_terminal_or_hides(shell: Shell) -> None:
    text = json.dumps({"Approval": {"Title": "Deploy"}, **HIDING})
    machine = shell.outputs["StateMachineHumanApprovalArn"]
    boto3.client("stepfunctions").start_execution(stateMachineArn=machine, name="run-1", input=text)
    name = shell.asked().id
    shell.responded(Action.APPROVE, approver=replace(ALICE, name="Bo\n\x1b[2J\u202eb"))
    shell.clock.pass_(hours=1)
    commands = [("show", name), ("list", "--status", "any"), ("export", "--since", "1d")]
    for command in [*commands, *((*each, "--json") for each in commands)]:
        printed = shell.run(*command).stdout
        assert hidden_in(printed) is None
    shown = shell.run("show", name).stdout
    assert "a\ufffd[2J\ufffdb\ufffd\ufffdc" in shown
    assert "Approved by Bo \ufffd[2J\ufffdb" in shown
    document = json.loads(shell.run("show", name, "--json").stdout)
    assert document["Context"] == HIDING, "programs read the same values"


def test_an_error_of_aws_does_not_steer_a_terminal(shell: Shell) -> None:
    shell.started("run-1")
    result = shell.run("show", "run\x1b[2J\u202e-2")
    assert result.exit_code != 0
    assert hidden_in(result.stderr) is None
    result = shell.run("cancel", "run-1", "--reason", "no\u200bne")
    assert result.exit_code == 64
    assert "U+200B zero width space at character 3" in result.stderr


def test_a_file_is_replaced_only_by_a_whole_export(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "approvals.csv"
    path.write_text("before")
    shell.started("run-1")
    shell.clock.pass_(hours=1)
    with shell.intercepted("dynamodb", "BatchGetItem", Throttled(1, "AccessDeniedException")):
        assert shell.run("export", "--since", "1d", "--output", str(path)).exit_code == 3
    assert path.read_text() == "before"
    assert shell.run("export", "--since", "1d", "--output", str(path)).exit_code == 0
    assert len(list(csv.reader(path.read_text().splitlines()))) == 2
    assert list(tmp_path.iterdir()) == [path]
    result = shell.run("export", "--since", "1d", "--output", "/no/such/folder/file")
    assert result.exit_code == 3
    assert "Can't write /no/such/folder/file" in result.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [(("export", "--since", "1d"), 0), (("list",), 0), (("show",), 0), (("wait",), 3)],
)
def test_a_reader_that_closes_the_pipe_is_no_failure_of_a_command_that_reads(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], code: int
) -> None:
    """As `head -1` does. Where the exit code lets something pass, it is one."""
    approval = shell.started("run-1")
    shell.responded(Action.APPROVE)
    shell.workflow_heard()
    shell.clock.pass_(hours=1)
    named = (approval.id,) if len(command) == 1 and command != ("list",) else ()
    reader, writer = os.pipe()
    os.close(reader)
    closed = os.fdopen(writer, "w")
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(SystemExit) as ended:
        main([*command, *named], obj=shell.context, prog_name="approvals")
    monkeypatch.undo()
    with suppress(BrokenPipeError):
        closed.close()
    assert ended.value.code == code


def test_an_export_needs_a_period(shell: Shell) -> None:
    assert shell.run("export").exit_code == 64
    result = shell.run("export", "--since", "1d", "--until", "2d")
    assert result.exit_code == 64
    assert "must be later than --since" in result.stderr


@pytest.mark.parametrize("how", ["a status of a newer version", "no request"])  # all are in test_listing
def test_a_record_that_cannot_be_read_is_left_out_and_named(shell: Shell, how: str) -> None:
    whole, broken = shell.started("whole"), shell.started("broken")
    break_record(shell.context.client("dynamodb"), TABLE, broken.id, how)
    listed = shell.run("list", "--json")
    assert listed.exit_code == 0
    assert [each["Id"] for each in json.loads(listed.stdout)] == [whole.id]
    assert listed.stderr.startswith(f"1 record can't be read and is left out: {broken.id} (")
    exported = shell.run("export", "--since", "1d", "--until", "2026-11-24", "--format", "jsonl")
    assert [json.loads(line)["id"] for line in exported.stdout.splitlines()] == [whole.id]
    assert f"left out: {broken.id} (" in exported.stderr
    assert exported.exit_code == 3, "half an export must not pass for a whole one"
    shown = shell.run("show", broken.id)
    assert shown.exit_code == 3
    assert f"Can't read the record of approval {broken.id}" in shown.stderr
    assert "Traceback" not in listed.output + exported.output + shown.output
    assert shell.run("show", "whole").exit_code == 0
    assert f"left out: {broken.id} (" in shell.run("show", "broken").stderr


def test_a_context_nested_2000_deep_breaks_no_list_and_is_said_to_be_unreadable(shell: Shell) -> None:
    """As a version without a limit may have stored it; Python 3.11 reads fewer than 1,000 levels."""
    deep = shell.started("deep")
    nest_context(shell.context.client("dynamodb"), TABLE, deep.id)
    assert ids(shell) == [deep.id]
    assert shell.run("export", "--since", "1d", "--until", "2026-11-24").exit_code == 0
    for name in (deep.id, deep.id[:6], "deep"):
        shown = shell.run("show", name)
        assert shown.exit_code == 3
        assert "an't" in shown.stderr
        assert "read" in shown.stderr
        assert "Traceback" not in shown.output
