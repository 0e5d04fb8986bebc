"""What all tests wrote and which secrets they used: the one is searched for the other when they are over."""

from __future__ import annotations

import signal
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from approvals.domain.model import Approval
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from demo import aws
from demo.slack import Slack
from tests.support.aws import share_files
from tests.support.builders import TOKEN

MIN_SECRET = 16
"""Characters. A made-up secret that is shorter, such as "another", would be found where it is only a word."""


@dataclass
class Suite:
    """The secrets used so far, and everything that tests printed and logged, by test."""

    secrets: set[str] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)

    def use(self, *secrets: str) -> None:
        self.secrets |= {secret for secret in secrets if len(secret) >= MIN_SECRET}

    def use_key(self, key: bytes) -> None:
        """A key may be written in many ways."""
        self.use(key.hex(), b64encode(key).decode(), repr(key)[2:-1], key.decode("latin-1"))

    def leaks(self) -> dict[str, list[str]]:
        """Return the beginnings of all secrets that were written, by where."""
        found = {
            where: [secret[:6] for secret in self.secrets if secret in text] for where, text in self.written.items()
        }
        return {where: secrets for where, secrets in found.items() if secrets}


_SUITE = Suite()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _SUITE.written[report.nodeid] = "\n".join([text for _, text in report.sections] + [report.longreprtext])


@pytest.fixture(scope="session", autouse=True)
def suite() -> Iterator[Suite]:
    """Notes every task token, link key and Slack secret that a test puts into the product."""
    add, put, init = ApprovalTable.add, TaskTokens.put, Slack.__init__
    _SUITE.use(TOKEN)

    def noted_add(table: ApprovalTable, approval: Approval) -> bool:
        _SUITE.use_key(approval.link_key)
        return add(table, approval)

    def noted_put(tokens: TaskTokens, approval_id: str, task_token: str, requested_at: datetime) -> None:
        _SUITE.use(task_token)
        put(tokens, approval_id, task_token, requested_at)

    def noted_init(slack: Slack, *arguments: Any, **named: Any) -> None:
        init(slack, *arguments, **named)
        _SUITE.use(slack.bot_token, slack.signing_secret)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ApprovalTable, "add", noted_add)
        patch.setattr(TaskTokens, "put", noted_put)
        patch.setattr(Slack, "__init__", noted_init)
        _SUITE.use(aws.KEY)
        yield _SUITE


@pytest.fixture(scope="session", autouse=True)
def sigint() -> None:
    """Let SIGINT interrupt this process and its children: a background job of a shell ignores it, and so do they."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def shared_files() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        share_files(patch)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What waits for minutes that began with the run comes last, so that they pass meanwhile.
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.hookimpl(trylast=True)  # once the fixtures are torn down, of a run that was cut short, too
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when any test wrote a secret that any test used, whichever tests were run, in any order."""
    if leaks := _SUITE.leaks():
        print(f"\nSecrets that begin so were written: {leaks}", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
