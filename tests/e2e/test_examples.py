"""Every example in examples/, deployed or run as it stands there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from approvals.domain.forms import YES
from demo import aws
from demo.deploy import _BUCKET, _SAM
from demo.executions import Execution, Executions
from demo.person import Person, links
from demo.process import ROOT
from demo.stack import EMAIL, LocalStack
from tests.support.caller_role import caller_role
from tests.support.examples import EXAMPLES, load_gate
from web.form_inputs import SURE

AUTHOR = "jo@example.com"


@pytest.fixture(scope="module")
def approval_machine(stack: LocalStack) -> str:
    return stack.outputs["StateMachineHumanApprovalArn"]


def answer(person: Person, about: str, action: str, comment: str = "") -> str:
    """Answer the request of an email as an approver who confirms. Return the email's text."""
    mail = person.wait(
        lambda state: next((each for each in state["inbox"] if about in each["text"]), None), f"no mail about {about}"
    )
    assert person.confirm(person.open(links(mail)[action]), comment, **{SURE: YES}).status == 200
    return str(mail["text"])


def ended(person: Person, executions: Executions, arn: str) -> Execution:
    def look(_state: object) -> Execution | None:
        found = executions.get(arn)
        return found if found.status != "RUNNING" else None

    return person.wait(look, f"{arn} did not end")


# State machines that ask in a nested execution.


@pytest.fixture(scope="module", params=["nested.jsonpath", "nested.jsonata"])
def nested(request: pytest.FixtureRequest, approval_machine: str) -> Executions:
    """The definition, with the ARN in its place and a role that may do what examples/README.md says."""
    name = request.param.replace(".", "-")
    text = (EXAMPLES / f"{request.param}.asl.json").read_text()
    created = (
        aws.session()
        .client("stepfunctions", config=aws.CONFIG)
        .create_state_machine(
            name=name,
            roleArn=caller_role(approval_machine, name),
            definition=text.replace("${StateMachineHumanApprovalArn}", approval_machine),
        )
    )
    return Executions(created["stateMachineArn"])


@pytest.mark.parametrize(("action", "last"), [("approve", "Deploy"), ("reject", "Rejected")])
def test_a_nested_execution_asks_and_takes_the_branch(
    nested: Executions, person: Person, action: str, last: str
) -> None:
    arn = nested.start(None, json.dumps({"Author": AUTHOR, "Version": f"3.{id(nested)}-{action}"}))
    text = answer(person, f"3.{id(nested)}-{action}", action)
    assert AUTHOR in text
    execution = ended(person, nested, arn)
    assert execution.states[-1].name == last
    if action == "approve":
        assert execution.output["Version"] == f"3.{id(nested)}-approve"
        result = execution.output["Approval"]
        assert (result["Decision"], result["DecidedBy"], result["Comment"]) == ("APPROVED", EMAIL, None)
    else:
        assert (execution.error, execution.cause) == ("Rejected", EMAIL)


def test_a_nested_execution_that_fails_takes_the_third_branch(nested: Executions, person: Person) -> None:
    """Here because who asks is no person; in the same way when the request expires."""
    execution = ended(person, nested, nested.start(None, json.dumps({"Author": "nobody", "Version": "1"})))
    assert (execution.states[-1].name, execution.error) == ("Nobody decided", "NobodyDecided")


def test_the_sam_template_deploys_a_state_machine_that_asks(approval_machine: str, person: Person) -> None:
    """By the real `sam deploy`, with IAM enforced: its role has what it needs."""
    command = [_SAM, "deploy", "--template-file", str(EXAMPLES / "sam/template.yaml"), "--stack-name", "example"]
    command += ["--s3-bucket", _BUCKET, "--capabilities", "CAPABILITY_IAM", "--region", aws.REGION]
    command += ["--no-confirm-changeset", "--parameter-overrides", f"StateMachineHumanApprovalArn={approval_machine}"]
    deployed = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    found = aws.session().client("cloudformation", config=aws.CONFIG).describe_stacks(StackName="example")["Stacks"][0]
    [output] = found["Outputs"]
    executions = Executions(output["OutputValue"])
    arn = executions.start(None, json.dumps({"Author": AUTHOR, "Version": "4.0-sam"}))
    answer(person, "4.0-sam", "approve")
    assert ended(person, executions, arn).states[-1].name == "Deploy"


# Programs that start an execution and wait.


def start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    scripts = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": scripts, "INTERVAL": "0.2", **environment}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code, and what was printed."""
    printed, errors = process.communicate(timeout=90)
    return process.returncode, printed + errors


@pytest.mark.parametrize(("action", "code", "said"), [("approve", 0, "Approved!"), ("reject", 1, "Rejected!")])
def test_the_python_program_asks_waits_and_exits_with_the_answer(
    person: Person, approval_machine: str, action: str, code: int, said: str
) -> None:
    title = f"From Python: {action}?"
    process = start([sys.executable, str(EXAMPLES / "python/ask.py"), approval_machine, title])
    answer(person, title, action)
    assert finished(process) == (code, f"{said} Task {said.lower()[:-1]} by {EMAIL}\n")


def test_the_python_program_says_when_nobody_decided(approval_machine: str) -> None:
    code, printed = finished(start([sys.executable, str(EXAMPLES / "python/ask.py"), approval_machine, "x" * 301]))
    assert code == 2
    assert "InvalidApprovalRequest: " in printed
    assert "Approval.Title" in printed


@pytest.mark.skipif(
    not (shutil.which("aws") or os.environ.get("REQUIRE_AWS_CLI")),
    reason="needs the AWS CLI: install it, `pip install awscli`",
)
class TestTheShellScript:
    @pytest.mark.parametrize(
        ("action", "code", "last"), [("approve", 0, "ApprovedPassState"), ("reject", 1, "RejectedPassState")]
    )
    def test_it_asks_waits_and_exits_with_the_answer(
        self, person: Person, approval_machine: str, action: str, code: int, last: str
    ) -> None:
        asked = json.dumps({"Approval": {"Title": f"From a shell: {action}?"}, "Text": '"Decision":"APPROVED"'})
        process = start(["bash", str(EXAMPLES / "aws-cli.sh"), approval_machine, asked])
        answer(person, f"From a shell: {action}?", action)
        assert finished(process) == (code, f"{last}\n")

    def test_it_says_when_nobody_decided(self, approval_machine: str) -> None:
        process = start(["bash", str(EXAMPLES / "aws-cli.sh"), approval_machine, '{"Approval": {"Titel": "x"}}'])
        code, printed = finished(process)
        assert code == 2
        assert "InvalidApprovalRequest" in printed


@pytest.fixture(scope="module")
def job_credentials(stack: LocalStack) -> dict[str, str]:
    """Those of a role with the policy of the example, which the emulator enforces."""
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    statements = json.loads((EXAMPLES / "github-role-policy.json").read_text())["Statement"]
    for statement in statements:
        # The emulator does not see what BatchGetItem asks for, and takes it for everything.
        statement.get("Condition", {}).pop("StringEqualsIfExists", None)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    for name, value in {
        "STATE_MACHINE_ARN": machine,
        "EXECUTIONS_ARN": machine.replace(":stateMachine:", ":execution:"),
        "TABLE_NAME": stack.outputs["ApprovalTableName"],
        "REGION": aws.REGION,
        "ACCOUNT": aws.ACCOUNT,
    }.items():
        policy = policy.replace(name, value)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{aws.ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    iam, sts = aws.session().client("iam", config=aws.CONFIG), aws.session().client("sts", config=aws.CONFIG)
    role = iam.create_role(
        RoleName="job", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="job", PolicyName="ask", PolicyDocument=policy)
    lent = sts.assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": lent["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": lent["SecretAccessKey"],
        "AWS_SESSION_TOKEN": lent["SessionToken"],
    }


def started_step(credentials: Mapping[str, str], repository: str, actor: str = "jo") -> subprocess.Popen[str]:
    """The step's script as GitHub runs it: by `bash -e`, with its own variables."""
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"]["approval"]
    [script] = [step["run"] for step in job["steps"] if step.get("name") == "Wait for an approval"]
    return start(
        ["bash", "-e", "-o", "pipefail", "-c", script.replace("alice@example.com", EMAIL)],
        **credentials,
        GITHUB_RUN_ID=f"77-{repository}",
        GITHUB_RUN_ATTEMPT="1",
        GITHUB_REPOSITORY=f"acme/{repository}",
        GITHUB_SHA="d6cd1e2bd19e03a81132a23b2025920577f84e37",
        GITHUB_TRIGGERING_ACTOR=actor,
        GITHUB_SERVER_URL="https://github.example.com",
        REQUESTER=AUTHOR,
    )


@pytest.mark.parametrize(("action", "code"), [("approve", 0), ("reject", 1)])
def test_the_github_actions_step_waits_and_gates_the_job(
    person: Person, tmp_path: Path, job_credentials: dict[str, str], action: str, code: int
) -> None:
    trap = tmp_path / "was-run"
    process = started_step(job_credentials, f"web-{action}", actor=f"$(touch {trap})")
    text = answer(person, f"Deploy acme/web-{action} to production", action)
    assert text.startswith(f"{AUTHOR} requests your approval")
    assert "d6cd1e2bd19e03a81132a23b2025920577f84e37" in text
    assert f"https://github.example.com/acme/web-{action}/actions/runs/77-web-{action}" in text
    exit_code, printed = finished(process)
    assert exit_code == code, printed
    assert not trap.exists()


def test_a_cancelled_run_cancels_its_request(person: Person, job_credentials: dict[str, str]) -> None:
    """GitHub interrupts the step's own process, which the script has become."""
    process = started_step(job_credentials, "web-cancelled")
    name = "github-77-web-cancelled-1"
    try:
        person.mail(name)
        process.send_signal(signal.SIGINT)
    finally:
        finished(process)
    assert person.ended(name)["status"] == "ABORTED"


@pytest.mark.parametrize(("action", "code"), [("approve", 0), ("reject", 1)])
def test_github_action_waits_gates_the_job_and_has_outputs(
    person: Person, tmp_path: Path, job_credentials: dict[str, str], action: str, code: int
) -> None:
    """The step `Ask` of action.yml as GitHub runs it, with its defaults."""
    definition = yaml.safe_load((ROOT / "action.yml").read_text())
    [script] = [step["run"] for step in definition["runs"]["steps"] if step.get("id") == "ask"]
    inputs = {name.replace("-", "_").upper(): value.get("default", "") for name, value in definition["inputs"].items()}
    title, output = f"From the action: {action}?", tmp_path / "output"
    process = start(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        **job_credentials,
        **(inputs | {"TITLE": title, "APPROVERS": EMAIL, "FACTS": "Commit=d6cd1e2"}),
        GITHUB_ACTION="__self",
        GITHUB_ACTION_PATH=str(ROOT),
        GITHUB_OUTPUT=str(output),
        GITHUB_REPOSITORY="acme/web",
        GITHUB_RUN_ATTEMPT="1",
        GITHUB_RUN_ID=f"78{code}",
        GITHUB_SERVER_URL="https://github.example.com",
    )
    assert "d6cd1e2" in answer(person, title, action)
    exit_code, printed = finished(process)
    assert exit_code == code, printed
    found = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert found["decision"] == {"approve": "APPROVED", "reject": "REJECTED"}[action]
    assert found["decided-by"] == EMAIL


# The gate in front of an agent's tools.


@pytest.fixture(scope="module")
def gate() -> Any:
    return load_gate()


class Tools:
    """An agent's tools behind the gate, which record what they were called with."""

    def __init__(self, gate: Any) -> None:
        self.dropped: list[str] = []

        def drop_table(table: str, options: Mapping[str, Any]) -> str:
            self.dropped.append(f"{table} {dict(options)}")
            return f"{table} is gone"

        self.drop_table = gate(drop_table)


@pytest.fixture
def tools(gate: Any, stack: LocalStack) -> Tools:
    outputs = stack.outputs
    machine, function = outputs["StateMachineHumanApprovalArn"], outputs["SpendFunctionArn"]
    return Tools(gate.Gate(machine, function, interval=0.2))


class Background(threading.Thread):
    """A call of the agent, which waits for a person."""

    def __init__(self, call: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(daemon=True)
        self._call = partial(call, *arguments, **named)
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._call()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.answer = str(error)

    def wait(self) -> Any:
        self.join(90)
        assert not self.is_alive(), "the call still waits"
        return self.answer


def test_an_agents_approved_call_is_made_once_with_the_arguments_that_were_approved(
    tools: Tools, person: Person
) -> None:
    waiting = Background(tools.drop_table, "orders_2017", {"cascade": True}, why="The user asked to free space.")
    text = answer(person, "orders_2017", "approve")
    assert "The user asked to free space." in text
    assert waiting.wait() == "orders_2017 is gone"
    assert tools.dropped == ["orders_2017 {'cascade': True}"]


def test_an_agent_that_changes_an_argument_after_the_request_executes_nothing(tools: Tools, person: Person) -> None:
    options = {"cascade": False}
    waiting = Background(tools.drop_table, "orders_2018", options)
    person.wait(lambda state: any("orders_2018" in each["text"] for each in state["inbox"]), "no request")
    options["cascade"] = True
    answer(person, "orders_2018", "approve")
    said = waiting.wait()
    assert said.startswith("ActionChanged: ")
    assert "/Arguments/options/cascade" in said
    assert tools.dropped == []


def test_an_agent_is_told_why_a_call_was_refused(tools: Tools, person: Person) -> None:
    waiting = Background(tools.drop_table, "orders_2020", {})
    answer(person, "orders_2020", "reject", "Still audited")
    assert waiting.wait() == f"Rejected! Task rejected by {EMAIL}. Still audited"
    assert tools.dropped == []


def test_a_call_that_cannot_be_asked_about_is_not_made(tools: Tools) -> None:
    assert Background(tools.drop_table, "x" * 250_000, {}).wait() == "Nobody approved it: InvalidApprovalRequest"
    assert tools.dropped == []
