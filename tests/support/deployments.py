"""Stacks that the real `sam deploy` puts on the emulator."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from approvals.domain.spending import grant_id
from demo.process import WORK
from demo.stack import LocalStack
from tests.support.leaks import LeakDetector
from tests.support.stack_contents import items, log_lines, task_tokens


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def deployed(leak_detector: LeakDetector, aws_port: int, name: str, **more: Any) -> Iterator[LocalStack]:
    """Deploy a stack. When it has served, hand over its secrets and all that it wrote.

    A deployer other than `sam deploy` may write a log of the same name.
    """
    log = WORK / f"sam-deploy-{name}.log"
    log.unlink(missing_ok=True)
    stack = LocalStack(aws_port=aws_port, web_port=free_port(), name=name, **more)
    leak_detector.written[f"deployment of {name}"] = log.read_text() if log.exists() else ""
    try:
        yield stack
        # The stack may be nested in the one of that name; its tables are named after it.
        hand_over(leak_detector, stack, stack.outputs["ApprovalTableName"].rpartition("-ApprovalTable")[0])
    finally:
        stack.stop()


def hand_over(leak_detector: LeakDetector, stack: LocalStack, name: str) -> None:
    """Note the secrets of a stack, and all that anybody can read of it."""
    tokens = task_tokens(name)
    grants = [grant_id(token) for token in tokens]
    leak_detector.use(*tokens, *grants)
    executions = json.dumps([execution.output for execution in stack.seen.executions])
    for grant in grants:
        executions = executions.replace(f'"Id": "{grant}"', '"Id": ""')  # the one place where it belongs
    for item in items(stack.outputs["ApprovalTableName"]):
        if "link_key" in item:
            leak_detector.use_key(bytes(item["link_key"]["B"]))
    leak_detector.written |= {
        f"logs of {name}": "\n".join(log_lines(name)),
        f"mails of {name}": json.dumps([mail.text + mail.subject for mail in stack.seen.mails]),
        f"Slack's calls of {name}": json.dumps(stack.slack.calls()),
        f"executions of {name}": executions,
    }
