"""Nothing secret in anything that anybody can read: when all tests are over, tests/conftest.py searches for it.

Each stack's logs, mails, calls of Slack, outputs and deployment are handed over to it by `deployed`.
"""

from __future__ import annotations

from demo.person import Person, links
from demo.stack import LocalStack
from demo.story import TUTORIAL_INPUT, agree
from tests.conftest import Suite
from tests.e2e.conftest import hand_over
from tests.e2e.tables import task_tokens


def test_what_a_stack_wrote_and_its_secrets_are_handed_over_and_nothing_leaked(
    stack: LocalStack, person: Person, suite: Suite
) -> None:
    name = person.start("secrets", TUTORIAL_INPUT)
    person.message(name)
    [token, *_] = task_tokens("human-approval")
    person.confirm(person.open(links(person.mail(name))["approve"]))
    agree(person, name, "ApprovedPassState", "email")
    assert "human-approval" in suite.written["deployment of human-approval"]
    handed_over = Suite()
    hand_over(handed_over, stack, "human-approval")
    assert token in handed_over.secrets
    assert len(handed_over.secrets) >= 5, "a token, and a key in four forms"
    assert len(handed_over.written) == 4
    assert all(len(text) > 100 for text in handed_over.written.values())
    assert handed_over.leaks() == {}
