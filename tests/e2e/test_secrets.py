"""Nothing secret in anything that anybody can read."""

from __future__ import annotations

import json

import pytest

from demo.process import WORK
from demo.stack import LocalStack
from tests.conftest import Suite
from tests.e2e.tables import items, task_tokens
from tests.e2e.test_email_only import log_lines


@pytest.mark.last
def test_no_log_mail_page_or_message_holds_a_token_or_a_key(
    stack: LocalStack, email_only: LocalStack, aws_port: int, suite: Suite
) -> None:
    """After all other tests: every secret they used, searched in everything that was written, theirs included."""
    tokens = [*task_tokens("human-approval"), *task_tokens("email-only")]
    suite.use(*tokens)
    for deployed in (stack, email_only):
        for item in items(deployed.outputs["ApprovalTableName"]):
            if "link_key" in item:
                suite.use_key(bytes(item["link_key"]["B"]))
    assert len(tokens) > 5, "run with the other tests of this folder"

    written = {
        "logs": "\n".join(log_lines("human-approval") + log_lines("email-only")),
        "emulator": (WORK / f"emulator-{aws_port}.log").read_text(),
        "mails": json.dumps([mail.text + mail.subject for mail in (*stack.seen.mails, *email_only.seen.mails)]),
        "slack": json.dumps(stack.slack.calls()),
        "executions": json.dumps([execution.output for execution in stack.seen.executions]),
        "deployment": (WORK / "sam-deploy-human-approval.log").read_text(),
        **suite.written,
    }
    assert "human-approval" in written["deployment"]
    assert all(written[where] for where in ("logs", "emulator", "mails", "slack", "executions"))
    assert {where: found for where, text in written.items() if (found := suite.found(text))} == {}
    print(f"\n{len(suite.secrets)} secrets searched in {sum(map(len, written.values())):,} characters")
