"""`approvals policy`: read, check and set the operator's policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import Result

from approvals.requests.policy import MAX_BYTES, parse_policy
from tests.support.policies import COMPANY, a_document
from tests.support.shell import Shell

PARAMETER = "/approvals/policy"


@pytest.fixture(autouse=True)
def _with_policy(shell: Shell) -> None:
    shell.parameters["PolicyParameter"] = PARAMETER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.json"


def put(**keys: Any) -> None:
    boto3.client("ssm").put_parameter(
        Name=PARAMETER, Value=json.dumps(a_document(**keys)), Type="String", Overwrite=True
    )


def stored() -> tuple[int, Any]:
    """Return the version and the document that SSM has."""
    found = boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]
    return found["Version"], json.loads(found["Value"])


def setting(shell: Shell, file: Path, *options: str, **keys: Any) -> Result:
    file.write_text(json.dumps(a_document(**keys), indent=2))
    return shell.run("policy", "set", str(file), *options)


def checked(shell: Shell, file: Path, policy: Mapping[str, Any], asked: Mapping[str, Any], *options: str) -> Result:
    file.write_text(json.dumps(policy))
    request = file.with_name("request.json")
    request.write_text(json.dumps(asked))
    return shell.run("policy", "check", str(file), "--request", str(request), *options)


@pytest.mark.parametrize("arguments", [["get"], ["history"], ["set", "{file}"]])
def test_stack_without_a_policy_says_how_to_get_one(shell: Shell, file: Path, arguments: list[str]) -> None:
    file.write_text(json.dumps(a_document()))
    shell.parameters["PolicyParameter"] = ""
    result = shell.run("policy", *(each.format(file=file) for each in arguments))
    assert result.exit_code == 3
    assert "Stack human-approval has no policy: its parameter PolicyParameter is empty." in result.stderr


def test_first_policy_creates_the_parameter_as_it_was_written(shell: Shell, file: Path) -> None:
    result = setting(shell, file)
    assert result.exit_code == 0, result.output
    assert f"Stored version 1 of {PARAMETER}. Requests from now on follow it." in result.stdout
    assert '+  "Format": 1,' in result.stdout
    found = boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]
    assert (found["Type"], found["Value"]) == ("String", file.read_text())
    assert found["Version"] == 1


def test_only_the_version_that_was_read_is_replaced(shell: Shell, file: Path) -> None:
    put()
    unread = setting(shell, file, MinimumApprovals=2)
    assert unread.exit_code == 3
    assert '+  "MinimumApprovals": 2' in unread.stdout
    assert "Version 1 is stored. Nothing was changed. To replace it: approvals policy set" in unread.stderr
    assert "--if-version 1" in unread.stderr
    other = setting(shell, file, "--if-version", "2", MinimumApprovals=2)
    assert other.exit_code == 3
    assert "Version 1 is stored, not version 2. Nothing was changed." in other.stderr
    assert stored()[0] == 1
    right = setting(shell, file, "--if-version", "1", MinimumApprovals=2)
    assert right.exit_code == 0
    assert "Open approvals keep the rules under which they were requested." in right.stdout
    assert stored() == (2, a_document(MinimumApprovals=2))
    again = setting(shell, file, "--if-version", "2", OpenOnChange="ask-again")
    assert "Within minutes, open approvals are asked again: no response so far counts any more" in again.stdout


def test_version_of_a_policy_that_is_not_there_is_refused(shell: Shell, file: Path) -> None:
    result = setting(shell, file, "--if-version", "3")
    assert result.exit_code == 3
    assert "No policy is stored, not version 3." in result.stderr
    assert setting(shell, file, "--if-version", "0").exit_code == 0


@pytest.mark.parametrize("first", [True, False])
def test_two_operators_at_the_same_moment_learn_of_each_other(shell: Shell, file: Path, *, first: bool) -> None:
    if not first:
        put()

    def another(**_: Any) -> None:
        if not meanwhile:
            meanwhile.append(True)
            put(MinimumApprovals=3)

    meanwhile: list[bool] = []
    shell.context.client("ssm").meta.events.register("before-call.ssm.PutParameter", another)
    result = setting(shell, file, "--if-version", "0" if first else "1", MinimumApprovals=2)
    assert result.exit_code == 3
    if first:
        assert "was created at the same moment by someone else. Nothing was changed." in result.stderr
        assert stored() == (1, a_document(MinimumApprovals=3))
    else:
        assert "Version 2 was stored by someone else at the same moment, and version 3, yours, has" in result.stderr
        assert "approvals policy get --version 2" in result.stderr


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Policy: not JSON"),
        (json.dumps(a_document(Aprovers=[])), "Policy.Aprovers: unknown key"),
        (json.dumps(a_document(RequiredGroups={"legal": 1})), 'there is no group "legal"'),
        (json.dumps(a_document(), indent=900), f"bytes are too many. The maximum is {MAX_BYTES:,}."),
    ],
)
def test_broken_policy_is_never_stored(shell: Shell, file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    for words in (["set", str(file), "--if-version", "0"], ["check", str(file)]):
        result = shell.run("policy", *words)
        assert result.exit_code == 64
        assert problem in result.stderr
    assert boto3.client("ssm").describe_parameters()["Parameters"] == []


def test_same_policy_in_another_layout_changes_nothing(shell: Shell, file: Path) -> None:
    put()
    result = setting(shell, file)
    assert result.exit_code == 0
    assert f"Version 1 of {PARAMETER} is this policy already. Nothing was changed." in result.stdout
    assert stored()[0] == 1


def test_broken_stored_policy_can_be_read_and_replaced(shell: Shell, file: Path) -> None:
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="{oops", Type="String")
    result = shell.run("policy", "get")
    assert (result.exit_code, result.stdout) == (3, "{oops\n")
    assert "This is no valid policy, so every request fails:\n  Policy: not JSON" in result.stderr
    document = json.loads(shell.run("policy", "get", "--json").stdout)
    assert (document["Policy"], document["Sha256"], len(document["Problems"])) == (None, None, 1)
    assert setting(shell, file, "--if-version", "1").exit_code == 0
    assert [each["Sha256"] is None for each in json.loads(shell.run("policy", "history", "--json").stdout)] == [
        False,
        True,
    ]


def test_large_policy_warns_of_the_advanced_tier(shell: Shell, file: Path) -> None:
    file.write_text(json.dumps(a_document(), indent=100))
    assert 4096 < len(file.read_text()) <= MAX_BYTES
    result = shell.run("policy", "set", str(file))
    assert result.exit_code == 0
    assert "SSM makes it an advanced one, which AWS bills." in result.stderr


def test_policy_is_read_as_it_is_stored(shell: Shell, file: Path) -> None:
    put()
    put(MinimumApprovals=2)
    latest = shell.run("policy", "get")
    assert json.loads(latest.stdout) == a_document(MinimumApprovals=2)
    assert f"{PARAMETER}, version 2, stored" in latest.stderr
    assert json.loads(shell.run("policy", "get", "--version", "1").stdout) == a_document()
    document = json.loads(shell.run("policy", "get", "--json").stdout)
    assert (document["Version"], document["Policy"]) == (2, a_document(MinimumApprovals=2))
    assert document["Sha256"] == parse_policy(json.dumps(document["Policy"])).sha256
    missing = shell.run("policy", "get", "--version", "9")
    assert (missing.exit_code, "has no version 9" in missing.stderr) == (3, True)


def test_hidden_characters_of_a_stored_policy_reach_no_terminal(shell: Shell, file: Path) -> None:
    hidden = "[\x1b]0;title\x07\u202e"
    for text in (json.dumps(a_document(Approvers=[f"{hidden}@example.com"]), ensure_ascii=False), f"{{{hidden}"):
        boto3.client("ssm").put_parameter(Name=PARAMETER, Value=text, Type="String", Overwrite=True)
        for result in (shell.run("policy", "get"), setting(shell, file)):
            assert result.exit_code == 3
            assert not {"\x1b", "\x07", "\u202e"} & {*result.output}


def test_without_a_stored_policy_get_says_how_to_store_one(shell: Shell) -> None:
    result = shell.run("policy", "get")
    assert result.exit_code == 3
    assert f"{PARAMETER} holds no policy, so every request fails. Store one: approvals policy set FILE" in result.stderr
    assert shell.run("policy", "history").exit_code == 0


def test_history_lists_who_stored_which_version(shell: Shell) -> None:
    for number in range(1, 12):
        put(MinimumApprovals=number)
    heading, newest, *_ = shell.run("policy", "history").stdout.splitlines()
    assert heading.split() == ["VERSION", "STORED", "BY", "SHA-256"]
    assert newest.split()[0] == "11"
    operator = "arn:aws:sts::123456789012:assumed-role/Operator/ola@example.com"

    def by_operator(parsed: dict[str, Any], **_: Any) -> None:
        """Name the caller, as SSM does and moto doesn't."""
        for each in parsed["Parameters"]:
            each["LastModifiedUser"] = operator

    with shell.intercepted("ssm", "GetParameterHistory", by_operator):
        found = json.loads(shell.run("policy", "history", "--json").stdout)
    assert [each["Version"] for each in found] == [*range(11, 0, -1)]
    assert len({each["Sha256"] for each in found}) == 11
    assert {each["By"] for each in found} == {operator}


def test_check_describes_each_rule(shell: Shell, file: Path) -> None:
    file.write_text(json.dumps(COMPANY))
    result = shell.run("policy", "check", str(file))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"Valid: 3 rules, {len(file.read_text()):,} bytes.",
        "",
        "policy (the document's own keys): always applies; a request that asks for less is refused",
        f"  lets only {', '.join(COMPANY['Approvers'][:2])} and {COMPANY['Approvers'][2]} approve",
        "  requires RequestedBy",
        "  requires approvers or groups by name (no open requests)",
        "  lets nobody approve their own request",
        "  requires a comment to reject",
        "  requires at most 1,440 minutes",
        "  requires expiry at the deadline",
        'prod: applies unless fact "Environment" is "dev" or "test"; a request that asks for less is raised',
        "  requires 2 approvals",
        "  requires 1 approval from security",
        "  requires 1 approval from ops",
        "  requires high severity",
        "  requires the channel C0PROD0001",
        "data-loss: applies when context /Plan/Destroys is true or not stated; a request that asks for less is refused",
        "  requires 3 approvals",
        "  requires a comment to approve",
        "group security: S0SECURITY; delegates: sec-deputy@example.com",
        "group ops: S0OPS00001",
        f"override: through {COMPANY['Override']['Roles'][0]}",
    ]
    assert 'Warning: Rule "data-loss": another spelling' in result.stderr


_RAISING = a_document(
    Rules=[
        {
            "Name": "prod",
            "Unless": {"Facts": {"Environment": ["dev", "test"]}},
            "RequiredGroups": {"security": 1, "ops": 1},
            "Enforce": "raise",
        }
    ]
)
_ASKED = {
    "Approvers": ["ann@example.com"],
    "RequestedBy": "ro@example.com",
    "TimeoutMinutes": 60,
    "Facts": [{"Label": "Environment", "Value": "prod"}],
}


def test_check_explains_why_a_request_is_raised_and_to_what(shell: Shell, file: Path) -> None:
    result = checked(shell, file, _RAISING, _ASKED)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:13] == [
        "policy (the document's own keys): always applies",
        "  lets only @example.com approve",
        "  requires RequestedBy",
        "  requires approvers or groups by name (no open requests)",
        "  lets nobody approve their own request",
        'prod: applies, since fact "Environment" is "prod", which its Unless does not list',
        "  requires 2 approvals",
        "  requires 1 approval from security",
        "  requires 1 approval from ops",
        "  changes RequiredApprovals from 1 to 2",
        "  changes Groups.security from 0 to 1",
        "  changes Groups.ops from 0 to 1",
        "",
    ]
    raised = json.loads(result.stdout.partition("The request becomes:\n")[2])
    assert raised["Approval"] == {
        **_ASKED,
        "RequiredApprovals": 2,
        "Groups": [
            {"Name": "security", "Required": 1},
            {"Name": "ops", "Required": 1},
            {"Name": "named", "Approvers": ["ann@example.com"], "Required": 1},
        ],
    }
    refusing = a_document(Rules=[{**_RAISING["Rules"][0], "Enforce": "refuse"}])
    again = checked(shell, file, refusing, raised)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "Accepted as it is.")


def test_check_shows_a_value_that_people_cannot_read(shell: Shell, file: Path) -> None:
    policy = a_document(Rules=[{"Name": "loss", "When": {"Context": {"/Destroys": [True]}}, "MinimumApprovals": 2}])
    result = checked(shell, file, policy, {"Approval": _ASKED, "Destroys": [False, [True]]})
    reason = 'context /Destroys has "[true]", which is no text, number, true or false that people can read'
    assert f"loss: applies, since {reason}" in result.stdout.splitlines()


def test_check_explains_why_a_request_is_refused(shell: Shell, file: Path) -> None:
    policy = a_document(Rules=[{"Name": "prod", "When": {"Workflow": ["Deploy"]}, "MinimumApprovals": 2}])
    asked = {**_ASKED, "Approvers": ["ann@example.com", "bo@example.com"]}
    claimed = {
        "Approval": asked,
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:aws:states:eu-west-1:123456789012:execution:deploy:1",
    }
    result = checked(shell, file, policy, claimed)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "policy (the document's own keys): always applies",
        "  lets only @example.com approve",
        "  requires RequestedBy",
        "  requires approvers or groups by name (no open requests)",
        "  lets nobody approve their own request",
        'prod: applies, since workflow is "deploy", which its When lists',
        "  requires 2 approvals",
        "",
        "Refused. An execution with this request fails at once:",
        '  Approval.RequiredApprovals: 1 is below the minimum of 2 (policy rule "prod"). Ask for at least 2.',
    ]
    document = json.loads(checked(shell, file, policy, claimed, "--json").stdout)
    assert (document["Outcome"], document["Request"]) == ("refused", None)
    assert [(each["Name"], each["Applies"]) for each in document["Rules"]] == [("policy", True), ("prod", True)]
    # The stack's own state machine is the workflow of a request that claims none.
    own = checked(shell, file, policy, asked)
    assert own.exit_code == 0
    assert 'prod: does not apply, since workflow is "HumanApproval", which its When does not list' in own.stdout


def test_check_takes_the_time_limit_of_the_stack_and_lowers_it(shell: Shell, file: Path) -> None:
    asked = {key: value for key, value in _ASKED.items() if key != "TimeoutMinutes"}
    result = checked(shell, file, a_document(LongestMinutes=30), asked, "--json")
    assert json.loads(result.stdout)["Request"]["Approval"]["TimeoutMinutes"] == 30


def test_check_refuses_what_no_policy_could_repair(shell: Shell, file: Path) -> None:
    invalid = checked(shell, file, a_document(), {"Approver": []})
    assert invalid.exit_code == 64
    assert "Approval.Approver: unknown key." in invalid.stderr
    impossible = checked(shell, file, a_document(), {**_ASKED, "RequiredApprovals": 2})
    assert impossible.exit_code == 1
    assert "RequiredApprovals: 2 is too many; only 1 person can respond." in impossible.stdout
    both = shell.run("policy", "check", "-", "--request", "-")
    assert both.exit_code == 64


def test_check_needs_no_stack(shell: Shell, file: Path) -> None:
    shell.context.stack = "other"
    assert checked(shell, file, _RAISING, _ASKED).exit_code == 0
