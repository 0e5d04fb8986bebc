"""How often the functions call the outside: each call is time that somebody waits, and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.crash_checks import check
from tests.support.crash_scenarios import SCENARIOS
from tests.support.simulated_parameters import PARAMETERS
from tests.support.simulated_services import Calls, Fault
from tests.support.simulation import Simulation

BY_MAIL, WITH_SLACK = 18, 24
"""The budgets are 18 and 24. The request is a write and its token another, the page a read, the answer both, the look
at it a read. `notify` and `decision` read once, the token is read, and the topic's subscriptions are listed. Each mail
is a slot, a publish and a mark; resuming and each of Slack's three are a call and a mark.
"""

MAX_BEFORE_ACKNOWLEDGEMENT = 2
"""`test_acknowledgement.py` counts for every kind of request."""


def calls_of(simulation: Simulation) -> list[str]:
    """Return the calls of one approval: without those of starts and of the scheduler, which all approvals share."""
    later = [name for n, name in enumerate(simulation.calls.names) if n not in simulation.at_start]
    return [name for name in later if not name.startswith("Lifecycle")]


@pytest.mark.parametrize(("channel", "number"), [("", BY_MAIL), (PARAMETERS["SlackChannel"], WITH_SLACK)])
def test_an_approval_by_email_takes_few_calls(
    simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch, channel: str, number: int
) -> None:
    """From the request to the outcome's mail; the page is opened, its button pressed, and its outcome looked at."""
    monkeypatch.setitem(PARAMETERS, "SlackChannel", channel)
    simulation = simulate(SCENARIOS["approved by mail"], Calls())
    calls = calls_of(simulation)
    print(f"{len(calls)} calls with{'' if channel else 'out'} Slack: {', '.join(calls)}")
    assert simulation.execution.answers == ["APPROVED"]
    assert len(simulation.mails) == 2
    assert len(calls) == number


def test_a_click_is_acknowledged_after_two_calls_of_the_table(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate(SCENARIOS["approved in Slack"], Calls())
    calls = Counter(name for name in calls_of(simulation) if name.startswith("Bot "))
    assert set(calls) <= {"Bot GetItem", "Bot UpdateItem"}
    assert calls.total() <= MAX_BEFORE_ACKNOWLEDGEMENT


def test_slacks_secret_is_read_when_a_function_starts_and_not_again(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate(SCENARIOS["approved in Slack"], Calls())
    reads = [n for n, name in enumerate(simulation.calls.names) if name.endswith("GetSecretValue")]
    assert sorted(simulation.calls.names[n].split()[0] for n in reads) == ["Bot", "Decision", "Notify"]
    assert simulation.at_start == set(reads), "and nothing else is called at start"


@pytest.mark.parametrize("function", ["Notify", "Decision"])
@pytest.mark.parametrize("fault", [Fault.FAILS, Fault.ANSWER_LOST])
def test_a_function_that_starts_without_slacks_secret_reads_it_at_the_first_call(
    simulate: Callable[..., Simulation], function: str, fault: Fault
) -> None:
    """Nobody is told later, by mail or in Slack."""
    scenario = SCENARIOS["approved in Slack"]
    whole = simulate(scenario, Calls()).calls.names
    read = f"{function} GetSecretValue"
    simulation = simulate(scenario, Calls(whole.index(read), fault))
    check(simulation, scenario)
    assert simulation.calls.names.count(read) == 2
    assert not [name for name in simulation.calls.names if name.endswith(" SendMessage")], "a step had to be retried"
