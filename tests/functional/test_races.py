"""Races: in whatever order things happen, an approval is decided once and every surface says the same.

Hypothesis drives the real table, rules, handlers and messages. Whatever takes more than one step runs as an actor, in a
thread that stops before each call to the outside: the table, Slack, the mails, Step Functions. Hypothesis says who goes
on, so everything interleaves with everything, also between an answer's reading and its saving, and the same way again
when an example is repeated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk.web import SlackResponse

from approvals.adapters.queues import RetryQueue
from approvals.adapters.step_functions import EndedExecution, TaskGoneError
from approvals.domain import wording
from approvals.domain.judgement import ApprovalEvent, Cancellation, Expiry
from approvals.domain.model import Action, Approval, Response, Status
from approvals.domain.people import Approver
from approvals.domain.signed_links import approval_id
from approvals.services.conclude import Resumer
from approvals.services.lifecycle import LifecycleHandler
from approvals.services.notify import Notifier
from approvals.services.respond import respond
from approvals.services.tasks import StepsFailedError
from approvals.store.table import ApprovalTable
from approvals.store.task_tokens import TaskTokens
from bot.messenger import SlackMessenger
from bot.views import approval as view
from demo.slack import Message, Slack
from mail.sns import Mail
from tests.support.actors import Actor, RacedTable, empty, others_first
from tests.support.builders import ALICE, BOB, a_call
from tests.support.channels import the_channels, the_identities
from tests.support.fakes import Clock, FakeContext, FakeMailer, FakeSubscribers, FakeWorkflows, a_queue
from tests.support.iam_callers import SSO_ROLE, by_iam
from tests.support.services import a_notifier, a_request_handler, a_resumer
from tests.support.slack_clients import CHANNEL, DirectWebClient, has_buttons
from tests.support.tables import TABLE, TOKENS

PROVE = os.environ.get("PROVE") == "1"
EXAMPLES, STEPS = (320 if PROVE else 12), 50
LEAST_STEPS = 10_000 if PROVE else 300

CAROL = Approver(id="carol@example.com", name="carol@example.com", channel="email")
DAVE = Approver(id="U0DAVE0004", name="dave", channel="slack", realm=BOB.realm)
GUEST = Approver(id="U0GUEST005", name="guest", channel="slack", realm="T0ELSEWHERE")

SIGNED_ELSEWHERE = by_iam("eve@example.com", f"{SSO_ROLE[:-1]}0")
"""Signed by another role than the one that requests name."""

APPROVERS = st.sampled_from([BOB, ALICE, by_iam(CAROL.id), DAVE, CAROL, by_iam(ALICE.id), GUEST, SIGNED_ELSEWHERE])
ACTIONS = st.sampled_from(Action)
AT_ONCE = st.booleans()
"""To the end before anybody else goes on."""

ONE = st.integers(0, 11)
"""Which one of those that there are, counted round and round."""

MOST_APPROVALS, MOST_ACTORS = 4, 4


class RacedMailer(FakeMailer):
    def take_slot(self, recipient: str) -> bool:
        others_first()
        return super().take_slot(recipient)

    def send(self, mail: Mail) -> bool:
        others_first()
        return super().send(mail)


class RacedWebClient(DirectWebClient):
    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        others_first()
        return super().api_call(api_method, **arguments)


@dataclass
class RacedWorkflows(FakeWorkflows):
    """Step Functions: knows which executions were stopped, and which tokens died when their state was retried."""

    asked: list[Approval] = field(default_factory=list)
    """Every call. A stream that delivers again leads to one more, which Step Functions refuses."""
    stopped: dict[str, datetime] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def resume(self, approval: Approval, task_token: str) -> None:
        others_first()
        self.asked.append(approval)
        if not self.waits(approval):
            raise TaskGoneError("TaskTimedOut")
        super().resume(approval, task_token)

    def reached(self, approval: Approval) -> bool:
        others_first()
        return super().reached(approval)

    def ended(self, state_machine_arn: str, since: datetime) -> Iterator[EndedExecution]:  # noqa: ARG002
        yield from (EndedExecution(arn, "ABORTED", at) for arn, at in sorted(self.stopped.items()))

    def has_ended(self, execution_arn: str) -> bool:
        return execution_arn in self.stopped

    def waits(self, approval: Approval) -> bool:
        return approval.id not in self.dead and approval.workflow.execution_arn not in self.stopped


class Quiet(Logger):
    """A logger that says nothing. What is logged as an exception was caught somewhere: here it must not happen."""

    def __init__(self) -> None:
        self.exceptions: list[str] = []

    @contextmanager
    def append_context_keys(self, **_keys: object) -> Generator[None, None, None]:
        yield

    def info(self, msg: object, *_arguments: object, **_extra: object) -> None: ...

    def warning(self, msg: object, *_arguments: object, **_extra: object) -> None: ...

    def error(self, msg: object, *_arguments: object, **_extra: object) -> None: ...

    def exception(self, msg: object, *_arguments: object, **_extra: object) -> None:
        self.exceptions.append(str(msg))


@dataclass
class OwedQueue(RetryQueue):
    """A retry queue: what is in it is owed."""

    name: str
    owed: list[tuple[str, str]]

    def add(self, item_id: str, delay: int = 0) -> None:  # noqa: ARG002
        self.owed.append((self.name, item_id))


@dataclass
class Tally:
    """What was done in all examples."""

    steps: int = 0
    decisions: int = 0
    conflicts: int = 0


class Races(RuleBasedStateMachine):
    """A few approvals, everybody who acts on them, and what must hold after every step."""

    reads: Bundle[Approval] = Bundle("reads")

    def __init__(self, dynamodb: DynamoDBClient, tally: Tally) -> None:
        super().__init__()
        empty(dynamodb)
        self.tally = tally
        self.clock = Clock()
        self.events = dynamodb.meta.events
        self.events.register("before-call.dynamodb", self._note_write)
        self.written: set[str] = set()
        self.records: dict[str, Approval] = {}
        self.plain = ApprovalTable(dynamodb, TABLE)
        self.table = RacedTable(dynamodb, self._on_add, self._on_save)
        self.tokens = TaskTokens(dynamodb, TOKENS, TABLE)
        self.mailer, self.workflows, self.log = RacedMailer(), RacedWorkflows(), Quiet()
        self.slack = Slack(CHANNEL, "xoxb-tests", "secret", clock=lambda: self.clock().timestamp())
        self.messenger = SlackMessenger(lambda: RacedWebClient(self.slack), CHANNEL)
        outbox, log = self.mailer.outbox(self.table, self.clock), self.log
        self.channels = the_channels(outbox, self.messenger, log, email=ALICE.id)
        self.to_come: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self.attempts: dict[str, list[str]] = {}
        self.emitted: list[tuple[str, str]] = []
        self.owed: list[tuple[str, str]] = []
        self.actors: list[Actor] = []
        self.running: list[tuple[str, str]] = []
        self.saves: list[str] = []
        self.final: dict[str, Approval] = {}
        self.sound = True

    # What happens.

    @initialize(target=reads, minutes=st.integers(2, 9), told=st.booleans())
    def somebody_asks(self, minutes: int, *, told: bool) -> Approval:
        for number in range(2):
            self._begin(self._request(f"run-{number}", minutes), at_once=True)
            if told:
                self._deliver(*self.owed[0], at_once=True)
        return self.plain.get(self._id(0))

    @precondition(lambda self: len(self.to_come) < MOST_APPROVALS)
    @rule(minutes=st.integers(2, 9), one=ONE, retried=st.booleans(), at_once=AT_ONCE)
    def another_is_asked(self, minutes: int, one: int, *, retried: bool, at_once: bool) -> None:
        """By another execution, or by a state that is tried again with a new token when the one before is dead."""
        run = f"run-{len(self.attempts)}"
        if retried:
            run = list(self.attempts)[one % len(self.attempts)]
            last = self.attempts[run][-1]
            stopped = any(arn.endswith(f":{run}") for arn in self.workflows.stopped)
            if stopped or last in {approval.id for approval in self.workflows.resumed}:
                return
            self.workflows.dead.add(last)
        self._begin(self._request(run, minutes), at_once=at_once)

    @rule(target=reads, one=ONE)
    def somebody_reads(self, one: int) -> Approval:
        return self.plain.get(self._id(one))

    @rule(
        read=reads,
        what=st.sampled_from(["answer", "answer", "answer", "expire", "cancel"]),
        who=APPROVERS,
        says=ACTIONS,
    )
    def decided_from_an_old_read(self, read: Approval, what: str, who: Approver, says: Action) -> None:
        events: dict[str, ApprovalEvent] = {
            "answer": self._answer(who, says),
            "expire": Expiry(self.clock()),
            "cancel": Cancellation(self.clock(), "Called off.", error="ApprovalCancelled"),
        }
        self._respond(read, events[what])

    @rule(one=ONE, who=APPROVERS, says=ACTIONS, at_once=AT_ONCE)
    def somebody_answers(self, one: int, who: Approver, says: Action, *, at_once: bool) -> None:
        wanted = self._id(one)
        self._begin(lambda: self._respond(self.table.get(wanted), self._answer(who, says)), at_once=at_once)

    @rule(one=ONE, owed=st.booleans(), at_once=AT_ONCE)
    def the_stream_delivers(self, one: int, *, owed: bool, at_once: bool) -> None:
        """For the first time or again, in any order; but never the same record to the same function twice at once."""
        pool = self.owed if owed and self.owed else self.emitted
        self._deliver(*pool[one % len(pool)], at_once=at_once)

    @rule(one=ONE, stopped=st.sampled_from([False, False, False, True]), at_once=AT_ONCE)
    def the_clock_ticks(self, one: int, *, stopped: bool, at_once: bool) -> None:
        """Or the event comes that an execution was stopped; the clock also finds those by itself."""
        event: dict[str, Any] = {}
        if stopped:
            arn = self.plain.get(self._id(one)).workflow.execution_arn
            stopped_at = self.workflows.stopped.setdefault(arn, self.clock()).timestamp() * 1000
            detail = {"executionArn": arn, "status": "ABORTED", "stopDate": stopped_at}
            event = {"source": "aws.states", "detail": detail}
        self._begin(lambda: self._lifecycle()(event, FakeContext()), at_once=at_once)

    @rule(seconds=st.sampled_from([1, 0.001, 30, 60, 1, 120]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_(seconds=seconds)

    @rule(one=ONE, who=APPROVERS, says=ACTIONS, early=st.sampled_from([timedelta(0), timedelta(milliseconds=1)]))
    def somebody_answers_at_the_deadline(self, one: int, who: Approver, says: Action, early: timedelta) -> None:
        approval = self.plain.get(self._id(one))
        if approval.decision is None:
            self.clock.now = max(self.clock.now, approval.deadline - early)
            self._respond(approval, self._answer(who, says))

    @rule(one=ONE, says=ACTIONS, delivered=st.booleans())
    def somebody_answers_while_the_message_is_posted(self, one: int, says: Action, *, delivered: bool) -> None:
        """After Slack took it, and before the record says where it stands. The decision may be faster than that."""
        wanted = self._id(one)
        if ("notify", wanted) in self.owed and len(self.actors) < MOST_ACTORS:
            self._deliver("notify", wanted)
            actor = self.actors[-1]
            while not actor.done and not self._messages(self.titles[wanted]):
                self._go_on(actor)
            self._respond(self.plain.get(wanted), self._answer(ALICE, says))
            if delivered and ("decision", wanted) in self.owed:
                self._deliver("decision", wanted, at_once=True)

    @precondition(lambda self: self.actors)
    @rule(one=ONE, to_the_end=st.sampled_from([False, False, True]))
    def an_actor_goes_on(self, one: int, *, to_the_end: bool) -> None:
        actor = self.actors[one % len(self.actors)]
        self._go_on(actor)
        while to_the_end and not actor.done:
            self._go_on(actor)

    # What must hold.

    @invariant()
    def all_holds(self) -> None:
        self.tally.steps += 1
        self.sound = False
        assert self.log.exceptions == []
        assert len(self.saves) == len(set(self.saves)), "two decisions of one approval"
        for approval in self._records():
            title = self.titles[approval.id]
            self._decided_once(approval)
            self._decided_by_the_right_people_in_time(approval)
            self._resumed_once_as_decided(approval)
            self._mailed_once_as_decided(approval, title)
            self._shown_as_decided(approval, title)
        self.sound = True

    def _note_write(self, model: Any, params: dict[str, Any], **_: object) -> None:
        body = json.loads(params["body"])
        if model.name in {"PutItem", "UpdateItem"}:
            self.written.add((body.get("Key") or body["Item"])["id"]["S"])
        if model.name == "TransactWriteItems":
            self.written |= {each["Update"]["Key"]["id"]["S"] for each in body["TransactItems"] if "Update" in each}

    def _records(self) -> list[Approval]:
        """Return every record as it is now. Only those that were written to are read again."""
        for written in self.written & self.titles.keys():
            self.records[written] = self.plain.get(written)
        self.written.clear()
        return list(self.records.values())

    def _decided_once(self, approval: Approval) -> None:
        assert (approval.decision is None) == (approval.status is Status.PENDING)
        assert (approval.id in self.saves) == (approval.decision is not None)
        if approval.decision is None:
            return
        first = self.final.setdefault(approval.id, approval)
        assert (approval.status, approval.decision) == (first.status, first.decision), "the decision changed"
        assert (approval.responses, approval.version) == (first.responses, first.version), "a decided record changed"

    def _decided_by_the_right_people_in_time(self, approval: Approval) -> None:
        decision = approval.decision
        if decision is None:
            return
        people = [response.approver for response in approval.responses]
        assert people == ([decision.approver] if decision.approver else [])
        assert bool(decision.approver) == (approval.status in (Status.APPROVED, Status.REJECTED))
        if decision.approver:
            assert decision.at < approval.deadline, "decided by a person at or after the deadline"
            assert decision.approver != GUEST, "decided by somebody of another workspace"
            named = SSO_ROLE if approval.request.approvers else ""
            assert decision.approver.role == named, "decided by a person who was not asked"

    def _resumed_once_as_decided(self, approval: Approval) -> None:
        asked = [asked for asked in self.workflows.asked if asked.id == approval.id]
        resumed = [resumed for resumed in self.workflows.resumed if resumed.id == approval.id]
        assert len(resumed) <= 1, "resumed twice"
        assert all(once.decision == approval.decision for once in asked), "resumed with another decision"
        if approval.resumed is not None:
            assert approval.resumed == bool(resumed), "the record says otherwise than the workflow"

    def _mailed_once_as_decided(self, approval: Approval, title: str) -> None:
        mails = [mail for mail in self.mailer.sent if title in mail.text.splitlines()]
        asking = [mail.subject for mail in mails if not mail.subject.startswith("Re: ")]
        telling = [mail for mail in mails if mail.subject not in asking]
        assert len(asking) <= 1, "asked twice by mail"
        told = [mail.text.split()[0] for mail in telling]
        assert told in ([], [wording.headline(approval)]), "told twice by mail, or something else"

    def _shown_as_decided(self, approval: Approval, title: str) -> None:
        messages = self._messages(title)
        assert len(messages) <= 1, "posted twice"
        for message in messages:
            told = [f"{wording.headline(approval)}: {title}"]
            if ("notify", approval.id) in self.running or approval.decision is None:
                told.append(f"Approve? {title}")  # It shows progress, and looks again before it rests.
            elif "outcome_slack" in approval.steps:
                assert not has_buttons(message), "buttons on what is decided"
            if message.edited:
                assert message.text in told or "outcome_slack" not in approval.steps, "the message says otherwise"

    # The end of an example: all that is owed is done, then nothing is left open.

    def teardown(self) -> None:
        try:
            self._finish_all()
            if self.sound:
                self._settle()
        finally:
            self.events.unregister("before-call.dynamodb", self._note_write)
            self.tally.decisions += len(self.final)

    def _finish_all(self) -> None:
        while self.actors:
            try:
                self._go_on(self.actors[0])
            except Exception:
                if self.sound:
                    raise

    def _settle(self) -> None:
        for _ in range(8):
            for what in list(self.owed):
                self._deliver(*what, at_once=True)
            if not self.owed and all(approval.resumed is not None for approval in self._records()):
                break
            self.clock.pass_(minutes=5)
            self._lifecycle()({}, FakeContext())
        self.all_holds()
        assert self.owed == []
        for approval in self._records():
            assert approval.decision, "never decided"
            assert approval.resumed is not None, "a decision got lost"
            called_off = approval.status is Status.CANCELLED and approval.decision.error is None
            assert approval.resumed or called_off or not self.workflows.waits(approval), "the workflow waits on"
            for message in self._messages(self.titles[approval.id]):
                shown = [block.to_dict() for block in view.outcome_blocks(approval)]
                assert list(message.blocks) == shown, "the message does not show the outcome in the end"

    # How it is done.

    def _on_add(self, added: str) -> None:
        self.titles[added] = self.to_come[added]
        self._emit("notify", added)

    def _on_save(self, saved: Approval, known: bool) -> None:
        if saved.decision:
            self.saves.append(saved.id)
            self._emit("decision", saved.id)
        elif known:
            self._emit("notify", saved.id)

    def _emit(self, handler: str, item_id: str) -> None:
        self.emitted.append((handler, item_id))
        self.owed.append((handler, item_id))

    def _id(self, one: int) -> str:
        return list(self.titles)[one % len(self.titles)]

    def _answer(self, approver: Approver, action: Action) -> Response:
        return Response(approver=approver, action=action, at=self.clock())

    def _respond(self, approval: Approval, event: ApprovalEvent) -> None:
        judgement = respond(self.table, approval, event)
        self.tally.conflicts += judgement.approval.version > approval.version and not judgement.changed

    def _begin(self, work: Callable[[], object], *, at_once: bool = False) -> None:
        if at_once:
            work()
        elif len(self.actors) < MOST_ACTORS:
            actor = Actor(work)
            self.actors.append(actor)
            self._go_on(actor)

    def _go_on(self, actor: Actor) -> None:
        sound, self.sound = self.sound, False
        try:
            actor.go_on()
        finally:
            if actor.done:
                self.actors.remove(actor)
        self.sound = sound

    def _request(self, run: str, minutes: int) -> Callable[[], None]:
        number = len(self.to_come)
        title, token = f"Request {number}", f"token {number}"
        earlier = self.attempts.setdefault(run, [])
        # Every second request names a role: only a signed call decides it, and none decides the others.
        approvers = [SSO_ROLE] if number % 2 else None
        asked: Any = {"Title": title, "TimeoutMinutes": minutes, "Approvers": approvers}
        call = a_call({"Approval": asked}, token, attempt=len(earlier))
        call["Execution"] = {"Id": f"arn:aws:states:eu-west-1:123456789012:execution:Deploy:{run}", "Name": run}
        earlier.append(approval_id(token))

        def request() -> None:
            handler = a_request_handler(self.table, self.tokens, self.workflows, self.clock, self.log)
            handler(call, FakeContext())

        self.to_come[approval_id(token)] = title
        return request

    def _deliver(self, handler: str, item_id: str, *, at_once: bool = False) -> None:
        what = (handler, item_id)
        if what in self.running or (len(self.actors) >= MOST_ACTORS and not at_once):
            return
        if what in self.owed:
            self.owed.remove(what)
        task = self._notifier() if handler == "notify" else self._resumer()

        def deliver() -> None:
            self.running.append(what)
            try:
                task(item_id, last=False)
            except StepsFailedError:
                self.owed.append(what)  # The worker's retry queue.
            finally:
                self.running.remove(what)

        self._begin(deliver, at_once=at_once)

    def _notifier(self) -> Notifier:
        return a_notifier(
            self.table,
            the_channels(self.mailer.outbox(self.table, self.clock), self.messenger, self.log, email=ALICE.id),
            the_identities(self.messenger, FakeSubscribers(), email=ALICE.id),
            self.clock,
            self.log,
            decisions=OwedQueue("decision", self.owed),
        )

    def _resumer(self) -> Resumer:
        return a_resumer(
            self.table,
            the_channels(self.mailer.outbox(self.table, self.clock), self.messenger, self.log, email=ALICE.id),
            self.clock,
            self.log,
            workflows=self.workflows,
        )

    def _lifecycle(self) -> LifecycleHandler:
        return LifecycleHandler(
            table=self.table,
            workflows=self.workflows,
            state_machine_arn="arn",
            notify_queue=OwedQueue("notify", self.owed),
            decision_queue=OwedQueue("decision", self.owed),
            dead_letters=a_queue(),
            clock=self.clock,
            logger=self.log,
        )

    def _messages(self, title: str) -> list[Message]:
        return [message for message in self.slack.messages() if message.text.endswith(f": {title}")]


@pytest.mark.timeout(1200)
def test_a_raced_approval_is_decided_once_and_every_surface_says_the_same(
    dynamodb: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.rate_limit.MAILS_A_SECOND", 10_000)  # No mail waits for `digest`, which is not here.
    tally = Tally()

    class RacesHere(Races):
        def __init__(self) -> None:
            super().__init__(dynamodb, tally)

    run_state_machine_as_test(
        RacesHere,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not PROVE,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert tally.steps >= LEAST_STEPS
    assert tally.conflicts > tally.steps / 1000, "hardly anything raced"
    print(f"\nRaces: {tally.steps:,} steps, {tally.decisions:,} decisions, {tally.conflicts:,} conflicts, 0 violations")
