"""How often the functions call the outside: each call is time that somebody waits, and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.functional.test_crashes import (
    PARAMETERS,
    SCENARIOS,
    Calls,
    Simulation,
    clients,
    simulate,
)

__all__ = ["clients", "simulate"]

MAX_BY_MAIL, MAX_WITH_SLACK = 15, 23
"""Three looks at the page are three reads, a request and an answer two writes. Each mail is a slot, a publish and a
mark, the mark apart from any other so that a crash repeats one step at most. `notify` and `decision` read the record
rather than the stream's image of it: a stream that delivers again would have everybody told again. Two of the calls
with Slack read its secret: once in the life of a function, not for each approval.
"""

MAX_BEFORE_ACKNOWLEDGEMENT = 2


def calls_of(simulation: Simulation) -> list[str]:
    """All but the clock's: it costs the same each minute, however many approvals there are."""
    return [name for name in simulation.calls.names if not name.startswith("Lifecycle")]


@pytest.mark.parametrize(("channel", "most"), [("", MAX_BY_MAIL), (PARAMETERS["SlackChannel"], MAX_WITH_SLACK)])
def test_an_approval_by_mail_takes_few_calls(
    simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch, channel: str, most: int
) -> None:
    """From the request to the outcome's mail; the page is opened, its button pressed, and its outcome looked at."""
    monkeypatch.setitem(PARAMETERS, "SlackChannel", channel)
    simulation = simulate(SCENARIOS["approved by mail"], Calls())
    calls = calls_of(simulation)
    print(f"{len(calls)} calls with{'' if channel else 'out'} Slack: {', '.join(calls)}")
    assert simulation.execution.answers == ["APPROVED"]
    assert len(simulation.mails) == 2
    assert len(calls) <= most


def test_a_click_is_acknowledged_after_two_calls_of_the_table(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate(SCENARIOS["approved in Slack"], Calls())
    calls = Counter(name for name in simulation.calls.names if name.startswith("Bot "))
    # The secret is read when the function starts, before any click.
    assert calls.pop("Bot GetSecretValue") == 1
    assert set(calls) <= {"Bot GetItem", "Bot UpdateItem"}
    assert calls.total() <= MAX_BEFORE_ACKNOWLEDGEMENT
