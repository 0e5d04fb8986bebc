"""What every run of tests has: a detector of leaked secrets, signals, and an order that waits the least."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

import bot.words
import iam.words
import mail.words
from approvals.domain.model import Approval
from approvals.domain.spending import grant_id
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from demo import aws
from demo.slack import Slack
from tests.support.aws import share_files
from tests.support.builders import TOKEN
from tests.support.leaks import LeakDetector

mail.words.register_words()
bot.words.register_words()
iam.words.register_words()

_DETECTOR = LeakDetector()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _DETECTOR.written[report.nodeid] = "\n".join([text for _, text in report.sections] + [report.longreprtext])


@pytest.fixture(scope="session", autouse=True)
def leak_detector() -> Iterator[LeakDetector]:
    """Note every task token, grant, link key and Slack secret that a test puts into the product."""
    add, put, init = ApprovalTable.add, TaskTokens.put, Slack.__init__
    _DETECTOR.use(TOKEN, grant_id(TOKEN))

    def noted_add(table: ApprovalTable, approval: Approval) -> bool:
        _DETECTOR.use_key(approval.link_key)
        return add(table, approval)

    def noted_put(tokens: TaskTokens, approval_id: str, task_token: str, requested_at: datetime) -> None:
        _DETECTOR.use(task_token, grant_id(task_token))
        put(tokens, approval_id, task_token, requested_at)

    def noted_init(slack: Slack, *arguments: Any, **named: Any) -> None:
        init(slack, *arguments, **named)
        _DETECTOR.use(slack.bot_token, slack.signing_secret)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ApprovalTable, "add", noted_add)
        patch.setattr(TaskTokens, "put", noted_put)
        patch.setattr(Slack, "__init__", noted_init)
        _DETECTOR.use(aws.KEY)
        yield _DETECTOR


@pytest.fixture(scope="session", autouse=True)
def sigint() -> None:
    """Let SIGINT interrupt this process and its children: a shell's background job ignores it, and so do they."""
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
    if leaks := _DETECTOR.leaks():
        print(f"\nSecrets that begin so were written: {leaks}", file=sys.stderr)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
