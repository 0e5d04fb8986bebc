"""A change since the last approved request is in the first lines under the title, on every surface, as text alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.domain.comparison import compare
from approvals.domain.comparison_wording import HIDDEN, NONE
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval, Decision, Delivery, Json, Request, Response, Status
from approvals.domain.people import People, Person
from approvals.domain.previous import Comparison, Previous
from approvals.domain.signed_links import user_recipient
from approvals.domain.summary import summarize
from bot.views.approval import message_of
from bot.views.comparison import readers_see_values, user_sees_values
from bot.views.home import home_view
from bot.views.modal import response_modal
from bot.visibility import Overview
from cli.document import document, lines
from demo.slack.block_kit import check_home, check_message, check_view
from mail.digest_message import digest_mail
from mail.messages import Links, notice_mail, reminder_mail, request_mail
from tests.support.builders import HOUR, MESSAGE, NOW, an_approval
from tests.support.delegates import by_email
from web import pages

ANN = Person(id="ann@example.com", name="Ann", identities={"email": "ann@example.com", "slack": "U0ANN00001"})
BO = Person(id="bo@example.com", name="Bo", identities={"email": "bo@example.com", "slack": "U0BOB00002"})
TITLE = "Deploy web"
LINKS = Links("https://example.com", one_click=False)
POSTED = replace(MESSAGE, place="C0SAMEPLAC")
ELSEWHERE = replace(MESSAGE, place="C0OTHERPLA")


def asked(**parts: Any) -> Approval:
    """Return a request to Ann and Bo."""
    values: dict[str, Any] = {"title": TITLE, "subject": "deploy web", "approvers": (ANN.id, BO.id), "timeout": HOUR}
    people = People(approvers=(ANN, BO))
    return an_approval(request=Request(**{**values, **parts}), people=people, deliveries=(POSTED,))


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> Approval:
    """Return a request that is compared with one that Ann alone was asked, in the same place, and approved."""
    given_ = Response(approver=by_email(ANN), action=Action.APPROVE, at=NOW, person=ANN.id)
    decision = Decision(status=Status.APPROVED, at=NOW, channel="email", approver=given_.approver)
    earlier = replace(
        asked(**before),
        id="b" * 32,
        people=People(approvers=(ANN,)),
        status=Status.APPROVED,
        responses=(given_,),
        decision=decision,
    )
    current = asked(**after)
    return replace(current, previous=compare(earlier, current))


class _Lines(HTMLParser):
    """The texts of a page's paragraphs, headings and rows, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 the base class calls it so
        self.tags.add(tag)
        if tag in ("p", "h1", "h2", "h3", "dt"):
            self.found.append("")
        elif tag == "dd":
            self.found[-1] += ": "

    def handle_data(self, data: str) -> None:
        if self.found:
            self.found[-1] += data


def page(approval: Approval, recipient: str) -> list[str]:
    return _page(pages.confirm(approval, Action.APPROVE, {"to": recipient}, now=NOW))


def _page(html: str) -> list[str]:
    parser = _Lines()
    parser.feed(html)
    parser.found = [line for line in parser.found if line.strip()]
    return parser.found


def email(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def texts(node: Any) -> Iterator[str]:
    """Yield the texts of blocks: each piece of mrkdwn, and each element of rich text as a whole."""
    if isinstance(node, list):
        for each in node:
            yield from texts(each)
    elif isinstance(node, dict):
        if node.get("type") in ("rich_text_section", "rich_text_quote"):
            yield "".join(part.get("text") or part.get("fallback") or "" for part in node["elements"])
        elif isinstance(node.get("text"), str):
            yield node["text"]
        else:
            for each in (node.get("text"), node.get("elements")):
                yield from texts(each)


def slack(blocks: list[dict[str, Any]]) -> list[str]:
    return [line for text in texts(blocks) for line in text.split("\n")]


def message(approval: Approval, posted: Delivery) -> list[str]:
    _, blocks = message_of(approval, values=readers_see_values(approval, posted))
    found = [block.to_dict() for block in blocks]
    check_message(found)
    return slack(found)


def modal(approval: Approval, user: str) -> list[str]:
    view = response_modal(approval, Action.APPROVE, "{}", user=user).to_dict()
    check_view(view)
    return slack(view["blocks"])


def home(approval: Approval, user: str) -> list[str]:
    overview = Overview(waiting=[summarize(approval)])
    view = home_view(overview, [approval], lambda _: "https://slack.example.com", now=NOW, user=user).to_dict()
    check_home(view)
    return slack(view["blocks"])


def copy(approval: Approval, user: str) -> list[str]:
    _, blocks = message_of(approval, is_copy=True, values=user_sees_values(approval, user))
    return slack([block.to_dict() for block in blocks])


SURFACES: dict[str, Callable[[Approval], list[str]]] = {
    "the page": lambda approval: page(approval, ANN.id),
    "the page from Slack": lambda approval: page(approval, user_recipient("U0ANN00001", "Ann", member=True)),
    "the email": lambda approval: email(request_mail(approval, ANN.id, LINKS).text),
    "a reminder": lambda approval: email(reminder_mail(approval, ANN.id, LINKS).text),
    "a notice": lambda approval: email(notice_mail(approval, ANN.id).text),
    "the digest": lambda approval: email(digest_mail([approval], ANN.id, LINKS, stack_email="stack@example.com").text),
    "the message": lambda approval: message(approval, POSTED),
    "a direct message": lambda approval: message(approval, replace(ELSEWHERE, place="D0ANN", to="U0ANN00001")),
    "an answer to a command": lambda approval: copy(approval, "U0ANN00001"),
    "the modal": lambda approval: modal(approval, "U0ANN00001"),
    "the Home": lambda approval: home(approval, "U0ANN00001"),
    "the command line": lambda approval: [*lines(approval, NOW)],
}

OTHERS: dict[str, Callable[[Approval], list[str]]] = {
    "the page": lambda approval: page(approval, BO.id),
    "the page of a person who may not respond": lambda approval: _page(
        pages.not_allowed(approval, "", too_early=False, now=NOW)
    ),
    "the page from Slack": lambda approval: page(approval, user_recipient("U0BOB00002", "Bo", member=True)),
    "the email": lambda approval: email(request_mail(approval, BO.id, LINKS).text),
    "a notice": lambda approval: email(notice_mail(approval, "zoe@example.com").text),
    "the digest": lambda approval: email(digest_mail([approval], BO.id, LINKS, stack_email="stack@example.com").text),
    "the message": lambda approval: message(approval, ELSEWHERE),
    "a direct message": lambda approval: message(approval, replace(POSTED, place="D0BO", to="U0BOB00002")),
    "an answer to a command": lambda approval: copy(approval, "U0BOB00002"),
    "the modal": lambda approval: modal(approval, "U0BOB00002"),
    "the Home": lambda approval: home(approval, "U0BOB00002"),
}


def first_lines(surface: str, approval: Approval, shown: list[str]) -> list[str]:
    """Return the first three lines under the title. The Home has the state of each request beside its title."""
    title = next(number for number, line in enumerate(shown) if TITLE in line)
    return shown[title + 1 :][: 4 if surface == "the Home" else 3]


def a_form(default: Any) -> dict[str, Any]:
    return {"form": (FormField(name="Replicas", label="Replicas", type=FieldType.TEXT, default=default),)}


PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "a fact": lambda value: {"facts": (("Image", "web:1"), ("Replicas", value), ("Region", "eu"))},
    "the action": lambda value: {"action": {"Command": ["scale", {"Replicas": value}], "Dir": "/srv"}},
    "the form": a_form,
    "the workflow input": lambda value: {"context": {"Region": "eu", "deep": [{"Replicas": value}] * 1}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("surface", SURFACES)
def test_a_planted_change_is_in_the_first_three_lines(surface: str, place: str) -> None:
    approval = compared(PLACES[place]("3"), PLACES[place]("300"))
    found = first_lines(surface, approval, SURFACES[surface](approval))
    assert any("Replicas" in line and "3 \u2192 300" in line for line in found), found
    assert any("Ann approved this subject" in line for line in found), found


@settings(deadline=None, max_examples=20)
@given(
    st.sampled_from(sorted(PLACES)),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=40),
)
def test_any_other_value_is_named_in_the_first_three_lines(place: str, value: str) -> None:
    if value == "3":
        return
    approval = compared(PLACES[place]("3"), PLACES[place](value))
    for surface, show in SURFACES.items():
        assert any("Replicas" in line for line in first_lines(surface, approval, show(approval))), surface


@pytest.mark.parametrize("surface", OTHERS)
def test_others_see_what_changed_but_no_earlier_value(surface: str) -> None:
    approval = compared(PLACES["a fact"]("secret-3"), PLACES["a fact"]("300"))
    shown = OTHERS[surface](approval)
    assert "Replicas: changed" in " ".join(shown)
    assert HIDDEN in " ".join(" ".join(shown).split())
    assert "secret-3" not in " ".join(shown)


HOSTILE = "*x* <!channel> <@U0ANN00001> </b><script>alert(1)</script> `y` [a](http://evil.example) :tada: &amp;"


@pytest.mark.parametrize("surface", SURFACES)
def test_a_value_is_text_alone(surface: str) -> None:
    approval = compared(PLACES["a fact"](HOSTILE), PLACES["a fact"]("x\u200b\u202ey"))
    shown = SURFACES[surface](approval)
    assert not re.search("[\u200b\u202e]", "".join(re.sub("\u200b[*_~`:]\u200b", "", line) for line in shown))
    barred = [line for line in shown if "channel" in line or "script" in line]
    assert barred
    if surface in ("the email", "a reminder", "a notice", "the digest", "the command line"):
        assert all(line.startswith("| ") for line in barred)


def test_a_value_makes_no_element_of_a_page() -> None:
    parser = _Lines()
    parser.feed(pages.confirm(compared(PLACES["a fact"](HOSTILE), PLACES["a fact"]("3")), Action.APPROVE, {}, now=NOW))
    assert parser.tags.isdisjoint({"script", "b"})


def test_a_value_is_never_in_mrkdwn() -> None:
    approval = compared(PLACES["a fact"](HOSTILE), PLACES["a fact"]("3"))
    for blocks in (
        [block.to_dict() for block in message_of(approval, values=True)[1]],
        response_modal(approval, Action.APPROVE, "{}", user="U0ANN00001").to_dict()["blocks"],
    ):
        found = json.dumps(blocks)
        assert "<!channel>" in found
        assert "!channel" not in "".join(
            node["text"] for node in _nodes(blocks) if node.get("type") == "mrkdwn" and isinstance(node["text"], str)
        )


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(each)
    if isinstance(node, dict):
        yield node


FAKE = "No change since ann@example.com approved this subject on 3 Nov 2026, 10:31 UTC: the same."


def test_the_requester_can_not_imitate_the_sentence() -> None:
    approval = replace(
        asked(title=FAKE, details=FAKE, facts=(("Note", FAKE),), context={"note": FAKE}),
        previous=Previous(comparison=Comparison.NONE),
    )
    for surface in ("the email", "a reminder", "the digest", "the command line"):
        shown = [line for line in SURFACES[surface](approval) if "No change since" in line]
        assert shown
        assert all(line.startswith("| ") for line in shown)
    for show in SURFACES.values():
        assert any(NONE in line for line in show(approval))


def test_a_request_without_a_subject_has_no_such_line() -> None:
    plain = asked(subject=None)
    for surface, show in SURFACES.items():
        assert "subject" not in " ".join(show(plain)).casefold(), surface


def test_programs_read_the_comparison() -> None:
    shown: Json = document(compared(PLACES["a fact"]("3"), PLACES["a fact"]("300")))["Previous"]
    assert shown == {
        "Comparison": "compared",
        "ApprovalId": "b" * 32,
        "ApprovedAt": "2026-11-23T09:00:00.000Z",
        "ApprovedBy": ["Ann"],
        "Changes": {"Facts": 1},
        "Listed": [{"Name": "Replicas", "Before": "3", "After": "300"}],
        "Ignored": 0,
    }
    assert document(asked(subject=None))["Previous"] is None
