"""docs/operate.md names what there is: every metric, alarm, parameter and output of which it speaks."""

from __future__ import annotations

import json
import re

import pytest

from approvals.adapters import metrics
from approvals.store.items import RETENTION
from demo.process import ROOT
from tests.support.template import ESSENTIAL, RESOURCES, TABLES, TEMPLATE, of_type

TEXT = (ROOT / "docs/operate.md").read_text()


@pytest.mark.parametrize(
    "name",
    [metrics.REQUESTED, metrics.DECIDED, metrics.TIME_TO_DECISION, metrics.IN_VAIN, metrics.POLICY_UNAVAILABLE]
    + [
        made["MetricName"]
        for found in of_type("AWS::Logs::MetricFilter").values()
        for made in found["MetricTransformations"]
    ],
)
def test_every_metric_has_a_row(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", TEXT, re.MULTILINE)


def test_every_alarm_has_a_row_and_none_is_made_up() -> None:
    assert set(re.findall(r"`(\w+Alarm)`", TEXT)) == set(of_type("AWS::CloudWatch::Alarm"))


def test_the_essential_alarms_are_those_of_the_first_table() -> None:
    first, second = re.findall(r"^\| Alarm \|.*\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert set(re.findall(r"`(\w+Alarm)` ?[|,]", first)) == ESSENTIAL
    optional = set(of_type("AWS::CloudWatch::Alarm")) - ESSENTIAL
    named = {name for row in re.findall(r"^\| (`.*?) \|", second, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert named == optional


def test_the_lines_that_it_explains_are_lines_that_the_functions_write() -> None:
    rows = TEXT.partition("| You see |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z]+(?:,? [a-z]+)+)`", rows))
    folders = ("approvals", "bot", "handlers", "iam", "mail", "web")
    code = "".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert len(named) > 5
    assert [line for line in named if f'"{line}"' not in code] == []


def test_the_key_policy_is_json_and_lets_cloudwatch_encrypt_logs() -> None:
    section = TEXT.partition("## Your own key")[2].partition("\n## ")[0]
    [policy] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    account, logs = json.loads(policy)
    assert account["Action"] == "kms:*"
    assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert logs["Principal"]["Service"].startswith("logs.")
    assert list(logs["Condition"]["ArnLike"]) == ["kms:EncryptionContext:aws:logs:arn"]
    assert "LogGroupName" not in RESOURCES["RequestLogs"]["Properties"], "named after the stack"


def test_the_pages_claims_about_the_template_are_true() -> None:
    table = RESOURCES["ApprovalTable"]
    assert f"`DeletionPolicy: {table['DeletionPolicy']}`" in TEXT
    assert f"`UpdateReplacePolicy: {table['UpdateReplacePolicy']}`" in TEXT
    assert f"kept for `LogRetentionDays` ({TEMPLATE['Parameters']['LogRetentionDays']['Default']})" in TEXT
    assert f"at least {RETENTION.days} days past its deadline" in TEXT


def test_parameters_and_outputs_that_it_names_exist() -> None:
    named = set(re.findall(r"output `(\w+)`", TEXT)) | set(re.findall(r"\*\*`(\w+)`", TEXT))
    assert {"Version", "DashboardName", "PublicUrl", "Email"} <= named
    assert named <= {*TEMPLATE["Outputs"], *TEMPLATE["Parameters"]}


def test_nothing_else_is_kept_when_the_stack_is_deleted() -> None:
    kept = [name for name, found in RESOURCES.items() if found.get("DeletionPolicy", "Delete") != "Delete"]
    assert kept == ["ApprovalTable"]


def test_every_environment_variable_of_a_function_has_a_row_and_none_is_made_up() -> None:
    rows = TEXT.partition("## Environment variables of the functions")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    functions = [TEMPLATE["Globals"]["Function"], *of_type("AWS::Serverless::Function").values()]
    assert named == {name for found in functions for name in found.get("Environment", {}).get("Variables", {})}


def test_every_table_has_a_row() -> None:
    rows = TEXT.partition("## Tables")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE) == [*TABLES]
