"""What must come of a scenario in the simulated stack, whatever call broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from approvals.domain.model import Status
from tests.support.crash_scenarios import Scenario
from tests.support.simulation import Simulation
from tests.support.slack_clients import has_buttons


def check(simulation: Simulation, scenario: Scenario) -> None:
    """Check that workflow, record, messages and queues are as without a fault."""
    assert all(not messages for messages in simulation.queues.messages.values())
    if simulation.request_failed:
        check_failed_request(simulation)
    else:
        check_decided(simulation, scenario)
        check_shown(simulation, scenario)
        check_spent(simulation, scenario)
        assert bool(simulation.queues.dead) == scenario.dead


def check_failed_request(simulation: Simulation) -> None:
    """Check that the task of a request that failed has failed, and that people who were asked were told."""
    assert simulation.execution.status == "FAILED"
    assert not simulation.queues.dead
    approvals = simulation.approvals()
    assert all((each.status, each.resumed) == (Status.CANCELLED, False) for each in approvals)
    asked = [each for each in approvals if each.told and each.decision and not each.decision.superseded_by]
    assert Counter(mails(simulation))["Cancelled"] == len(asked)
    assert not [message for message in simulation.messages() if has_buttons(message)]


def check_decided(simulation: Simulation, scenario: Scenario) -> None:
    approvals = simulation.approvals()
    assert tuple(each.status for each in approvals) == scenario.statuses
    assert tuple(simulation.execution.answers) == scenario.answers
    for each in approvals:
        parts = [place for said in each.responses for place in (said.approver.id, said.seat)]
        parts += [each.decision.approver.id] if each.decision and each.decision.approver else []
        assert each.request.requested_by not in parts, "the requester has a part in it"
        assert each.is_overridden == scenario.overridden
        assert ((each.decision and each.decision.cause) or "").startswith(scenario.cause)
        assert sum(said.is_void for said in each.responses) == scenario.void
        asked = simulation.policy.changed_at or each.requested_at
        assert all(said.at >= asked for said in each.standing), "a response from before the change counts"
    if approvals:
        assert [each.resumed for each in approvals[:-1]] == [False] * (len(approvals) - 1)
        assert approvals[-1].resumed is bool(scenario.answers)


def check_spent(simulation: Simulation, scenario: Scenario) -> None:
    """Check that a use of the grant let one caller execute, and that the record says which."""
    by = [spend.by for approval in simulation.approvals() for spend in approval.spends.values()]
    assert len(by) == scenario.spends
    assert by == [f"caller {key}" for key in simulation.spent]


def check_shown(simulation: Simulation, scenario: Scenario) -> None:
    """Check that everyone was told. Only a message that a fault kept from being marked is sent again."""
    again = [*repeated(mails(simulation), scenario.mails)]
    closed = {each.deliveries[0].id for each in simulation.approvals() if each.deliveries}
    shown = [message for message in simulation.messages() if message.ts in closed]
    assert not [message for message in shown if has_buttons(message)], "a decided message has buttons"
    assert Counter(message.text.split(":")[0] for message in shown) == Counter(scenario.messages)
    again += [message.text for message in simulation.messages() if message not in shown]
    replies = [message.text for message in simulation.replies()]
    assert len(replies) >= scenario.replies, "a person was not told in the thread"
    again += replies[scenario.replies :]
    assert len(simulation.notes()) >= scenario.notes, "a person was not told that their click changed nothing"
    # A note is no step of an approval: that it was shown is not marked. A killed function gets its whole batch again.
    if not simulation.stream_repeats:
        again += [note.text for note in simulation.notes()[simulation.clicks + simulation.calls.fault.kills :]]
    assert len(again) <= simulation.calls.sent_and_not_noted(), f"sent again: {again}"


def mails(simulation: Simulation) -> list[str]:
    """Return what each email is about: the first word of a later one says so."""
    return [mail["Message"].split()[0] if mail["Subject"].startswith("Re: ") else "Asked" for mail in simulation.mails]


def repeated(seen: list[str], expected: tuple[str, ...]) -> Iterator[str]:
    assert not Counter(expected) - Counter(seen), f"some were not told: {seen}"
    return (Counter(seen) - Counter(expected)).elements()
