"""The queries of docs/operate.md, on the logs of the local stack."""

from __future__ import annotations

from datetime import UTC, datetime

from demo.person import Person
from demo.stack import EMAIL, LocalStack
from demo.story import DEPLOYMENT
from tests.support.insights import Event, events, queries, run
from tests.support.stack_contents import log_lines


def test_the_logs_of_a_stack_answer_an_operators_questions(stack: LocalStack) -> None:
    person = Person(stack.url)
    name = person.start("asked-in-the-logs", DEPLOYMENT)
    person.click(person.message(name), "approve")
    ended = person.ended(name)
    person.mail(name, outcome=True)
    result = ended["output"]["Approval"]["Result"]

    def ask(question: str) -> list[Event]:
        query = queries()[question].replace("THE_ID", result["ApprovalId"]).replace("THE_EXECUTION_ARN", ended["arn"])
        return run(query, events(log_lines("human-approval"), datetime.now(UTC)))

    story = {row["message"] for row in ask("Why is this one still open?")}
    assert {"approval requested", "step done", "response in slack", "workflow resumed"} <= story
    assert {"request_slack", f"request_email:{EMAIL}"} <= {row["step"] for row in ask("Who was notified?")}
    assert {row["approval_id"] for row in ask("Which approval belongs to this execution?")} == {result["ApprovalId"]}
    [taken] = ask("How long do people take?")
    assert float(taken["decisions"] or 0) >= 1
    assert 0 <= float(taken["p50"] or 0) <= 600
    assert all(row["what"] and row["times"] for row in ask("What failed?"))
