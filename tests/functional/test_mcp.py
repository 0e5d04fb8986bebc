"""`approvals mcp`: what an agent's calls start, and what its model reads. Each call gets a server of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import anyio
import pytest
from anyio import to_thread
from botocore.exceptions import ClientError
from mcp import Client
from mcp.server import Server
from mcp_types import CallToolRequestParams, CallToolResult

from approvals.domain.model import Action
from cli.commands import COMMANDS
from cli.commands.mcp import MISSING
from cli.context import Context
from cli.mcp_arguments import MAX_SECONDS, RequestArguments
from cli.mcp_server import _sleep, server
from cli.mcp_tools import Fixed
from demo.process import ROOT
from tests.support.mcp_client import Answer, Process, ask
from tests.support.shell import Shell
from tests.support.spend_function import CALLER, FUNCTION, GRANT_ID, SpendFunction, refused

ACTION = {"tool": "drop_table", "arguments": {"table": "orders_2019", "rows": 9007199254740993}}
REQUEST: Mapping[str, Any] = {"title": "Drop orders_2019", "action": ACTION}
GRANT = {"Id": "an-approval.0123456789abcdef", "Uses": 1, "ValidUntil": "2026-11-25T13:00:00.000Z"}


class Agent:
    """Calls the tools as an agent's client does: each time with a new server."""

    def __init__(self, shell: Shell, fixed: Mapping[str, Any] | None = None) -> None:
        self.shell = shell
        self.fixed = Fixed(fixed or {})
        self.end: dict[str, str] = {}
        self.function = SpendFunction()
        shell.outputs["SpendFunctionArn"] = FUNCTION

    def ask(self, tool: str, **arguments: Any) -> Answer:
        return ask(self.server(), tool, arguments)

    def server(self) -> Server[Any]:
        return server(self._context, self.fixed)

    def _context(self) -> Context:
        context = self.shell.a_context()
        # moto's executions run until they are stopped.
        context.client("stepfunctions").meta.events.register("after-call.stepfunctions.DescribeExecution", self._end)
        self.function.connect(context.client("lambda"), context.client("sts"))
        return context

    def _end(self, parsed: dict[str, Any], **_: Any) -> None:
        parsed.update(self.end)

    def ends(self, result: Mapping[str, Any]) -> None:
        """Let the execution end with a result, as it does after its approval is decided."""
        self.end = {"status": "SUCCEEDED", "output": json.dumps({"Approval": {"Result": result}})}

    def request(self, **changes: Any) -> str:
        """Request an approval that is recorded while the tool waits. Return its ID."""
        self.shell.then = [self.shell.asked]
        answer = self.ask("request_approval", **{**REQUEST, **changes})
        assert not answer.failed, answer.text
        return str(answer.content["approval_id"])

    def wait(self, approval_id: str, seconds: int = MAX_SECONDS) -> Answer:
        return self.ask("wait_for_approval", approval_id=approval_id, seconds=seconds)


@pytest.fixture
def agent(shell: Shell) -> Agent:
    return Agent(shell)


def asked(shell: Shell) -> Any:
    return json.loads(shell.executions()[-1]["input"])


def test_the_official_client_finds_three_tools_after_the_handshake() -> None:
    """The real process, without AWS."""
    found, errors = Process({"AWS_REGION": "eu-west-1"}).session(lambda session: session.list_tools())
    tools = {tool.name: tool for tool in found.tools}
    assert list(tools) == ["request_approval", "wait_for_approval", "spend_approval"]
    assert errors == ""
    for tool in tools.values():
        assert tool.input_schema["additionalProperties"] is False
        assert all("description" in each for each in tool.input_schema["properties"].values())
        assert tool.output_schema
        assert "next" in tool.output_schema["properties"]
    hints = {name: tool.annotations and tool.annotations.read_only_hint for name, tool in tools.items()}
    assert hints == {"request_approval": False, "wait_for_approval": True, "spend_approval": False}


def test_a_request_has_what_the_agent_said_and_a_grant_for_one_use(agent: Agent, shell: Shell) -> None:
    approval_id = agent.request(
        details="**Free space.**",
        facts={"Rows": 12, "Table": "orders_2019"},
        approvers=["ann@example.com"],
        requested_by="ro@example.com",
        timeout_minutes=15,
        valid_minutes=5,
    )
    assert asked(shell)["Approval"] == {
        "Title": "Drop orders_2019",
        "Action": ACTION,
        "Details": "**Free space.**",
        "Facts": [{"Label": "Rows", "Value": 12}, {"Label": "Table", "Value": "orders_2019"}],
        "Approvers": ["ann@example.com"],
        "RequestedBy": "ro@example.com",
        "TimeoutMinutes": 15,
        "Grant": {"Uses": 1, "ValidMinutes": 5},
    }
    assert approval_id == shell.newest().id


def test_an_action_in_a_text_is_the_same_action(agent: Agent, shell: Shell) -> None:
    agent.request(action=json.dumps(ACTION))
    assert asked(shell)["Approval"]["Action"] == ACTION


def test_a_request_that_is_recorded_late_can_be_waited_for(agent: Agent, shell: Shell) -> None:
    answer = agent.ask("request_approval", **REQUEST)
    name = shell.executions()[-1]["name"]
    assert (answer.content["approval_id"], answer.content["status"]) == (name, "PENDING")
    approval = shell.asked()
    assert agent.wait(name, 0).content["approval_id"] == approval.id


def test_a_request_that_may_have_started_is_not_requested_again_at_once(
    agent: Agent, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")
    monkeypatch.setattr("cli.mcp_tools.Watch.accepted", Mock(side_effect=busy))
    answer = agent.ask("request_approval", **REQUEST)
    assert answer.content["approval_id"] == shell.executions()[-1]["name"]
    assert "AWS is throttling" in answer.content["next"]
    assert "may have started. Call wait_for_approval" in answer.content["next"]


def test_a_client_without_a_handshake_gets_one_line_for_one_line() -> None:
    """As of the protocol's version 2026-07-28, which has no sessions."""
    of_client = {"protocolVersion": "2026-07-28", "clientInfo": {"name": "t", "version": "1"}, "clientCapabilities": {}}
    meta = {f"io.modelcontextprotocol/{key}": value for key, value in of_client.items()}
    line = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}}
    ran = subprocess.run(
        [sys.executable, "-m", "cli", "mcp"],
        input=f"{json.dumps(line)}\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [answered] = map(json.loads, ran.stdout.splitlines())
    assert (answered["id"], len(answered["result"]["tools"]), ran.stderr) == (7, 3, "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"approver": ["ann@example.com"]}, "approver: unknown argument. Did you mean approvers?"),
        ({"title": None}, "title: "),
        ({"title": "x" * 301}, "Approval.Title: "),
        ({"action": "drop_table"}, "action: use a JSON object."),
        ({"action": ["drop_table"]}, "action: use a JSON object."),
        ({"action": '{"table": "a", "table": "b"}'}, 'action: the key "table" is a duplicate.'),
        ({"action": '{"rows": NaN}'}, "action is not valid JSON"),
        ({"action": '{"rows": 1e400}'}, "action.rows: inf can't be written as JSON"),
        ({"action": '{"a":' * 900 + "1" + "}" * 900}, "nested too deeply"),
        ({"action": {"table": "\ud800"}}, "half of a surrogate pair"),
        ({"action": {"sql": "x" * 300_000}}, "bytes"),
        ({"approvers": ["nobody"]}, "Approval.Approvers[0]"),
        ({"approvers": "ann@example.com"}, "approvers: "),
        ({"valid_minutes": 0}, "Approval.Grant.ValidMinutes"),
        ({"timeout_minutes": "15"}, "timeout_minutes: "),
        ({"facts": {"Rows": None}}, "facts.Rows"),
    ],
)
def test_a_wrong_request_starts_nothing_and_says_what_is_wrong(
    agent: Agent, shell: Shell, changes: dict[str, Any], said: str
) -> None:
    answer = agent.ask("request_approval", **{**REQUEST, **changes})
    assert answer.failed
    assert said in answer.text
    assert shell.executions() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_an_action_that_is_no_json_starts_nothing(agent: Agent, shell: Shell, value: Any) -> None:
    """Past the client, which sends none of these; others may."""
    called = agent.server().get_request_handler("tools/call")
    assert called
    arguments = {**REQUEST, "action": {"rows": value}}
    handler: Any = called.handler
    result = anyio.run(handler, None, CallToolRequestParams(name="request_approval", arguments=arguments))
    assert isinstance(result, CallToolResult)
    assert result.is_error
    assert "The request is not valid" in result.model_dump_json()
    assert shell.executions() == []


def test_a_cancelled_wait_ends_at_once_and_the_next_call_is_answered(agent: Agent, shell: Shell) -> None:
    approval_id = agent.request()
    began, ended = threading.Event(), threading.Event()

    def sleep(_seconds: float) -> None:
        began.set()
        _sleep(1000)
        ended.set()

    def context() -> Context:
        found = shell.a_context()
        found.sleep = sleep
        return found

    async def run() -> CallToolResult:
        waiting = {"approval_id": approval_id}
        async with Client(server(context, Fixed()), mode="legacy") as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "wait_for_approval", waiting)
                await to_thread.run_sync(began.wait)
                group.cancel_scope.cancel()
            return await client.call_tool("wait_for_approval", {**waiting, "seconds": 0})

    result = anyio.run(run)
    assert result.structured_content
    assert result.structured_content["status"] == "PENDING"
    assert not ended.is_set()


def test_a_deep_action_starts_nothing(agent: Agent, shell: Shell) -> None:
    deep: Any = {}
    for _ in range(65):
        deep = {"a": deep}
    answer = agent.ask("request_approval", **{**REQUEST, "action": deep})
    assert answer.failed
    assert "nested deeper" in answer.text
    assert shell.executions() == []


def test_an_agent_cannot_change_what_the_operator_fixed(shell: Shell) -> None:
    agent = Agent(shell, {"Approvers": ["ann@example.com"], "Severity": "high", "Grant": {"ValidMinutes": 2}})
    agent.request()
    assert asked(shell)["Approval"] == {
        "Approvers": ["ann@example.com"],
        "Severity": "high",
        "Grant": {"ValidMinutes": 2},
        "Title": "Drop orders_2019",
        "Action": ACTION,
    }
    for changes in ({"approvers": ["eve@example.com"]}, {"valid_minutes": 60}):
        answer = agent.ask("request_approval", **REQUEST, **changes)
        assert answer.failed
        assert "set by the operator" in answer.text
    assert len(shell.executions()) == 1


def test_an_argument_that_the_operator_fixed_is_not_offered(tmp_path: Path) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text("Approvers: [ann@example.com]\nSeverity: high\n")
    found, _ = Process({"AWS_REGION": "eu-west-1"}, ("--file", str(file))).session(lambda each: each.list_tools())
    [offered] = [tool.input_schema["properties"].keys() for tool in found.tools if tool.name == "request_approval"]
    assert offered == RequestArguments.model_fields.keys() - {"approvers"}


@pytest.mark.parametrize("seconds", [0, 1, 2, 11, MAX_SECONDS])
def test_a_wait_ends_in_time_and_says_to_wait_again(agent: Agent, shell: Shell, seconds: int) -> None:
    approval_id = agent.request()
    began = shell.clock()
    answer = agent.wait(approval_id, seconds)
    assert (shell.clock() - began).total_seconds() <= seconds
    assert (answer.failed, answer.content["status"], answer.content["grant_id"]) == (False, "PENDING", None)
    assert "Call wait_for_approval again" in answer.content["next"]


@pytest.mark.parametrize("seconds", [-1, MAX_SECONDS + 1, 10**30])
def test_a_longer_wait_is_refused(agent: Agent, seconds: int) -> None:
    answer = agent.wait("a", seconds)
    assert answer.failed
    assert "seconds: " in answer.text


def test_an_approved_request_returns_the_grant_of_the_executions_output(agent: Agent, shell: Shell) -> None:
    approval_id = agent.request()
    shell.then = [
        lambda: shell.responded(Action.APPROVE, comment="Go."),
        shell.workflow_heard,
        lambda: agent.ends({"Decision": "APPROVED", "Grant": GRANT}),
    ]
    assert agent.wait(approval_id).content == {
        "approval_id": approval_id,
        "status": "APPROVED",
        "decided_by": "alice@example.com",
        "comment": "Go.",
        "grant_id": GRANT["Id"],
        "valid_until": GRANT["ValidUntil"],
        "next": "Call spend_approval with grant_id and the approved action. Execute it only after that succeeds.",
    }


def test_an_approval_whose_execution_still_runs_has_no_grant_yet(agent: Agent, shell: Shell) -> None:
    approval_id = agent.request()
    shell.responded(Action.APPROVE)
    shell.workflow_heard()
    answer = agent.wait(approval_id, 4)
    assert (answer.content["status"], answer.content["grant_id"]) == ("APPROVED", None)
    assert "again to get grant_id" in answer.content["next"]


@pytest.mark.parametrize(
    "output", [None, [], {}, {"Approval": "x"}, *({"Approval": {"Result": each}} for each in ("x", {}, {"Grant": "x"}))]
)
def test_an_output_of_another_state_machine_without_a_grant_is_told(agent: Agent, shell: Shell, output: Any) -> None:
    approval_id = agent.request()
    shell.responded(Action.APPROVE)
    shell.workflow_heard()
    agent.end = {"status": "SUCCEEDED", "output": json.dumps(output)}
    answer = agent.wait(approval_id)
    assert answer.failed
    assert answer.text.startswith(("The output of execution", "The approval can't be spent"))


@pytest.mark.parametrize(
    ("end", "status", "comment", "said"),
    [
        (lambda shell: shell.responded(Action.REJECT, comment="Too late."), "REJECTED", "Too late.", "who rejected"),
        (lambda shell: shell.expired(), "EXPIRED", None, "Nobody approved"),
        (lambda shell: shell.cancelled(), "CANCELLED", "The execution was stopped", "Nobody approved"),
        (lambda shell: shell.cancelled(error="NotificationFailed"), "REFUSED", "The execution", "Nobody approved"),
    ],
)
def test_every_other_end_says_not_to_execute(
    agent: Agent, shell: Shell, end: Any, status: str, comment: str | None, said: str
) -> None:
    approval_id = agent.request()
    end(shell)
    shell.workflow_heard()
    content = agent.wait(approval_id).content
    assert (content["status"], content["grant_id"]) == (status, None)
    assert (content["comment"] or "").startswith(comment or "")
    assert said in content["next"]
    assert "Do not execute the action." in content["next"]


@pytest.mark.parametrize(
    "wanted", ["a" * 32, "", "no-such-execution", "arn:aws:states:x:1:execution:other:y", "\ud800"]
)
def test_an_unknown_approval_is_an_error_with_the_next_step(agent: Agent, wanted: str) -> None:
    answer = agent.wait(wanted)
    assert answer.failed
    assert "request_approval returned" in answer.text


def test_a_spend_sends_the_action_and_says_to_execute_it_once(agent: Agent) -> None:
    answer = agent.ask("spend_approval", grant_id=GRANT_ID, action=ACTION)
    assert (answer.failed, answer.content["ok"], answer.content["decided_by"]) == (False, True, "Ann")
    assert "Execute exactly this action now, once." in answer.content["next"]
    [sent] = agent.function.payloads
    assert (sent["GrantId"], sent["Action"], sent["SpentBy"]) == (GRANT_ID, ACTION, CALLER)


def test_each_spend_has_a_key_of_its_own(agent: Agent) -> None:
    for _ in range(3):
        agent.ask("spend_approval", grant_id=GRANT_ID, action=json.dumps(ACTION))
    assert len({sent["Key"] for sent in agent.function.payloads}) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GrantSpent", "Do not execute the action. If it is still wanted, request a new approval."),
        ("GrantExpired", "Do not execute the action. If it is still wanted, request a new approval."),
        ("ActionChanged", "Spend the action exactly as it was approved"),
        ("GrantUnknown", "Use the grant_id that wait_for_approval returned."),
        ("InvalidSpend", "Correct the arguments"),
    ],
)
def test_a_refused_spend_names_the_error_and_says_what_to_do(agent: Agent, name: str, said: str) -> None:
    agent.function.answers = [refused(name, "The reason.")]
    answer = agent.ask("spend_approval", grant_id=GRANT_ID, action=ACTION)
    assert answer.failed
    assert answer.text.startswith(f"{name}: The reason. ")
    assert said in answer.text


def test_a_spend_function_that_fails_lets_nothing_execute(agent: Agent, shell: Shell) -> None:
    agent.function.answers = [refused("Runtime.ExitError")]
    answer = agent.ask("spend_approval", grant_id=GRANT_ID, action=ACTION)
    assert answer.failed
    assert "Do not execute the action." in answer.text


@pytest.mark.parametrize("arguments", [{"grant_id": 5}, {"grant_id": GRANT_ID, "actoin": {}}, {"action": "drop"}])
def test_a_wrong_spend_is_not_sent_and_its_error_repeats_no_value(agent: Agent, arguments: dict[str, Any]) -> None:
    answer = agent.ask("spend_approval", **arguments)
    assert answer.failed
    assert GRANT_ID not in answer.text
    assert agent.function.payloads == []


@pytest.mark.parametrize("tool", ["request_approval", "wait_for_approval", "spend_approval", "approve"])
def test_a_call_without_arguments_is_an_error(agent: Agent, tool: str) -> None:
    answer = agent.ask(tool)
    assert answer.failed
    assert "required" in answer.text or "The tools are: request_approval" in answer.text


def test_an_unexpected_error_is_no_traceback_and_repeats_no_argument(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "a" * 32

    def broken(*_: Any) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr("cli.mcp_tools.find", broken)
    answer = agent.wait(secret)
    assert answer.failed
    assert answer.text == "wait_for_approval failed: a bug of `approvals mcp` (RuntimeError). Tell the user."
    assert "RuntimeError in wait_for_approval" in caplog.text
    assert "mcp_tools.py" in caplog.text
    assert secret not in caplog.text


WITHOUT_SDK = "import sys; sys.modules.update(dict.fromkeys(('mcp', 'mcp_types', 'pydantic', 'anyio')));"


def test_without_the_extra_the_command_says_how_to_install_it() -> None:
    code = f"{WITHOUT_SDK} from cli.__main__ import main; main(['mcp'], prog_name='approvals')"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", f"Error: {MISSING}\n")


def test_without_the_extra_every_command_can_be_loaded() -> None:
    code = f"{WITHOUT_SDK} from cli.commands import COMMANDS, load; print(len([load(each) for each in COMMANDS]))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.stderr) == (str(len(COMMANDS)), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Title: Deploy", "each request of the agent has its own Title"),
        ('{"Approval": {"Action": 1}}', "each request of the agent has its own Action"),
        ('{"Approval": 1}', "must be an object"),
    ],
)
def test_a_wrong_file_is_a_usage_error(shell: Shell, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text(text)
    result = shell.run("mcp", "--file", str(file))
    assert result.exit_code == 64
    assert said in result.output


def test_standard_input_is_the_clients(shell: Shell) -> None:
    result = shell.run("mcp", "--file", "-")
    assert result.exit_code == 64
    assert "standard input belongs to the client" in result.output
