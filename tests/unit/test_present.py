"""What people are shown on every surface."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain import facts, response_wording, wording
from approvals.domain.characters import hidden_in, reveal
from approvals.domain.eligibility import Reason
from approvals.domain.judgement import Withdrawal
from approvals.domain.model import Action, Approval, Json, MoreTime, Request, Response, readable, shorten
from approvals.domain.parts import display_name
from approvals.domain.people import Approver, People, Person
from approvals.domain.refusal_wording import TOO_EARLY, WHY, refusal_reply
from approvals.domain.rules import judge
from approvals.domain.summary import summarize
from bot.words import NOT_OF_THE_WORKSPACE
from tests.support.builders import (
    ALICE,
    BOB,
    HOUR,
    MAX_TITLE,
    NOW,
    WORKFLOW,
    a_response,
    an_approval,
    cancelled,
    decided,
    expired,
)

ABOUT = "\u201cDeploy web 2.4.1\u201d [bclqip]:"
"""How a text to one person names the request."""

NOBODY = "Nobody responded before the deadline, so the workflow was not approved."


def with_context(context: dict[str, Json]) -> Approval:
    return an_approval(request=Request(timeout=timedelta(hours=1), context=context))


@given(st.text(), st.integers(1, 50))
def test_a_shortened_text_fits_and_is_a_beginning_of_the_whole(text: str, most: int) -> None:
    short = shorten(text, most)
    assert len(short) <= most
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]) and len(short) == most)


@pytest.mark.parametrize(
    ("text", "most", "short"), [("", 1, ""), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abcd", 1, "…")]
)
def test_a_text_is_cut_only_when_it_must_be(text: str, most: int, short: str) -> None:
    assert shorten(text, most) == short


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 10, 31, 59, tzinfo=UTC), "23 Nov 2026, 10:31 UTC"),
        (datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))), "28 Feb 2026, 22:30 UTC"),
    ],
)
def test_a_moment_for_people_names_its_time_zone(moment: datetime, text: str) -> None:
    assert readable(moment) == text


def test_a_request_without_a_title_gets_one_from_its_execution() -> None:
    assert with_context({}).title == "Continue execution run-1?"


def test_the_longest_execution_name_makes_a_title_within_the_limit() -> None:
    workflow = replace(WORKFLOW, execution_name="x" * 80)
    assert len(replace(with_context({}), workflow=workflow).title) <= MAX_TITLE


def test_the_facts_say_who_asks_for_what_until_when() -> None:
    assert facts.facts(an_approval()) == [
        ("Requested by", "jo@example.com"),
        ("Respond by", "23 Nov 2026, 10:00 UTC"),
        ("Approval execution", "run-1"),
        ("AWS account", "123456789012"),
        ("AWS region", "eu-west-1"),
        ("State machine", "Deploy"),
    ]


@pytest.mark.parametrize("approval", [decided(), decided(Action.REJECT, BOB), expired(), cancelled()])
def test_the_facts_of_what_is_decided_say_no_longer_until_when(approval: Approval) -> None:
    assert facts.facts(approval) == [
        ("Requested by", "jo@example.com"),
        ("Approval execution", "run-1"),
        ("AWS account", "123456789012"),
        ("AWS region", "eu-west-1"),
        ("State machine", "Deploy"),
    ]


def test_the_deadline_shown_is_the_records_own() -> None:
    shown = dict(facts.facts(an_approval(deadline=NOW + timedelta(days=2))))
    assert shown[facts.DEADLINE] == "25 Nov 2026, 09:00 UTC"


def test_nobody_is_named_as_requester_when_the_request_names_nobody() -> None:
    labels = [label for label, _ in facts.facts(with_context({}))]
    assert labels == ["Respond by", "Approval execution", "AWS account", "AWS region", "State machine"]


def test_the_execution_that_started_this_one_is_the_inputs_claim_and_no_fact() -> None:
    parent = "arn:aws:states:eu-west-1:123456789012:execution:Release:run-9"
    approval = with_context({"Version": "2.4.1", facts.STARTED_BY: parent})
    assert "Release" not in str(facts.facts(approval))
    assert facts.claims(approval)[0] == ("Started by (from the input)", "Release, execution run-9")
    assert facts.context(approval) == [("Version", "2.4.1")]


def test_our_own_state_machine_is_not_the_first_fact_but_the_last() -> None:
    labels = [label for label, _ in facts.source(an_approval())]
    assert (labels[0], labels[-1]) == ("Approval execution", "State machine")


@pytest.mark.parametrize(
    ("arn", "account_and_region"),
    [
        ("arn:aws-cn:states:cn-north-1:999999999999:execution:Deploy:run-1", ["999999999999", "cn-north-1"]),
        ("not an arn", []),
    ],
)
def test_account_and_region_are_those_of_the_execution(arn: str, account_and_region: list[str]) -> None:
    approval = an_approval(workflow=replace(WORKFLOW, execution_arn=arn))
    shown = dict(facts.facts(approval))
    assert [shown[label] for label in ("AWS account", "AWS region") if label in shown] == account_and_region


RO = Person(id="ro@example.com", name="Ro Smith", identities={"email": "ro@example.com", "slack": "U0ROB00009"})


@pytest.mark.parametrize(
    ("claim", "person", "shown"),
    [
        ("U0ROB00009", RO, "Ro Smith (ro@example.com)"),
        ("ro@example.com", RO, "Ro Smith (ro@example.com)"),
        ("ro@example.com", replace(RO, name="ro@example.com"), "ro@example.com"),
        ("U0ROB00009", replace(RO, identities={"slack": "U0ROB00009"}), "Ro Smith (U0ROB00009)"),
        ("U0ROB00009", replace(RO, name="ciso@example.com"), "ciso at example.com (ro@example.com)"),
        ("ro@example.com", None, "ro@example.com"),
        (None, None, None),
    ],
)
def test_a_requester_is_shown_with_their_address(claim: str | None, person: Person | None, shown: str | None) -> None:
    request = Request(timeout=HOUR, requested_by=claim)
    approval = an_approval(request=request, people=People(requester=person))
    assert dict(facts.facts(approval)).get(facts.REQUESTER) == shown


BREAKS = ["\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS)
def test_a_name_is_one_line_that_no_program_takes_for_a_link(line_break: str) -> None:
    forged = line_break.join(["Bo", "", "APPROVE", "https://evil.example/execution?action=approve", "x" * 99])
    bo = replace(RO, name=forged)
    approval = an_approval(
        request=Request(timeout=HOUR, requested_by=RO.id, required_approvals=2),
        people=People(
            requester=bo, approvers=(replace(bo, id="bo@example.com", identities={"email": "bo@example.com"}),)
        ),
        responses=(a_response(approver=replace(BOB, name=forged)),),
    )
    texts = [facts.requester(approval), wording.rules_sentence(approval), *wording.progress(approval)]
    texts.append(wording.outcome(decided(approver=replace(BOB, name=forged))))
    for text in map(str, texts):
        assert len(text.splitlines()) == 1
        assert "://" not in text
        assert len(text) < 250


@pytest.mark.parametrize("address", ["a/b@example.com", f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example.com"])
def test_an_address_is_shown_whole(address: str) -> None:
    assert display_name(Person(id=address, name=address, identities={"email": address})) == address


def test_no_part_of_the_input_is_hidden_from_the_approver() -> None:
    approval = with_context({facts.STARTED_BY: {"amount": 1_000_000}})
    assert "1000000" in str([*facts.facts(approval), *facts.context(approval)])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain text", "plain text"),
        ("", ""),
        (None, "null"),
        (True, "true"),
        (1.0, "1.0"),
        (10**30, "1" + 30 * "0"),
        (["a", 1], '["a", 1]'),
        ({"ключ": "ü"}, '{"ключ": "ü"}'),
    ],
)
def test_a_value_of_the_input_is_shown_as_it_was_written(value: Json, shown: str) -> None:
    assert facts.context(with_context({"key": value})) == [("key", shown)]


HIDDEN = [*"\x00\x07\x0b\x1b\x7f\x85\x9b", *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]


@pytest.mark.parametrize("character", HIDDEN)
def test_a_hidden_character_of_the_input_is_shown_to_be_there(character: str) -> None:
    assert facts.context(with_context({f"k{character}": f"a{character}b"})) == [("k\ufffd", "a\ufffdb")]


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x7f", "\x9b"])
def test_a_hidden_character_deep_in_the_input_is_shown_to_be_there(character: str) -> None:
    approval = with_context({"key": [{f"k{character}": f"a{character}b"}]})
    assert facts.context(approval) == [("key", '[{"k\ufffd": "a\ufffdb"}]')]


@given(st.text(max_size=1000))
def test_all_but_hidden_characters_are_shown_as_they_are(text: str) -> None:
    [(_, shown)] = facts.context(with_context({"key": text}))
    assert shown == reveal(text)
    assert hidden_in(shown) is None


@pytest.mark.parametrize("text", ["two\nlines", "two\r\nlines", "a\ttab", "\U0001f469\u200d\U0001f4bb"])
def test_lines_tabs_and_emoji_are_not_hidden(text: str) -> None:
    assert facts.context(with_context({"key": text})) == [("key", text)]


def test_the_input_is_shown_in_full() -> None:
    context: dict[str, Json] = {f"key{number}": f"{number} " * 600 for number in range(60)}
    assert facts.context(with_context(context)) == list(context.items())


@pytest.mark.parametrize(
    ("approval", "headline", "sentence"),
    [
        (decided(), "Approved", "Approved by alice@example.com by email on 23 Nov 2026, 09:01 UTC."),
        (decided(Action.REJECT, BOB), "Rejected", "Rejected by bob in Slack on 23 Nov 2026, 09:01 UTC."),
        (
            expired(),
            "Expired",
            f"Expired on 23 Nov 2026, 10:00 UTC. {NOBODY}",
        ),
        (cancelled("It was aborted."), "Cancelled", "Cancelled on 23 Nov 2026, 09:01 UTC. It was aborted."),
        (cancelled(""), "Cancelled", "Cancelled on 23 Nov 2026, 09:01 UTC."),
    ],
)
def test_the_outcome_says_who_how_where_and_when(approval: Approval, headline: str, sentence: str) -> None:
    assert approval.decision is not None
    assert wording.headline(approval) == headline
    assert str(wording.outcome(approval)) == sentence


def test_the_outcome_of_a_quorum_names_all_who_decided_it() -> None:
    approval = for_two()
    for response in (a_response(comment="Fine"), a_response(approver=BOB, minutes=2)):
        approval = judge(approval, response).approval
    when = "on 23 Nov 2026, 09:02 UTC."
    assert str(wording.outcome(approval)) == f"Approved by {ALICE.id} by email and bob in Slack {when}"
    assert summarize(approval).deciders == (ALICE, BOB)
    rejected = judge(judge(for_two(), a_response()).approval, a_response(Action.REJECT, BOB, minutes=2)).approval
    assert str(wording.outcome(rejected)) == f"Rejected by bob in Slack {when}"


def test_a_pending_approval_has_a_headline_too() -> None:
    assert wording.headline(an_approval()) == "Waiting for a response"


@pytest.mark.parametrize(
    ("approval", "response", "beginning"),
    [
        (decided(), a_response(), "Your response was already recorded. Approved by alice@example.com"),
        (decided(), a_response(Action.REJECT), "Your first response is recorded. Approved by alice@example.com"),
        (
            decided(),
            a_response(approver=BOB),
            "Already decided, with the same result. Approved by alice@example.com",
        ),
        (
            decided(),
            a_response(Action.REJECT, BOB),
            "Your response was not recorded: the request is already decided. Approved by alice@example.com",
        ),
        (
            decided(Action.REJECT, BOB),
            a_response(),
            "Your response was not recorded: the request is already decided. Rejected by bob in Slack",
        ),
        (expired(), a_response(), "Your response came too late. Expired on "),
        (cancelled(), a_response(), "Your response came too late. Cancelled on "),
    ],
)
def test_a_late_answer_hears_what_was_decided_instead(approval: Approval, response: Response, beginning: str) -> None:
    text = str(response_wording.late_reply(approval, response))
    assert text.startswith(f"{ABOUT} {beginning}")
    assert text.endswith(str(wording.outcome(approval)))


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (Reason.OTHER_WORKSPACE, NOT_OF_THE_WORKSPACE),
        (Reason.TOO_EARLY, TOO_EARLY),
        (Reason.OWN_REQUEST, WHY[Reason.OWN_REQUEST]),
        (Reason.NOT_AN_APPROVER, "Only ann and bob can respond. The first response decides."),
    ],
)
def test_an_answer_that_was_not_taken_hears_of_which_request_and_why(reason: Reason, why: str) -> None:
    people = People(approvers=(Person(id="a", name="ann"), Person(id="b", name="bob")))
    text = str(refusal_reply(an_approval(people=people), reason))
    assert text.startswith(f"{ABOUT} ")
    assert why in text


def test_a_late_answer_to_an_open_request_is_a_contradiction() -> None:
    with pytest.raises(ValueError, match="is not decided"):
        response_wording.late_reply(an_approval(), a_response())


def test_an_approver_who_was_renamed_meanwhile_is_still_the_same_person() -> None:
    renamed = Approver(id=BOB.id, name="Bob the Builder", channel="slack")
    text = str(response_wording.late_reply(decided(approver=BOB), a_response(approver=renamed, minutes=2)))
    assert text.startswith(f"{ABOUT} Your response was already recorded.")


ANN = Person(id="ann@example.com", name="ann@example.com", identities={"email": "ann@example.com"})
ALICE_AND_BOB = (
    Person(id=ALICE.id, name=ALICE.id, identities={"email": ALICE.id}),
    Person(id=BOB.id, name="bob", identities={"slack": BOB.id}),
)


def for_two(**changes: Any) -> Approval:
    """Return a request that two people must approve."""
    request = Request(timeout=HOUR, required_approvals=2, more_time=MoreTime(1, HOUR), escalate_after=HOUR / 2)
    people = People(approvers=ALICE_AND_BOB, escalation=(ANN,))
    return an_approval(request=request, people=people, **changes)


def test_a_request_that_one_response_decides_has_no_progress() -> None:
    assert wording.progress(an_approval()) == []


def test_progress_counts_and_names_those_whose_answers_stand() -> None:
    asked = for_two()
    assert [str(line) for line in wording.progress(asked)] == ["0 of 2 approvals"]
    answered = judge(asked, a_response()).approval
    when = readable(NOW + timedelta(minutes=1))
    assert [str(line) for line in wording.progress(answered)] == [
        "1 of 2 approvals",
        f"Approved by {ALICE.id} by email on {when}",
    ]
    taken_back = judge(answered, Withdrawal(ALICE, NOW + timedelta(minutes=2))).approval
    assert [str(line) for line in wording.progress(taken_back)] == ["0 of 2 approvals"]


UNKNOWN_ANN = "Slack can't identify ann@example.com, who could approve their own request there."


@pytest.mark.parametrize(
    ("approval", "says"),
    [
        (an_approval(), "Anyone who receives this request can respond. The first response decides."),
        (an_approval(people=None), "The approvers are still being looked up."),
        (
            an_approval(people=People(requester=ANN)),
            f"Anyone who receives this request can respond, except {ANN.id}. The first response decides. {UNKNOWN_ANN}",
        ),
        (
            an_approval(people=People(requester=replace(ANN, identities={**ANN.identities, "slack": "U0ANN00001"}))),
            "Anyone who receives this request can respond, except ann@example.com. The first response decides.",
        ),
        (
            an_approval(people=People(), request=Request(timeout=HOUR, required_approvals=2)),
            "Anyone who receives this request in Slack can respond. Needs 2 approvals; 1 rejection rejects it.",
        ),
        (for_two(), f"Only {ALICE.id} and bob can respond. Needs 2 approvals; 1 rejection rejects it."),
        (
            replace(for_two(), escalated_at=NOW),
            f"Only {ALICE.id}, bob and ann@example.com can respond. Needs 2 approvals; 1 rejection rejects it.",
        ),
    ],
)
def test_it_says_who_may_answer_and_how_many_it_takes(approval: Approval, says: str) -> None:
    assert str(wording.rules_sentence(approval)) == says


@pytest.mark.parametrize(
    ("before", "response", "says"),
    [
        ([], a_response(), "Your response is recorded: 1 of 2 approvals."),
        ([a_response()], a_response(minutes=2), "Your response was already recorded: 1 of 2 approvals."),
        (
            [a_response()],
            a_response(Action.REJECT, minutes=2),
            "You already responded differently.",
        ),
        (
            [a_response(Action.REJECT)],
            a_response(approver=BOB, minutes=2),
            "Your response was not recorded: the request is already decided. Rejected by ",
        ),
    ],
)
def test_approvers_are_told_what_became_of_their_response(
    before: list[Response], response: Response, says: str
) -> None:
    approval = for_two()
    for earlier in before:
        approval = judge(approval, earlier).approval
    assert says in str(response_wording.response_reply(judge(approval, response), response))


def test_people_who_responded_before_are_not_told_that_another_was_faster() -> None:
    """Whatever the channel: the answer is one of those that decided."""
    bob_by_mail = Approver(id="bob@example.com", name="bob", channel="email")
    asked = for_two()
    people = People(
        approvers=(ALICE_AND_BOB[0], replace(ALICE_AND_BOB[1], identities={"email": bob_by_mail.id, "slack": BOB.id}))
    )
    asked = judge(replace(asked, people=people), a_response()).approval
    asked = judge(asked, a_response(approver=BOB, minutes=2)).approval
    for again in (a_response(minutes=3), a_response(approver=bob_by_mail, minutes=3)):
        assert "Your response was already recorded." in str(response_wording.late_reply(asked, again))
    assert "Your first response is recorded." in str(
        response_wording.late_reply(asked, a_response(Action.REJECT, minutes=3))
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ciso@example.com", "ciso at example.com"),
        ("CISO \uff20 example.com", "CISO at example.com"),
        ("ciso\ufe6bexample.com", "ciso at example.com"),
        ("Ann <ciso@example.com>", "Ann <ciso at example.com>"),
        ("@ciso", "at ciso"),
        ("ann@home", "ann at home"),
    ],
)
def test_a_name_in_slack_is_no_address_of_another_person(name: str, shown: str) -> None:
    evil = Approver(id="U0EVIL0001", name=name, channel="slack")
    person = Person(id="eve@example.com", name=name, identities={"email": "eve@example.com", "slack": "U0EVIL0001"})
    assert {display_name(evil).strip(), display_name(person).strip()} == {shown}


@pytest.mark.parametrize(
    "who",
    [
        Approver(id="Ann@example.com", name="Ann@example.com", channel="email"),
        Person(id="ann@example.com", name="Ann@example.com", identities={"email": "Ann@example.com"}),
        Person(id="ann@example.com", name="Ann+ops@example.com", identities={"slack": "U0ANN00001"}),
    ],
)
def test_a_persons_own_address_is_shown_as_it_is(who: Person | Approver) -> None:
    assert display_name(who) == who.name
