"""The examples, as far as that needs no stack; tests/e2e/test_examples.py deploys and runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml
from hcl2.api import loads

from approvals.domain.model import Action, Request
from approvals.grants import Spender
from approvals.requests.parse import parse_request
from approvals.store.items import LISTED
from bot.views.approval import request_blocks
from bot.views.buttons import ACTION_IDS
from cli.commands.request import command
from cli.request_input import read_document
from tests.support.builders import NOW, an_approval
from tests.support.examples import EXAMPLES, load_gate
from tests.support.spend_function import FUNCTION, GRANT_ID, SPENT, SpendFunction, refused, through
from tests.support.template import CloudFormation
from tests.support.ways_to_deploy import CDK_PYTHON
from web import pages

PLACEHOLDER = "StateMachineHumanApprovalArn"
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:human-approval"
JSONPATH = json.loads((EXAMPLES / "nested.jsonpath.asl.json").read_text())
NEEDED = {
    "states:StartExecution",
    "states:DescribeExecution",
    "states:StopExecution",
    "events:PutTargets",
    "events:PutRule",
    "events:DescribeRule",
}
"""What a role needs for `startExecution.sync:2`."""


def files() -> list[str]:
    found = (path.relative_to(EXAMPLES) for path in sorted(EXAMPLES.rglob("*")) if path.is_file())
    return [str(path) for path in found if "__pycache__" not in path.parts]


@pytest.mark.parametrize("name", files())
def test_every_file_is_explained_on_the_page(name: str) -> None:
    page = (EXAMPLES / "README.md").read_text()
    assert name == "README.md" or f"]({name})" in page or f"]({Path(name).parent}/)" in page


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)", (EXAMPLES / "README.md").read_text()))
def test_every_link_of_the_page_leads_somewhere(link: str) -> None:
    assert (EXAMPLES / link).exists()


@pytest.mark.parametrize("name", ["nested.jsonpath", "nested.jsonata"])
def test_a_definition_is_valid(name: str) -> None:
    path = EXAMPLES / f"{name}.asl.json"
    linted = subprocess.run(
        [Path(sys.executable).parent / "statelint", path], capture_output=True, text=True, check=False
    )
    assert linted.returncode == 0, linted.stdout


def test_both_query_languages_have_the_same_states() -> None:
    jsonata = json.loads((EXAMPLES / "nested.jsonata.asl.json").read_text())
    assert list(jsonata["States"]) == list(JSONPATH["States"])
    assert jsonata["QueryLanguage"] == "JSONata"


def test_the_sam_template_deploys_the_definition_with_what_it_needs() -> None:
    template = yaml.load((EXAMPLES / "sam/template.yaml").read_text(), CloudFormation)  # noqa: S506 a SafeLoader
    [machine] = [each["Properties"] for each in template["Resources"].values()]
    assert (EXAMPLES / "sam" / machine["DefinitionUri"]).resolve() == EXAMPLES / "nested.jsonpath.asl.json"
    assert machine["DefinitionSubstitutions"] == {PLACEHOLDER: {"Ref": PLACEHOLDER}}
    [policy] = machine["Policies"]
    assert allowed(policy["Statement"]) == NEEDED


def allowed(statements: list[dict[str, Any]]) -> set[str]:
    found = [statement["Action"] for statement in statements]
    return {action for each in found for action in (each if isinstance(each, list) else [each])}


def test_the_terraform_module_deploys_the_definition_with_what_it_needs() -> None:
    """Its provider is nowhere to be had without the network: the module is parsed, and what it refers to is there."""
    text = (EXAMPLES / "terraform/main.tf").read_text()
    parsed = loads(text)
    resources = {kind.strip('"'): found for each in parsed["resource"] for kind, found in each.items()}
    assert set(resources) == {"aws_sfn_state_machine", "aws_iam_role", "aws_iam_role_policy"}
    [(path, filled)] = re.findall(r'templatefile\("\$\{path\.module\}/([^"]+)", \{\s*(\w+) = var\.\w+\s*\}\)', text)
    assert (EXAMPLES / "terraform" / path).resolve() == EXAMPLES / "nested.jsonpath.asl.json"
    placeholders = set(re.findall(r"\$\{(\w+)\}", (EXAMPLES / "nested.jsonpath.asl.json").read_text()))
    assert placeholders == {filled} == {PLACEHOLDER}
    assert set(re.findall(r'"((?:states|events):\w+)"', text)) == NEEDED
    assert set(re.findall(r"var\.(\w+)", text)) == {name.strip('"') for each in parsed["variable"] for name in each}


@pytest.mark.skipif(not shutil.which("terraform"), reason="needs terraform: install it")
def test_terraform_likes_the_modules_style() -> None:
    checked = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", EXAMPLES / "terraform"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_cdk_app_makes_the_same_state_machine(tmp_path: Path) -> None:
    compile((EXAMPLES / "cdk/app.py").read_text(), "app.py", "exec")
    if not (shutil.which("node") or os.environ.get("REQUIRE_CDK")):
        pytest.skip("needs Node.js for CDK: install it")
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps({"approval": ARN}), "CDK_OUTDIR": str(tmp_path)}
    app = subprocess.run(
        [CDK_PYTHON, "app.py"], cwd=EXAMPLES / "cdk", env=environment, capture_output=True, text=True, check=False
    )
    assert app.returncode == 0, app.stderr
    resources = json.loads((tmp_path / "deployment.template.json").read_text())["Resources"].values()
    [machine] = [each["Properties"] for each in resources if each["Type"] == "AWS::StepFunctions::StateMachine"]
    [policy] = [each["Properties"] for each in resources if each["Type"] == "AWS::IAM::Policy"]
    _, parts = machine["DefinitionString"]["Fn::Join"]
    made = json.loads("".join(part if isinstance(part, str) else "aws" for part in parts))
    ours = json.loads(json.dumps(JSONPATH["States"]).replace(f"${{{PLACEHOLDER}}}", ARN))
    assert made["States"] == ours
    assert made["StartAt"] == JSONPATH["StartAt"]
    assert allowed(policy["PolicyDocument"]["Statement"]) == NEEDED


def test_the_job_may_read_what_lists_read_and_no_key() -> None:
    policy = json.loads((EXAMPLES / "github-role-policy.json").read_text())
    [reads] = [each for each in policy["Statement"] if each["Action"] == "dynamodb:BatchGetItem"]
    readable = reads["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert tuple(readable) == LISTED
    assert not {"link_key", "task_token"} & set(readable)
    assert reads["Condition"]["Null"] == {"dynamodb:Attributes": "false"}
    assert reads["Condition"]["StringEqualsIfExists"] == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}


def test_the_github_actions_job_asks_with_options_that_the_command_has() -> None:
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"]["approval"]
    [script] = [step["run"] for step in job["steps"] if step.get("name") == "Wait for an approval"]
    words = shlex.split(script)
    assert words.pop(0) == "exec", "a shell does not pass an interrupt on"
    known = {option for each in command.params for option in each.opts}
    assert words[:2] == ["approvals", "request"]
    assert {word for word in words if word.startswith("--")} <= known
    assert "${{" not in script, "an expression in a script is run"
    assert "--cancel-on-interrupt" in words
    assert words[words.index("--requested-by") + 1] == "$REQUESTER"
    [ours] = [step["with"] for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert ours["ref"] == f"v{tomllib.loads((EXAMPLES.parent / 'pyproject.toml').read_text())['project']['version']}"
    minutes = int(words[words.index("--timeout-minutes") + 1])
    [seconds] = [step["with"]["role-duration-seconds"] for step in job["steps"] if "configure" in step.get("uses", "")]
    assert minutes < job["timeout-minutes"]
    assert minutes * 60 < seconds, "the credentials must last as long as it waits"


@dataclass
class Executions:
    """Step Functions for the gate: keeps the input, and ends each execution with this answer after `meanwhile`."""

    answer: dict[str, Any]
    input: Any = None
    meanwhile: Callable[[], None] = lambda: None

    def start_execution(self, input: str, **_: Any) -> dict[str, str]:  # noqa: A002  # boto3's name
        self.input = json.loads(input)
        return {"executionArn": "arn"}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        self.meanwhile()
        return self.answer


def ended(result: dict[str, Any]) -> dict[str, Any]:
    return {"status": "SUCCEEDED", "output": json.dumps({"Approval": {"Result": result}})}


APPROVED = ended({"Decision": "APPROVED", "Comment": None, "Grant": {"Id": GRANT_ID}})
REJECTED = ended({"Decision": "REJECTED", "Status": "Rejected! Task rejected by Ann", "Comment": "Still audited"})
EXPIRED = {"status": "FAILED", "error": "ApprovalExpired"}


class Agent:
    """An agent's tools behind the gate, which record what they were called with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> None:
        self.executions, self.function = Executions(answer), SpendFunction()
        self.called: list[Any] = []
        monkeypatch.setattr("boto3.client", lambda _name: self.executions)
        monkeypatch.setattr(Spender, "of", through(self.function))
        self.module = load_gate()
        self.gate = self.module.Gate("machine", FUNCTION)
        self.run_sql = self.gate(self._run_sql())

    def _run_sql(self) -> Any:
        def run_sql(sql: str, *, rows: list[int] | None = None) -> int:
            self.called.append((sql, rows))
            return 1

        return run_sql

    @property
    def request(self) -> Request:
        return parse_request(self.executions.input, default_timeout=timedelta(hours=1))


def test_an_agents_call_runs_with_the_arguments_that_were_approved_and_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Agent(monkeypatch, APPROVED)
    assert agent.run_sql("DROP TABLE orders", rows=[1], why="The user asked.") == 1
    [spent] = agent.function.payloads
    assert spent["GrantId"] == GRANT_ID
    assert spent["Action"] == agent.request.action
    assert spent["Action"]["Arguments"] == {"sql": "DROP TABLE orders", "rows": [1]}
    assert agent.called == [("DROP TABLE orders", [1])]
    assert agent.request.whole_context == {"The agent says": "The user asked."}
    assert agent.request.grant
    assert agent.request.grant.uses == 1


@pytest.mark.parametrize(
    ("answer", "spend", "said"),
    [
        (REJECTED, SPENT, "Rejected! Task rejected by Ann. Still audited"),
        (EXPIRED, SPENT, "Nobody approved it: ApprovalExpired"),
        (APPROVED, refused("ActionChanged", "/Arguments/sql differs."), "ActionChanged: /Arguments/sql differs."),
        (APPROVED, refused("GrantSpent"), "GrantSpent: No."),
    ],
)
def test_an_agents_call_that_is_not_approved_or_not_spent_is_not_made(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], spend: Any, said: str
) -> None:
    agent = Agent(monkeypatch, answer)
    agent.function.answers = [spend]
    with pytest.raises(agent.module.NotApproved) as refusal:
        agent.run_sql("DROP TABLE orders")
    assert str(refusal.value) == said
    assert agent.called == []


def test_an_agent_that_changes_its_objects_meanwhile_spends_another_action(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spend function refuses it: tests/e2e/test_examples.py."""
    agent = Agent(monkeypatch, APPROVED)
    rows = [1]
    agent.executions.meanwhile = lambda: rows.append(2)
    agent.run_sql("DELETE", rows=rows)
    [spent] = agent.function.payloads
    assert agent.executions.input["Approval"]["Action"]["Arguments"]["rows"] == [1]
    assert spent["Action"]["Arguments"]["rows"] == [1, 2]


@pytest.mark.parametrize("length", [10, 900, 1100, 1990, 5000, 60_000])
def test_a_statement_at_the_end_of_an_agents_call_is_shown_or_there_is_no_button(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    agent = Agent(monkeypatch, APPROVED)
    agent.run_sql(f"{'SELECT 1; ' * (length // 10)}DROP TABLE orders")
    approval = an_approval(request=agent.request)
    blocks = json.dumps([block.to_dict() for block in request_blocks(approval)])
    assert ("DROP TABLE orders" in blocks) is (ACTION_IDS[Action.APPROVE] in blocks)
    assert "DROP TABLE orders" in unescape(pages.confirm(approval, Action.APPROVE, {}, now=NOW))


def test_the_request_in_a_file_needs_one_of_each_group() -> None:
    document = read_document(str(EXAMPLES / "one-of-each-group.yaml"))
    request = parse_request({"Approval": document}, default_timeout=timedelta(hours=1))
    assert [(group.name, group.required) for group in request.groups] == [("security", 1), ("ops", 1)]
    assert request.required_approvals == 2


def test_skill_teaches_a_request_that_is_accepted() -> None:
    text = (EXAMPLES / "step-functions-approval/SKILL.md").read_text()
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    request = parse_request(json.loads(block), default_timeout=timedelta(hours=1))
    assert request.requested_by not in request.approvers
    assert len(request.approvers) > request.required_approvals
