"""`approvals` as CI runs it: a process without a terminal or anything on its standard input; the deployed stack."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pexpect
import pytest
from botocore.exceptions import ClientError

from approvals.domain.cancellation import caller_name
from approvals.domain.references import short
from approvals.domain.signed_links import is_approval_id
from demo import aws
from demo.person import Person, links
from demo.stack import EMAIL, LocalStack
from scripts.cli_reference import policy
from tests.support.cli_processes import COMMAND, SECONDS, Cli, ended
from tests.support.mcp_client import Process
from tests.support.polling import seen

CLOCK_SECONDS = 240
"""The clock ticks each minute; the machine may be slow."""

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (.+)")


@pytest.fixture(scope="module")
def cli(stack: LocalStack, aws_port: int) -> Cli:
    return Cli(aws_port)


@pytest.fixture(scope="module", autouse=True)
def unanswered_wait(cli: Cli) -> Iterator[subprocess.Popen[str]]:
    """Waits for an answer that nobody gives, from the first test of this file on."""
    asked = ("request", "--name", "cli-silent", "--title", "Silent", "--timeout-minutes", "1", "--wait")
    with cli.start(*asked) as process:
        yield process
        process.kill()


def asking(cli: Cli, name: str, *arguments: str) -> subprocess.Popen[str]:
    return cli.start("request", "--name", name, "--title", f"About {name}", "--wait", *arguments)


def answer(person: Person, name: str, action: str, comment: str = "") -> None:
    person.confirm(person.open(links(person.mail(name))[action]), comment)


def status(name: str, stack: LocalStack) -> str:
    arn = f"{stack.outputs['StateMachineHumanApprovalArn'].replace(':stateMachine:', ':execution:')}:{name}"
    return stack.executions.get(arn).status


def test_an_approval_by_email_exits_with_0_and_each_event_is_one_plain_line(cli: Cli, person: Person) -> None:
    process = asking(cli, "cli-approved")
    answer(person, "cli-approved", "approve", "Go.")
    code, out, err = ended(process)
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    told = [found[2] for line in out.splitlines() if (found := LINE.fullmatch(line))]
    assert told[0] == "Requested."
    assert any(EMAIL in line for line in told[1:3]), "the request was sent"
    assert f"{EMAIL} approved by email: \u201cGo.\u201d" in told
    assert told[-2:] == [f"Approved by {EMAIL}.", "The workflow received the decision."]


def test_a_rejection_exits_with_1_and_json_has_the_result(cli: Cli, person: Person) -> None:
    process = asking(cli, "cli-rejected", "--json")
    answer(person, "cli-rejected", "reject", "Not on a Friday.")
    code, out, err = ended(process)
    assert code == 1
    result = json.loads(out)["Result"]
    assert (result["Decision"], result["Comment"], result["DecidedBy"]) == ("REJECTED", "Not on a Friday.", EMAIL)
    events = [json.loads(line)["Event"] for line in err.splitlines()]
    assert events[0] == "ApprovalRequested"
    assert events[-1] == "WorkflowResumed"


def test_a_cancelled_approval_exits_with_2(cli: Cli, person: Person, stack: LocalStack) -> None:
    process = asking(cli, "cli-cancelled")
    person.mail("cli-cancelled")
    code, out, _ = ended(cli.start("cancel", "cli-cancelled", "--reason", "Wrong version."), CLOCK_SECONDS)
    assert code == 0
    caller = caller_name(aws.session().client("sts").get_caller_identity()["Arn"])
    assert out.startswith(f"Cancelled by {caller} (from the execution's cause) on ")
    assert "\nReason given: Wrong version.\n" in out
    told = person.mail("cli-cancelled", outcome=True)["text"]
    assert told.startswith(f"Cancelled by {caller} (from the execution's cause) on ")
    assert "\nReason given:\n| Wrong version.\n" in told
    assert ended(process)[0] == 2
    assert status("cli-cancelled", stack) == "ABORTED"


def test_an_approver_whom_no_email_reaches_exits_with_3_and_says_why(cli: Cli) -> None:
    code, out, _ = ended(asking(cli, "cli-unreachable", "--approver", "nobody@example.com"))
    assert code == 3
    assert "nobody@example.com" in out.splitlines()[-1]


def test_without_wait_an_approver_whom_no_mail_reaches_is_no_success_either(cli: Cli) -> None:
    asked = ("request", "--name", "cli-refused", "--title", "Refused", "--approver", "nobody@example.com")
    code, out, _ = ended(cli.start(*asked))
    assert code == 3
    assert "nobody@example.com" in out.splitlines()[-1]


def test_the_same_name_and_input_find_the_same_approval_and_its_outcome(cli: Cli, person: Person) -> None:
    again = ("request", "--name", "cli-again", "--title", "Again", "--json")
    asked = json.loads(cli.run(*again))
    assert json.loads(cli.run(*again, "--output", "json", "--local"))["Id"] == asked["Id"]
    answer(person, "cli-again", "approve")
    assert ended(cli.start("wait", asked["Id"]))[0] == 0
    code, out, _ = ended(cli.start(*again, "--wait"))
    assert (code, json.loads(out)["Id"]) == (0, asked["Id"])
    assert ended(cli.start("request", "--name", "cli-again", "--title", "Another"))[0] == 3


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("cancel", [True, False])
def test_an_interrupt_cancels_only_when_asked_to(
    cli: Cli, person: Person, stack: LocalStack, by: signal.Signals, *, cancel: bool
) -> None:
    name = f"cli-{by.name.lower()}-{cancel}".lower()
    process = asking(cli, name, *(["--cancel-on-interrupt"] if cancel else []))
    person.mail(name)
    process.send_signal(by)
    code, _, err = ended(process)
    assert code == 130
    if cancel:
        assert "The request is cancelled." in err
        assert seen(lambda: status(name, stack) if status(name, stack) != "RUNNING" else None, "its end") == "ABORTED"
    else:
        assert "still open" in err
        assert status(name, stack) == "RUNNING"
        waiting = cli.start("wait", name)
        answer(person, name, "approve")
        assert ended(waiting)[0] == 0


def test_usage_errors_exit_with_64_and_start_nothing(cli: Cli) -> None:
    code, out, err = ended(cli.start("request", "--name", "cli-wrong", "--approver", "ann", "--wait"))
    assert (code, out) == (64, "")
    assert "Approval.Approvers" in err
    assert ended(cli.start("show", "cli-wrong"))[0] == 3


def test_a_request_is_listed_shown_and_exported(cli: Cli, person: Person) -> None:
    asked = json.loads(cli.run("request", "--name", "cli-shown", "--title", "=1+1", "--json"))
    assert is_approval_id(asked["Id"])
    person.mail("cli-shown")
    assert asked["Id"] in [each["Id"] for each in json.loads(cli.run("list", "--search", "cli-shown", "--json"))]
    assert short(asked["Id"]) in cli.run("list")
    assert EMAIL in cli.run("show", asked["Id"][:6])
    answer(person, "cli-shown", "approve")
    [row] = [
        each for each in csv.DictReader(cli.run("export", "--since", "1d").splitlines()) if each["id"] == asked["Id"]
    ]
    assert (row["title"], row["status"], row["decided_by"]) == ("'=1+1", "APPROVED", EMAIL)


def test_an_added_approver_can_be_asked_and_a_removed_one_not(cli: Cli, person: Person) -> None:
    cli.run("approvers", "add", "dora@example.com")
    listed = {each["Address"]: each for each in json.loads(cli.run("approvers", "list", "--json"))}
    assert listed["dora@example.com"]["Recipients"] == ["dora@example.com"]
    assert EMAIL in listed
    process = asking(cli, "cli-dora", "--approver", "dora@example.com")
    person.confirm(person.open(links(person.mail("cli-dora", to="dora@example.com"))["approve"]))
    assert ended(process)[0] == 0
    cli.run("approvers", "remove", "dora@example.com")
    assert ended(asking(cli, "cli-no-dora", "--approver", "dora@example.com"))[0] == 3
    assert ended(cli.start("approvers", "remove", EMAIL))[0] == 3


def test_a_terminal_sees_colours_and_what_is_waited_for(cli: Cli, person: Person) -> None:
    arguments = ["request", "--name", "cli-terminal", "--title", "On a terminal", "--wait"]
    terminal = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], *arguments], env=cli.environ | {"TERM": "xterm"}, timeout=SECONDS, encoding="utf-8"
    )
    try:
        terminal.expect("Waiting for a response until .+ \\(in .+ min\\)\\. Ctrl-C stops waiting")
        answer(person, "cli-terminal", "approve")
        terminal.expect("\r\x1b\\[K")
        terminal.expect("\x1b\\[32m\x1b\\[1mApproved by ")
        terminal.expect(pexpect.EOF)
        assert "waiting" not in (terminal.before or ""), "the line is taken away at the end"
    finally:
        terminal.close()
    assert terminal.exitstatus == 0


@pytest.fixture(scope="module")
def user(stack: LocalStack) -> dict[str, str]:
    """The environment of somebody who has the rights of docs/cli.md and no others."""
    iam = aws.session().client("iam")
    iam.create_user(UserName="cli-user")
    rights = policy(aws.ACCOUNT, aws.REGION, "human-approval", dict(stack.outputs))
    # The emulator does not see which attributes a BatchGetItem names: tests/functional/test_listing.py does.
    [read] = [statement for statement in rights["Statement"] if statement["Sid"] == "Read"]
    del read["Condition"]
    iam.put_user_policy(UserName="cli-user", PolicyName="cli", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName="cli-user")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def test_the_documented_rights_are_enough_and_decide_nothing(
    cli: Cli, person: Person, stack: LocalStack, user: dict[str, str]
) -> None:
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    environ = cli.environ | user | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": aws.REGION}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*COMMAND[:-1], *arguments]
        return subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
        )

    asked = run("request", "--name", "cli-rights", "--title", "Rights", "--json")
    assert asked.returncode == 0, asked.stderr
    approval_id = json.loads(asked.stdout)["Id"]
    for command in (
        ["show", "cli-rights"],
        ["list"],
        ["list", "--status", "any"],
        ["export", "--since", "1d"],
        ["approvers", "add", "rights@example.com"],
        ["approvers", "list"],
        ["approvers", "remove", "rights@example.com"],
        ["cancel", approval_id],
    ):
        done = run(*command)
        assert done.returncode == 0, (command, done.stderr)
    session = boto3.Session(user["AWS_ACCESS_KEY_ID"], user["AWS_SECRET_ACCESS_KEY"], region_name=aws.REGION)
    table, key = stack.outputs["ApprovalTableName"], {"id": {"S": approval_id}}
    attempts: list[Callable[[], object]] = [
        lambda: session.client("dynamodb").get_item(TableName=table, Key=key),
        lambda: session.client("dynamodb").scan(TableName=table),
        lambda: session.client("dynamodb").delete_item(TableName=table, Key=key),
        lambda: session.client("stepfunctions").send_task_success(taskToken="any", output="{}"),
        lambda: session.client("sns").publish(TopicArn=stack.outputs["ApprovalTopicArn"], Message="x"),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError|not authorized"):
            attempt()


def test_silence_exits_with_2(unanswered_wait: subprocess.Popen[str]) -> None:
    code, out, _ = ended(unanswered_wait, CLOCK_SECONDS)
    assert code == 2
    assert "Expired" in out


# `approvals mcp`: each call by the official client, in a process of its own.

ACTION = {"tool": "drop_table", "arguments": {"table": "orders_2019", "rows": 9007199254740993}}


@pytest.fixture
def agent(cli: Cli) -> Process:
    return Process(cli.environ, ("--local",))


def answer_about(person: Person, title: str, action: str, comment: str) -> None:
    """Answer the request with this title. Its execution has a name that `approvals mcp` chose."""
    mail = person.wait(lambda state: next((each for each in state["inbox"] if title in each["text"]), None))
    person.confirm(person.open(links(mail)[action]), comment)


def granted(agent: Process, person: Person, title: str) -> str:
    """Request an approval, approve it by the link of its email, and return the grant ID."""
    asked = agent.ask("request_approval", {"title": title, "action": ACTION, "timeout_minutes": 10})
    assert not asked.failed, asked.text
    approval_id = asked.content["approval_id"]
    pending = agent.ask("wait_for_approval", {"approval_id": approval_id, "seconds": 0})
    assert (pending.content["status"], pending.content["grant_id"]) == ("PENDING", None)
    answer_about(person, title, "approve", "Go.")
    approved = agent.ask("wait_for_approval", {"approval_id": approval_id})
    assert (approved.content["status"], approved.content["decided_by"]) == ("APPROVED", EMAIL), approved.text
    return str(approved.content["grant_id"])


def test_an_agent_requests_waits_and_spends_once_exactly_what_was_approved(agent: Process, person: Person) -> None:
    grant_id = granted(agent, person, "mcp-story")
    another = {**ACTION, "arguments": {"table": "orders_2019", "rows": 9007199254740992}}
    spends = [agent.ask("spend_approval", {"grant_id": grant_id, "action": action}) for action in (another, ACTION)]
    spends += [agent.ask("spend_approval", {"grant_id": grant_id, "action": action}) for action in (ACTION, another)]
    changed, spent, again, other = spends
    assert [each.failed for each in spends] == [True, False, True, True]
    assert changed.text.startswith("ActionChanged: ")
    assert "/arguments/rows" in changed.text
    assert (spent.content["ok"], spent.content["decided_by"]) == (True, EMAIL)
    assert again.text.startswith("GrantSpent: ")
    assert other.text.startswith("ActionChanged: ")
    unknown = agent.ask("spend_approval", {"grant_id": f"{grant_id[:-1]}x", "action": ACTION})
    assert unknown.text.startswith("GrantUnknown: ")
    assert all(grant_id not in each.text + each.errors for each in (*spends, unknown))


def test_servers_that_spend_at_once_spend_once(agent: Process, person: Person) -> None:
    arguments = {"grant_id": granted(agent, person, "mcp-race"), "action": ACTION}
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: agent.ask("spend_approval", arguments), range(3)))
    assert sorted(each.failed for each in answers) == [False, True, True]
    assert all(each.text.startswith("GrantSpent: ") for each in answers if each.failed)


def test_a_rejection_tells_the_agent_why_and_gives_no_grant(agent: Process, person: Person) -> None:
    asked = agent.ask("request_approval", {"title": "mcp-rejected", "action": ACTION})
    answer_about(person, "mcp-rejected", "reject", "Still audited.")
    rejected = agent.ask("wait_for_approval", {"approval_id": asked.content["approval_id"]}).content
    assert (rejected["status"], rejected["comment"], rejected["grant_id"]) == ("REJECTED", "Still audited.", None)


def test_a_client_that_leaves_during_a_wait_ends_the_server(agent: Process, cli: Cli) -> None:
    asked = agent.ask("request_approval", {"title": "mcp-left", "action": ACTION}).content["approval_id"]
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    wait = {"name": "wait_for_approval", "arguments": {"approval_id": asked}}
    with cli.start("mcp", stdin=subprocess.PIPE) as server:
        assert server.stdin
        for number, (method, params) in enumerate([("initialize", hello), ("tools/call", wait)]):
            line = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            server.stdin.write(f"{json.dumps(line)}\n")
            server.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(8)
        code, out, err = ended(server, 20)  # It closes standard input.
    assert (code, err) == (0, "")
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())
