"""What the optional parameters make of a stack, beside one that has none of them.

The emulator checks no key's policy, and forgets boundaries and the keys of tables and topics: that the functions work
with all of them says little of AWS. tests/unit/test_template.py and test_policies.py have the rest.
"""

from __future__ import annotations

from demo import aws
from demo.stack import LocalStack
from tests.support.stack_contents import resources_of
from tests.support.template import ESSENTIAL

OF_A_POLICY = {"PolicyAlarm", "OverrideAlarm"}
"""The alarms of stacks with a policy. These have none."""


def test_the_dashboard_and_diagnostic_alarms_are_opt_in(stack: LocalStack, email_only: LocalStack) -> None:
    assert set(resources_of("human-approval", "AWS::CloudWatch::Alarm")) == ESSENTIAL - OF_A_POLICY
    assert not resources_of("human-approval", "AWS::CloudWatch::Dashboard")
    assert "DashboardName" not in stack.outputs
    assert len(resources_of("email-only", "AWS::CloudWatch::Alarm")) == 16
    assert resources_of("email-only", "AWS::CloudWatch::Dashboard") == {
        "Dashboard": email_only.outputs["DashboardName"]
    }


def test_logs_are_kept_as_long_as_asked(stack: LocalStack, email_only: LocalStack) -> None:
    groups = aws.session().client("logs").describe_log_groups()["logGroups"]
    kept = {group["logGroupName"]: group.get("retentionInDays") for group in groups}
    for name, days in (("human-approval", 90), ("email-only", 30)):
        own = resources_of(name, "AWS::Logs::LogGroup").values()
        assert {kept[group] for group in own} == {days}


def test_a_key_encrypts_the_queues_and_the_secret(stack: LocalStack, email_only: LocalStack) -> None:
    for name in ("human-approval", "email-only"):
        found = _keys(name)
        key = _parameter(name, "KmsKeyArn") or None
        assert found == dict.fromkeys(found, key), name
        assert len(found) == 4 + 1


def _keys(stack: str) -> dict[str, str | None]:
    """Return the keys, None for AWS's own, of what the emulator keeps a key of: not of tables and topics."""
    sqs, secrets = aws.session().client("sqs"), aws.session().client("secretsmanager")
    found: dict[str, str | None] = {}
    for name, queue in resources_of(stack, "AWS::SQS::Queue").items():
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        found[name] = attributes.get("KmsMasterKeyId") or None
    for name, secret in resources_of(stack, "AWS::SecretsManager::Secret").items():
        found[name] = secrets.describe_secret(SecretId=secret).get("KmsKeyId")
    return found


def _parameter(stack: str, name: str) -> str:
    [described] = aws.session().client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return next((each["ParameterValue"] for each in described["Parameters"] if each["ParameterKey"] == name), "")
