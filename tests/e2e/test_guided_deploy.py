"""`sam deploy --guided`, as a platform engineer goes through it: typed into a terminal, against the emulator."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from pathlib import Path

import pexpect
import pytest
import yaml

from demo import aws, deploy
from demo.process import ROOT
from tests.support.stack_contents import log_lines

SAM = str(ROOT / ".venv-sam/bin/sam")
QUESTION = re.compile(
    r"(Parameter (\w+)|Stack Name|AWS Region|SAM configuration \w+|[^\n]*\[[yY]/[nN]\])[^\n]*: ?$", re.MULTILINE
)
CONTRACT = [
    "Email",
    "SlackChannel",
    "SlackBotToken",
    "SlackSigningSecret",
    "SlackApiUrl",
    "PublicUrl",
    "ApprovalTimeoutMinutes",
    "EmailLinkMode",
    "AlarmTopicArn",
    "Monitoring",
    "LogRetentionDays",
    "Tracing",
    "EventBusName",
    "SnapStart",
    "PermissionsBoundaryArn",
    "KmsKeyArn",
    "PolicyParameter",
    "RemindDuring",
]


@pytest.mark.usefixtures("aws_port")
def test_it_asks_what_the_readme_says_and_keeps_parameters_out_of_the_tracked_file(tmp_path: Path) -> None:
    command = ["deploy", "--guided", "--template-file", str(deploy.BUILT / "template.yaml")]
    # A copy, so that nothing can be saved to the project's own.
    config = Path(shutil.copy(ROOT / "samconfig.toml", tmp_path))
    command += ["--config-file", str(config)]
    # With the template as the README builds it, a bare name is in the project's folder.
    saved = tmp_path / "samconfig.local.toml"
    asked, unauthenticated = [], 0
    with deploy.locked(fcntl.LOCK_SH):
        terminal = pexpect.spawn(
            SAM, command, cwd=tmp_path, env={**os.environ, "COLUMNS": "200"}, encoding="utf-8", timeout=120
        )
        while terminal.expect([QUESTION, pexpect.EOF]) == 0:
            assert isinstance(terminal.match, re.Match)
            question, parameter = terminal.match[1], terminal.match[2]
            if parameter:
                asked.append(parameter)
            unauthenticated += "no authentication" in question
            terminal.sendline(answer(question, parameter, saved))
        terminal.close()
    assert terminal.exitstatus == 0, terminal.before
    assert asked == CONTRACT
    assert unauthenticated == 5
    assert "asks five times" in (ROOT / "README.md").read_text()
    assert config.read_text() == (ROOT / "samconfig.toml").read_text()
    assert "approver@example.com" in saved.read_text()
    assert "samconfig.local.toml" in (ROOT / ".gitignore").read_text().splitlines()
    cloudformation = aws.session().client("cloudformation")
    deployed = cloudformation.describe_stacks(StackName="guided")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed.get("Outputs", [])}
    secret = aws.session().client("secretsmanager").get_secret_value(SecretId=outputs["SlackSecretArn"])
    assert json.loads(secret["SecretString"]) == {"bot_token": "", "signing_secret": ""}
    assert not [line for line in log_lines("guided") if "ERROR" in line]


def answer(question: str, parameter: str | None, saved: Path) -> str:
    """Return what to type; Enter alone accepts the default."""
    if parameter:
        typed = {"Email": "approver@example.com", "SlackBotToken": "none", "SlackSigningSecret": "none"}
        return typed.get(parameter, "")
    if question.startswith("Stack Name"):
        return "guided"
    if question.startswith("SAM configuration file"):
        return str(saved)
    if "[y/n]" not in question.lower():
        return ""
    # No change set to confirm.
    return "n" if "changes before deploy" in question or "rollback" in question else "y"


def test_every_parameter_says_what_it_is() -> None:
    text = re.sub(r"!\w+", "", (ROOT / "template.yaml").read_text())
    parameters = yaml.safe_load(text)["Parameters"]
    assert list(parameters) == CONTRACT
    assert all(len(parameter["Description"]) > 20 for parameter in parameters.values())
