"""On every surface: all of a request is shown; or there is no approve button, and what is left out is named.

The page shows everything, always.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.model import Action, Approval, Request
from approvals.domain.signed_links import ALL_SHOWN
from approvals.domain.summary import summarize
from bot.views.approval import request_blocks
from bot.views.buttons import ACTION_IDS, READ_ID
from bot.views.home import home_view
from bot.views.lists import list_blocks
from bot.views.modal import response_modal
from bot.visibility import Overview
from cli.document import lines
from demo.slack.block_kit import check_home, check_message, check_view
from mail.digest_message import digest_mail
from mail.messages import Links, reminder_mail, request_mail
from mail.sns import Mail
from mail.text import BAR
from tests.support.builders import HOUR, MAX_TITLE, NOW, an_approval
from web import pages

TO, BASE = "ann@example.com", "https://approvals.example.com/states"
LINKS = Links(BASE, one_click=True)
APPROVE = ACTION_IDS[Action.APPROVE]
SCRIPT = "echo harmless\n" * 80 + "rm -rf /prod"

words = st.text(alphabet='ab1&<> \n"é\U0001f4a5', min_size=1, max_size=30).filter(lambda text: text.strip() != "")
lines_of = words.map(lambda text: " ".join(text.split()))
longer = st.builds(lambda text, times: (text + "x") * times, words, st.sampled_from([1, 3, 40, 400, 4000]))
values: st.SearchStrategy[Any] = longer | st.integers() | st.booleans() | st.lists(words, max_size=40)
requests = st.builds(
    Request,
    title=st.builds(
        lambda text, times: " ".join(((text + "*") * times).split())[:MAX_TITLE], words, st.integers(1, 60)
    ),
    details=st.none() | longer,
    facts=st.lists(st.tuples(lines_of, longer.map(lambda text: text[:2000])), max_size=100).map(tuple),
    links=st.lists(
        st.tuples(lines_of, st.integers(1, 1900).map(lambda length: f"https://example.com/{'u' * length}")), max_size=10
    ).map(tuple),
    context=st.dictionaries(longer.map(lambda text: text[:3000]), values, max_size=60),
    timeout=st.just(HOUR),
)
fields = st.builds(
    lambda number, label, default: FormField(name=f"f{number}", label=label, type=FieldType.TEXT, default=default),
    st.integers(0, 10**9),
    lines_of.map(lambda text: text[:75]),
    words,
) | st.builds(
    lambda number, choices: FormField(name=f"f{number}", label="Choose", type=FieldType.CHOICE, choices=choices),
    st.integers(0, 10**9),
    st.lists(lines_of.map(lambda text: text[:70]), min_size=1, max_size=100, unique=True).map(tuple),
)


def squashed(text: str) -> str:
    """Return a text without the line breaks, indents, quotes and marks of surfaces."""
    return re.sub(r"[\s|\u200b\u2026]+", "", text)


def told(node: object) -> Iterator[str]:
    """Return all that people read in blocks: texts in their order, and where links lead."""
    if isinstance(node, dict):
        yield from (node[key] for key in ("text", "url", "initial_value") if isinstance(node.get(key), str))
        for child in node.values():
            yield from told(child)
    elif isinstance(node, list):
        for child in node:
            yield from told(child)


def parts(approval: Approval) -> Iterator[tuple[str, str]]:
    """Return everything that a request says, with the part it belongs to."""
    request = approval.request
    yield from (("facts", text) for fact in request.facts for text in fact)
    yield from (("links", text) for link in request.links for text in link)
    # What markup takes for a mark is no part of the text: there is none in these but the one for a paragraph.
    yield from (("details", text) for text in (request.details or "").split("\n"))
    for key, value in request.whole_context.items():
        yield "workflow input", key
        yield "workflow input", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def missing(approval: Approval, shown: str) -> set[str]:
    """Return the parts of which something is missing in the shown text."""
    text = squashed(shown)
    return {part for part, said in parts(approval) if squashed(said) not in text}


def blocks(approval: Approval) -> list[dict[str, Any]]:
    return [block.to_dict() for block in request_blocks(approval)]


def home(approval: Approval) -> list[dict[str, Any]]:
    view = home_view(
        Overview(waiting=[summarize(approval)]), [approval], lambda _: "https://slack.example.com", now=NOW
    ).to_dict()
    check_home(view)
    found: list[dict[str, Any]] = view["blocks"]
    return found


def judge_blocks(approval: Approval, found: list[dict[str, Any]]) -> None:
    shown = unescape("".join(told(found)))
    assert squashed(approval.title) in squashed(shown)
    left_out = missing(approval, shown)
    ids = {element.get("action_id") for block in found for element in block.get("elements", ())}
    assert (APPROVE in ids) is not (READ_ID in ids)
    named = re.search(r"\*Not shown here:\* (.*?)\. ", shown)
    if APPROVE in ids:
        assert left_out == set()
        assert named is None
    else:
        assert named is not None
        assert all(part.removesuffix("s") in named[1] for part in left_out)


@settings(deadline=None, max_examples=25)
@given(requests)
def test_a_message_approves_only_what_it_shows(request: Request) -> None:
    """So does the answer to `/approvals show`, which is the same."""
    approval = an_approval(request=request)
    found = blocks(approval)
    check_message(found)
    judge_blocks(approval, found)


@settings(deadline=None, max_examples=25)
@given(requests)
def test_a_home_approves_only_what_it_shows(request: Request) -> None:
    approval = an_approval(request=request)
    judge_blocks(approval, home(approval))


@settings(deadline=None, max_examples=20)
@given(st.lists(requests.map(lambda request: an_approval(request=request)), min_size=1, max_size=5))
def test_a_list_approves_nothing(approvals: list[Approval]) -> None:
    found = [
        block.to_dict()
        for block in list_blocks([("Waiting for you", [*map(summarize, approvals)])], lambda _: "https://x", "")
    ]
    assert APPROVE not in json.dumps(found)


@settings(deadline=None, max_examples=25)
@given(requests, st.lists(fields, max_size=20, unique_by=lambda field: field.name).map(tuple))
def test_a_dialog_shows_all_of_its_form(request: Request, form: tuple[FormField, ...]) -> None:
    approval = an_approval(request=Request(title=request.title, timeout=HOUR, form=form))
    view = response_modal(approval, Action.APPROVE, "{}").to_dict()
    check_view(view)
    shown = squashed("".join(told(view["blocks"])))
    assert squashed(approval.title) in shown
    for field in form:
        assert all(squashed(text) in shown for text in (field.label, *field.choices, read(field.default)))


def read(default: FormValue | None) -> str:
    return "" if default is None else str(default)


def unbarred(mail: Mail) -> str:
    """Return the text of an email without the bars before the author's lines."""
    return re.sub(rf"^{re.escape(BAR)}", "", mail.text, flags=re.MULTILINE)


MAILS: list[Callable[[Approval], str]] = [
    lambda approval: unbarred(request_mail(approval, TO, LINKS)),
    lambda approval: unbarred(reminder_mail(approval, TO, LINKS)),
    lambda approval: unbarred(digest_mail([approval], TO, LINKS, stack_email=TO)),
]


@pytest.mark.parametrize("mail", MAILS, ids=["request", "reminder", "digest"])
@settings(deadline=None, max_examples=25)
@given(request=requests, form=st.booleans())
def test_a_link_in_an_email_approves_by_itself_only_what_the_email_shows(
    mail: Callable[[Approval], str], request: Request, form: bool
) -> None:
    fields_ = (FormField(name="f", label="F", type=FieldType.NUMBER, default=100),) if form else ()
    asked = Request(
        **{name: getattr(request, name) for name in ("title", "details", "facts", "links", "context")},
        timeout=HOUR,
        form=fields_,
    )
    approval = an_approval(request=asked)
    text = mail(approval)
    left_out = missing(approval, text)
    marked = [line for line in text.splitlines() if line.startswith(BASE) and f"&{ALL_SHOWN}=1" in line]
    if marked:
        assert (left_out, form, len(marked)) == (set(), False, 2)
    elif mail is not MAILS[2]:
        named = squashed(text)
        assert all(squashed(part).removesuffix("s") in named for part in left_out)
        assert bool(left_out) <= ("Notshowninthisemail:" in named)
        # A form is announced, and filled in on the page.
        assert ("Toapprove,youfillin:" in named) == form


@settings(deadline=None, max_examples=25)
@given(requests, st.lists(fields, max_size=20, unique_by=lambda field: field.name).map(tuple))
def test_the_page_shows_everything(request: Request, form: tuple[FormField, ...]) -> None:
    asked = Request(
        **{name: getattr(request, name) for name in ("title", "details", "facts", "links", "context")},
        timeout=HOUR,
        form=form,
    )
    approval = an_approval(request=asked)
    page = unescape(re.sub(r"<[^>]*>", "", pages.confirm(approval, Action.APPROVE, {}, now=NOW)))
    assert missing(approval, page) == set()
    whole = unescape(pages.confirm(approval, Action.APPROVE, {}, now=NOW))
    for field in form:
        for text in (field.label, *field.choices, read(field.default)):
            assert squashed(text) in squashed(whole)


@settings(deadline=None, max_examples=25)
@given(requests)
def test_the_command_line_shows_everything(request: Request) -> None:
    approval = an_approval(request=request)
    assert missing(approval, "\n".join(lines(approval, NOW))) == set()


def test_the_page_shows_the_end_of_240_kilobytes() -> None:
    context: dict[str, Any] = {f"k{number}": number for number in range(5000)}
    context["Script"] = "echo harmless\n" * 10_000 + "rm -rf /prod"
    approval = an_approval(request=Request(timeout=HOUR, context=context))
    page = pages.confirm(approval, Action.APPROVE, {}, now=NOW)
    assert "k4999" in page
    assert "rm -rf /prod" in page


@pytest.mark.parametrize("lead", ["", "- ", "**b** "])
@pytest.mark.parametrize("size", [0, 80, 800, 8000])
def test_the_last_line_of_a_script_is_shown_or_not_approved_wherever_it_stands(lead: str, size: int) -> None:
    script = f"{lead}echo harmless\n" * size + "rm -rf /prod"
    for where in ({"context": {"Script": script}}, {"details": script}, {"context": {"a": {"b": [script]}}}):
        approval = an_approval(request=Request(title="Run the script", timeout=HOUR, **where))
        for found in (blocks(approval), home(approval)):
            assert (APPROVE in json.dumps(found)) <= ("rm -rf /prod" in "".join(told(found)))
        text = unbarred(request_mail(approval, TO, LINKS))
        assert (f"&{ALL_SHOWN}=1" in text) <= (squashed("rm -rf /prod") in squashed(text))
