"""The tutorial's own story, and what the workflow gets back."""

from __future__ import annotations

import re

import pytest

from demo.person import Person, heading, links
from demo.stack import LocalStack
from demo.story import DEPLOYMENT, TUTORIAL_INPUT, agree


@pytest.mark.parametrize(("action", "state"), [("approve", "ApprovedPassState"), ("reject", "RejectedPassState")])
def test_the_tutorials_story(person: Person, action: str, state: str) -> None:
    name = person.start(f"tutorial-{action}", TUTORIAL_INPUT)
    assert [seen["name"] for seen in person.execution(name)["states"]] == ["Lambda Callback"]

    mail = person.mail(name)
    assert re.fullmatch(r"Required approval from AWS Step Functions \[[a-z2-7]{6}\]", mail["subject"])
    assert re.findall(r"https?://\S+", mail["text"]) == list(links(mail).values())
    assert list(links(mail)) == ["approve", "reject"]
    assert "Testing the human approval tutorial." in mail["text"]

    page = person.open(links(mail)[action])
    assert "Testing the human approval tutorial." in page.text
    assert person.execution(name)["status"] == "RUNNING"
    page = person.confirm(page, comment="It's <b>fine</b>")
    assert page.status == 200
    assert "It's &lt;b&gt;fine&lt;/b&gt;" in page.text

    agree(person, name, state, "email")
    ended = person.ended(name)
    assert ended["status"] == "SUCCEEDED"
    assert ended["output"]["Comment"] == TUTORIAL_INPUT["Comment"], "the input flows on"


def test_the_result_has_the_contracts_shape(person: Person, stack: LocalStack) -> None:
    name = person.start("result", DEPLOYMENT)
    person.confirm(person.open(links(person.mail(name))["approve"]), comment="ok")
    output = person.ended(name)["output"]
    result = output["Approval"].pop("Result")
    assert output == DEPLOYMENT
    assert list(result) == [
        "Status",
        "Decision",
        "ApprovalId",
        "DecidedBy",
        "DecidedAt",
        "Channel",
        "Comment",
        "Responses",
        "Form",
        "Digest",
    ]
    assert result["Status"] == f"Approved! Task approved by {stack.email}"
    assert (result["Decision"], result["DecidedBy"], result["Channel"]) == ("APPROVED", stack.email, "email")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", result["DecidedAt"])
    assert result["Comment"] == "ok"
    assert [response["By"] for response in result["Responses"]] == [stack.email]


def test_a_result_may_be_the_input_of_another_approval(person: Person) -> None:
    """The result of an earlier approval under the same key is no unknown key, and is replaced."""
    name = person.start("chained", {"Approval": {"Title": "Once more?", "Result": {"Decision": "REJECTED"}}})
    person.confirm(person.open(links(person.mail(name))["approve"]))
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"


@pytest.mark.parametrize(
    ("name", "execution_input", "problems"),
    [
        ("typo", {"Approval": {"Titel": "x", "TimeoutMinutes": 0}}, ["Approval.Titel", "Approval.TimeoutMinutes"]),
        ("no-object", ["a", "list"], ["Input: a list is not a JSON object."]),
        ("text", {"Approval": "please"}, ['Approval: "please" is not an object.']),
    ],
)
def test_a_request_that_cannot_be_made_fails_and_says_why(
    person: Person, name: str, execution_input: object, problems: list[str]
) -> None:
    ended = person.ended(person.start(name, execution_input))
    assert (ended["status"], ended["error"]) == ("FAILED", "InvalidApprovalRequest")
    assert ended["states"][-1]["name"] == "ApprovalFailed"
    for problem in problems:
        assert problem in ended["cause"]


def test_unknown_links_are_pages_with_a_sentence(person: Person) -> None:
    name = person.start("links", TUTORIAL_INPUT)
    link = links(person.mail(name))["approve"]
    cases = {
        link.replace("action=approve", "action=maybe"): 400,
        link.split("&sig=", maxsplit=1)[0]: 400,
        re.sub(r"sig=\w{4}", "sig=aaaa", link): 403,
        re.sub(r"id=\w+", f"id={'a' * 32}", link): 404,
    }
    for url, status in cases.items():
        page = person.open(url)
        assert (page.status, heading(page)) == (status, "This link doesn't work")
    assert person.execution(name)["status"] == "RUNNING"
