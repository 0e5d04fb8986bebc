"""A policy that changes while requests are open: they keep their rules, or all of them are asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from approvals.domain import wording
from approvals.domain.eligibility import Reason
from approvals.domain.facts import facts
from approvals.domain.history import Kind, history
from approvals.domain.judgement import Judgement, Verdict
from approvals.domain.model import Action, Approval, Response, Status
from approvals.domain.people import Approver
from approvals.domain.policy import Policy
from approvals.domain.signed_links import approval_id
from approvals.services.lifecycle import LifecycleHandler, NotAllDoneError
from approvals.services.notify import Notifier
from approvals.services.policy_changes import MAX_TIME, SETTLING
from approvals.services.request import RequestHandler
from approvals.services.respond import respond
from approvals.store import policy_watch
from approvals.store.items import DUE_SHARDS, NOTIFY_GRACE
from approvals.store.record_size import MAX_RECORD
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.deliveries import messages
from bot.messenger import SlackMessenger
from cli.document import document
from demo.slack import Slack
from mail.sns import Mail
from tests.support.builders import TOKEN, a_call
from tests.support.changing_policy import ChangingPolicy, a_scheduler
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeMailer, FakeQueue, FakeSubscribers, FakeWorkflows
from tests.support.services import a_notifier, a_request_handler
from tests.support.slack_clients import CHANNEL

ID = approval_id(TOKEN)
AGAIN = {"OpenOnChange": "ask-again"}
TWO = {"MinimumApprovals": 2, "Enforce": "raise"}
ASKED = {
    "Title": "Deploy web 2.4.1",
    "Approvers": ["ann@example.com", "bo@example.com", "cy@example.com"],
    "RequestedBy": "ro@example.com",
}
ANN, BO, CY = (
    Approver(id=f"{name}@example.com", name=f"{name}@example.com", channel="email") for name in ("ann", "bo", "cy")
)


@pytest.fixture
def policy() -> ChangingPolicy:
    found = ChangingPolicy()
    found.set(**TWO)
    return found


@pytest.fixture
def subscribers() -> FakeSubscribers:
    names = ("ann", "bo", "cy", "ro", "sue", "pia", "otto")
    return FakeSubscribers([f"{name}@example.com" for name in names])


@pytest.fixture
def ask(
    table: ApprovalTable,
    tokens: TaskTokens,
    clock: Clock,
    logger: Logger,
    policy: ChangingPolicy,
    context: LambdaContext,
) -> Callable[..., Approval]:
    """Ask for an approval, under the policy as it is read then."""

    def request(token: str = TOKEN, **keys: Any) -> Approval:
        handler: RequestHandler = a_request_handler(
            table, tokens, FakeWorkflows(), clock, logger, read_policy=policy.read
        )
        handler(a_call({"Approval": {**ASKED, **keys}}, token), context)
        return table.get(approval_id(token))

    return request


@pytest.fixture
def ask_under(ask: Callable[..., Approval], monkeypatch: pytest.MonkeyPatch) -> Callable[[Policy | None], None]:
    """Ask for an approval, under a policy that was read before."""

    def request(policy: Policy | None) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ChangingPolicy, "read", lambda _: policy)
            ask()

    return request


@pytest.fixture
def notifier(
    table: ApprovalTable,
    mailer: FakeMailer,
    subscribers: FakeSubscribers,
    messenger: SlackMessenger,
    clock: Clock,
    logger: Logger,
) -> Notifier:
    return a_notifier(
        table,
        the_channels(mailer, messenger, logger, email="ops@example.com", subscribers=subscribers),
        the_identities(messenger, subscribers, email="ops@example.com"),
        clock,
        logger,
    )


@pytest.fixture
def scheduler(table: ApprovalTable, policy: ChangingPolicy, clock: Clock, logger: Logger) -> LifecycleHandler:
    return a_scheduler(table, policy, clock, logger)


@pytest.fixture
def minute(scheduler: LifecycleHandler, clock: Clock, context: LambdaContext) -> Callable[[], None]:
    """A minute passes, and the scheduler runs."""

    def run() -> None:
        clock.pass_(minutes=1)
        scheduler({}, context)

    return run


@pytest.fixture
def asked(ask: Callable[..., Approval], notifier: Notifier, table: ApprovalTable) -> Approval:
    """A request that everybody was told of, which needs two approvals: the policy raised it."""
    ask()
    notifier(ID, last=False)
    return table.get(ID)


def says(
    table: ApprovalTable, clock: Clock, approver: Approver, action: Action = Action.APPROVE, **changes: Any
) -> Judgement:
    response = Response(approver=approver, action=action, at=clock(), **changes)
    return respond(table, table.get(ID), response)


def sent_since(mailer: FakeMailer, before: int) -> dict[str, Mail]:
    return {mail.to: mail for mail in mailer.sent[before:]}


def test_open_approvals_keep_their_rules_and_say_what_the_policy_has_now(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    clock: Clock,
    minute: Callable[[], None],
    calls: list[str],
) -> None:
    says(table, clock, ANN)
    for required in (1, 3):
        policy.set(MinimumApprovals=required, Enforce="raise")
        minute()
    kept = table.get(ID)
    assert kept.request.required_approvals == 2
    assert [response.is_void for response in kept.responses] == [False]
    assert dict(facts(kept))["Policy"].startswith("version 1 (now 3) requires 2 approvals")
    assert document(kept)["PolicyNow"] == {"Version": 3, "Sha256": policy.read().sha256}  # type: ignore[union-attr]
    assert Kind.ASKED_AGAIN not in {entry.kind for entry in history(kept)}
    policy.set(**TWO)
    for _ in range(3):
        minute()
    assert "(now" not in dict(facts(table.get(ID)))["Policy"], "the policy is what it was when this was asked"
    calls.clear()
    minute()
    assert calls == ["Query"] * DUE_SHARDS + ["GetItem"], "a run without a change costs one read more"
    assert says(table, clock, BO).verdict is Verdict.DECIDED


def test_asking_again_voids_all_responses_and_tells_everybody(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    mailer: FakeMailer,
    slack: Slack,
    clock: Clock,
    minute: Callable[[], None],
) -> None:
    says(table, clock, ANN, comment="Go")
    policy.set(**AGAIN, RequiredGroups={"ops": 1}, MinimumApprovals=2, Enforce="raise")
    minute()
    again = table.get(ID)
    assert (again.id, again.link_key, again.request.digest) == (asked.id, asked.link_key, asked.request.digest)
    assert (again.status, again.people, again.standing) == (Status.PENDING, None, ())
    [void] = again.responses
    assert (void.is_void, void.withdrawn_at, void.comment) == (True, clock(), "Go")
    assert says(table, clock, BO).reason is Reason.TOO_EARLY, "nobody may respond before identities are known"
    [posted], before = slack.messages(), len(mailer.sent)
    notifier(ID, last=False)
    notifier(ID, last=False)
    again = table.get(ID)
    assert again.people
    assert [demand.name for demand in again.people.demands] == ["", "ops", "requested"]
    mails = sent_since(mailer, before)
    assert len(mails) == len(mailer.sent) - before, "each is told once"
    assert mails.keys() == {f"{name}@example.com" for name in ("ann", "bo", "cy", "otto", "pia")}
    lead = "The approval policy changed from version 1 to 2, so everyone is asked again. 1 earlier response no longer"
    for name in ("ann", "bo", "cy"):
        assert " ".join(mails[f"{name}@example.com"].text.split()).startswith(f"{lead} counts: ann@example.com.")
    assert mails["otto@example.com"].text.startswith("ro@example.com requests your approval"), "the request itself"
    assert lead in " ".join(mails["otto@example.com"].text.split()), "which says that it was asked before"
    thread = [message.text for message in slack.messages() if message.thread_ts == posted.ts]
    assert "The approval policy changed" in " ".join(thread)
    assert lead in json.dumps(slack.messages()[0].blocks), "the message is edited"
    assert says(table, clock, BO).verdict is Verdict.COUNTED
    assert says(table, clock, CY).verdict is Verdict.COUNTED, "none of ops"
    otto = Approver(id="otto@example.com", name="otto@example.com", channel="email")
    assert says(table, clock, otto).verdict is Verdict.DECIDED


def test_record_says_what_the_change_did(
    asked: Approval, policy: ChangingPolicy, table: ApprovalTable, clock: Clock, minute: Callable[[], None]
) -> None:
    old = asked.request.policy
    assert old
    says(table, clock, ANN)
    policy.set(**AGAIN)
    minute()
    shown = document(table.get(ID))
    new = {"Version": 2, "Sha256": policy.read().sha256}  # type: ignore[union-attr]
    at = "2026-11-23T09:01:00.000Z"
    assert shown["AskedAgain"] == [{"At": at, "From": {"Version": 1, "Sha256": old.sha256}, "To": new}]
    responses: Any = shown["Responses"]
    assert [(each["VoidAt"], each["WithdrawnAt"]) for each in responses] == [(at, None)]
    assert shown["Policy"]["Version"] == 2  # type: ignore[index,call-overload]
    entry = next(entry for entry in history(table.get(ID)) if entry.kind is Kind.ASKED_AGAIN)
    assert entry.text.endswith("1 earlier response no longer counts: ann@example.com.")


def test_people_who_are_no_longer_approvers_are_told_so(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    mailer: FakeMailer,
    minute: Callable[[], None],
    ask: Callable[..., Approval],
    subscribers: FakeSubscribers,
) -> None:
    second = approval_id("another token")
    policy.set(Groups={"oncall": {"Approvers": ["ann@example.com", "bo@example.com"]}})
    ask("another token", Approvers=None, Groups=[{"Name": "oncall"}])
    notifier(second, last=False)
    policy.set(**AGAIN, Groups={"oncall": {"Approvers": ["ann@example.com", "cy@example.com"]}})
    minute()
    before = len(mailer.sent)
    notifier(second, last=False)
    mails = sent_since(mailer, before)
    assert "You are no longer among the approvers." in mails["bo@example.com"].text
    assert "/execution?" not in mails["bo@example.com"].text
    assert "/execution?" in mails["ann@example.com"].text
    assert mails["cy@example.com"].subject.startswith("Approve?")


def test_request_is_merged_as_it_was_written(
    asked: Approval, policy: ChangingPolicy, table: ApprovalTable, minute: Callable[[], None]
) -> None:
    assert asked.request.required_approvals == 2, "raised"
    policy.set(**AGAIN)
    minute()
    assert table.get(ID).request.required_approvals == 1, "as written"
    policy.set(**AGAIN, MinimumApprovals=2)
    minute()
    refused = table.get(ID)
    assert (refused.status, refused.decision and refused.decision.error) == (
        Status.CANCELLED,
        "InvalidApprovalRequest",
    )
    assert wording.cause(refused) == (
        "The approval policy changed from version 2 to 3. It refuses this request: Approval.RequiredApprovals: 1 is "
        "below the minimum of 2 (policy). Ask for at least 2."
    )


def test_request_without_people_who_may_approve_is_cancelled_when_they_are_looked_up(
    asked: Approval, policy: ChangingPolicy, table: ApprovalTable, notifier: Notifier, minute: Callable[[], None]
) -> None:
    policy.set(**AGAIN, Approvers=["S0NOBODY01"])
    minute()
    assert table.get(ID).status is Status.PENDING
    notifier(ID, last=False)
    found = table.get(ID)
    assert found.status is Status.CANCELLED
    assert wording.cause(found).startswith("The approval policy changed from version 1 to 2. Approval.Approvers[0]:")


def test_response_at_the_same_moment_is_void_or_comes_too_early(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    clock: Clock,
    scheduler: LifecycleHandler,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stored between the scheduler's reading and its writing."""
    policy.set(**AGAIN)
    save = table.save

    def slow_save(approval: Approval, *rest: Any, asked_again: bool = False) -> None:
        if asked_again:
            monkeypatch.setattr(table, "save", save)
            assert says(table, clock, ANN).verdict is Verdict.COUNTED
        save(approval, *rest, asked_again=asked_again)

    monkeypatch.setattr(table, "save", slow_save)
    clock.pass_(minutes=1)
    scheduler({}, context)
    again = table.get(ID)
    assert [(response.person, response.is_void) for response in again.responses] == [("ann@example.com", True)]
    assert again.standing == ()


def test_response_to_the_rules_before_is_not_recorded_once_people_are_looked_up_again(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    clock: Clock,
    minute: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its function read the approval before the change, and writes it after people were asked again."""
    policy.set(**AGAIN)
    save = table.save

    def slow_save(approval: Approval, *rest: Any, **options: Any) -> None:
        monkeypatch.setattr(table, "save", save)
        minute()
        notifier(ID, last=False)
        save(approval, *rest, **options)

    monkeypatch.setattr(table, "save", slow_save)
    late = says(table, clock, BO)
    assert (late.verdict, late.changed, table.get(ID).responses) == (Verdict.ALREADY_USED, False, ())
    assert says(table, clock, BO).verdict is Verdict.DECIDED


def test_identities_that_were_looked_up_for_the_old_rules_never_hold_for_the_new_ones(
    ask: Callable[..., Approval],
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    minute: Callable[[], None],
    mailer: FakeMailer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask()
    find = notifier.identities.find

    def slow_find(*arguments: Any) -> Any:
        found = find(*arguments)
        monkeypatch.setattr(type(notifier.identities), "find", lambda _, *rest: find(*rest))
        policy.set(**AGAIN, RequiredGroups={"ops": 1}, MinimumApprovals=2, Enforce="raise")
        minute()
        return found

    monkeypatch.setattr(type(notifier.identities), "find", lambda _, *rest: slow_find(*rest))
    notifier(ID, last=False)
    people = table.get(ID).people
    assert people
    assert [demand.name for demand in people.demands] == ["", "ops", "requested"]
    assert {mail.to for mail in mailer.sent} >= {"otto@example.com", "pia@example.com"}


def test_decision_that_comes_first_stands(
    asked: Approval, policy: ChangingPolicy, table: ApprovalTable, clock: Clock, minute: Callable[[], None]
) -> None:
    says(table, clock, ANN)
    says(table, clock, BO)
    policy.set(**AGAIN)
    minute()
    decided = table.get(ID)
    assert (decided.status, len(decided.standing)) == (Status.APPROVED, 2)


def test_response_that_was_sent_before_the_change_is_not_recorded_after_it(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    clock: Clock,
    minute: Callable[[], None],
) -> None:
    clicked = clock().replace(microsecond=0)
    policy.set(**AGAIN)
    minute()
    notifier(ID, last=False)
    late = says(table, clock, BO, sent_at=clicked)
    assert (late.verdict, late.changed) == (Verdict.ALREADY_USED, False)
    assert says(table, clock, BO, sent_at=clock().replace(microsecond=0)).verdict is Verdict.DECIDED


def test_run_that_read_an_earlier_version_changes_nothing(
    asked: Approval, policy: ChangingPolicy, table: ApprovalTable, clock: Clock, scheduler: LifecycleHandler
) -> None:
    assert scheduler.policy_changes
    policy.set(**AGAIN)
    stale, then = policy.read(), clock()
    policy.set(**AGAIN, MinimumApprovals=3, Enforce="raise")
    newest = policy.read()
    clock.pass_(seconds=5)
    assert stale
    assert newest
    assert scheduler.policy_changes.apply(table.get(ID), newest, clock())
    assert not scheduler.policy_changes.apply(table.get(ID), stale, then)
    assert not scheduler.policy_changes.apply(table.get(ID), newest, clock())
    again = table.get(ID)
    assert again.request.policy
    assert (again.request.policy.version, len(again.request.policy.asked_again)) == (3, 1)


def test_request_on_its_way_with_the_policy_before_is_asked_again_too(
    policy: ChangingPolicy,
    table: ApprovalTable,
    ask_under: Callable[[Policy | None], None],
    minute: Callable[[], None],
) -> None:
    before = policy.read()
    policy.set(**AGAIN)
    minute()
    ask_under(before)
    minute()
    request = table.get(ID).request
    assert request.policy
    assert request.policy.version == 2


def test_request_that_was_not_compared_is_when_the_scheduler_first_looks_at_it(
    policy: ChangingPolicy,
    table: ApprovalTable,
    ask_under: Callable[[Policy | None], None],
    minute: Callable[[], None],
    clock: Clock,
) -> None:
    before = policy.read()
    policy.set(**AGAIN)
    for _ in range(SETTLING // timedelta(minutes=1) + 2):
        minute()
    ask_under(before)
    minute()
    assert table.get(ID).request.policy.version == 1  # type: ignore[union-attr]
    clock.pass_(seconds=NOTIFY_GRACE.total_seconds())
    minute()
    request = table.get(ID).request
    assert request.policy
    assert request.policy.version == 2


def test_comparison_goes_on_where_it_stopped(
    policy: ChangingPolicy,
    table: ApprovalTable,
    ask: Callable[..., Approval],
    scheduler: LifecycleHandler,
    clock: Clock,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [ask(f"token {number}") for number in range(30)]
    policy.set(**AGAIN)
    monkeypatch.setattr(policy_watch, "PAGE", 3)
    get = table.get
    compared: list[str] = []

    def slow_get(approval_id: str) -> Approval:
        compared.append(approval_id)
        clock.pass_(seconds=MAX_TIME.total_seconds() / 10)
        return get(approval_id)

    monkeypatch.setattr(table, "get", slow_get)
    runs = 0
    while len(set(compared)) < len(asked):
        scheduler({}, context)
        runs += 1
    assert 3 <= runs <= 4
    assert len(compared) <= 2 * len(asked), "those that were asked again are due later, and are read once more"
    assert {get(each.id).request.policy.version for each in asked} == {2}  # type: ignore[union-attr]


def test_approval_that_fails_is_compared_again_and_holds_up_no_other(
    policy: ChangingPolicy,
    table: ApprovalTable,
    ask: Callable[..., Approval],
    scheduler: LifecycleHandler,
    clock: Clock,
    context: LambdaContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [ask(f"token {number}") for number in range(5)]
    policy.set(**AGAIN)
    get, broken = table.get, asked[2].id

    def broken_get(approval_id: str) -> Approval:
        if approval_id == broken:
            raise ConnectionError
        return get(approval_id)

    for _ in range(4):
        clock.pass_(minutes=1)
        with monkeypatch.context() as patch:
            patch.setattr(table, "get", broken_get)
            with pytest.raises(NotAllDoneError):
                scheduler({}, context)
    versions = {each.id: get(each.id).request.policy.version for each in asked}  # type: ignore[union-attr]
    assert versions == {each.id: 1 if each.id == broken else 2 for each in asked}
    scheduler({}, context)
    assert get(broken).request.policy.version == 2  # type: ignore[union-attr]


def test_while_the_policy_cannot_be_read_open_approvals_keep_their_rules_and_an_alarm_rings(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    clock: Clock,
    minute: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy.set(**AGAIN)
    policy.broken = True
    minute()
    assert '"PolicyUnavailable":[1.0]' in capsys.readouterr().out
    assert table.get(ID) == asked
    clock.now = asked.deadline
    minute()
    assert table.get(ID).status is Status.EXPIRED, "the deadline holds"


def test_scheduler_sees_to_it_that_an_approval_that_is_asked_again_is_told(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    scheduler: LifecycleHandler,
    minute: Callable[[], None],
) -> None:
    """`notify` may have failed for good."""
    policy.set(**AGAIN)
    for _ in range(int(NOTIFY_GRACE / timedelta(minutes=1)) + 1):
        minute()
    queue = scheduler.notify_queue
    assert isinstance(queue, FakeQueue)
    assert queue.added == [ID]


def test_words_of_void_responses_give_way_where_the_record_has_no_room(
    ask: Callable[..., Approval],
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    clock: Clock,
    scheduler: LifecycleHandler,
) -> None:
    ask(Details="x" * 10)
    notifier(ID, last=False)
    says(table, clock, ANN, comment="Go")
    approval = table.get(ID)
    clock.pass_(minutes=1)
    policy.set(**AGAIN)
    large = replace(approval, request=replace(approval.request, details="x" * MAX_RECORD))
    assert scheduler.policy_changes
    newest = policy.read()
    assert newest
    change = scheduler.policy_changes._change(large, newest, clock())
    assert change.request is None
    assert "Shorten the input" in change.problems[0]


def test_slack_message_is_posted_where_the_new_rules_want_it(
    asked: Approval,
    policy: ChangingPolicy,
    table: ApprovalTable,
    notifier: Notifier,
    slack: Slack,
    minute: Callable[[], None],
) -> None:
    user = "U0BOB00002"
    policy.set(**AGAIN, Channel=user, Enforce="raise")
    minute()
    notifier(ID, last=False)
    _, delivered = table.get(ID).deliveries
    assert delivered.place.startswith("D"), "with one user"
    places = {message.place for message in messages(table.get(ID))}
    assert places == {CHANNEL, delivered.place}
