"""Nothing secret in anything that anybody can read."""

from __future__ import annotations

import json

import pytest

from local import aws
from local.process import WORK
from local.stack import LocalStack
from tests.e2e.test_email_only import log_lines


@pytest.mark.last
def test_no_log_mail_page_or_message_holds_a_token_or_a_key(
    stack: LocalStack, email_only: LocalStack, aws_port: int
) -> None:
    """After all other tests: every secret they used, searched in everything that was written."""
    dynamodb = aws.session().client("dynamodb")
    items = [
        item
        for deployed in (stack, email_only)
        for page in dynamodb.get_paginator("scan").paginate(TableName=deployed.outputs["ApprovalTableName"])
        for item in page["Items"]
        if "task_token" in item
    ]
    secrets = [item["task_token"]["S"] for item in items]
    secrets += [bytes(item["link_key"]["B"]).hex() for item in items]
    secrets += [stack.slack.bot_token, stack.slack.signing_secret]
    assert len(items) > 5, "run with the other tests of this folder"

    written = {
        "logs": "\n".join(log_lines("human-approval") + log_lines("email-only")),
        "emulator": (WORK / f"emulator-{aws_port}.log").read_text(),
        "mails": json.dumps([mail.text + mail.subject for mail in (*stack.seen.mails, *email_only.seen.mails)]),
        "slack": json.dumps(stack.slack.calls()),
        "executions": json.dumps([execution.output for execution in stack.seen.executions]),
        "deployment": (WORK / "sam-deploy-human-approval.log").read_text(),
    }
    for where, text in written.items():
        assert text, f"nothing to search in {where}"
        assert [secret[:6] for secret in secrets if secret in text] == [], f"a secret in {where}"
