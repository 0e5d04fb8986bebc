"""Nothing secret in anything that anybody can read: when all tests are over, tests/conftest.py searches for it.

Each stack's logs, mails, calls of Slack, outputs and deployment are handed over to it by `deployed`.
"""

from __future__ import annotations

from demo.person import Person, links
from demo.stack import LocalStack
from demo.story import TUTORIAL_INPUT, agree
from tests.support.deployments import hand_over
from tests.support.leaks import LeakDetector
from tests.support.stack_contents import task_tokens


def test_stacks_hand_over_their_logs_and_secrets_and_leak_nothing(
    stack: LocalStack, person: Person, leak_detector: LeakDetector
) -> None:
    name = person.start("secrets", TUTORIAL_INPUT)
    person.message(name)
    [token, *_] = task_tokens("human-approval")
    person.confirm(person.open(links(person.mail(name))["approve"]))
    agree(person, name, "ApprovedPassState", "email")
    assert "human-approval" in leak_detector.written["deployment of human-approval"]
    handed_over = LeakDetector()
    hand_over(handed_over, stack, "human-approval")
    assert token in handed_over.secrets
    assert len(handed_over.secrets) >= 5, "a token, and a key in four forms"
    assert len(handed_over.written) == 4
    assert all(len(text) > 100 for text in handed_over.written.values())
    assert handed_over.leaks() == {}
