"""Whatever breaks, the system converges: a fault before and after every outside call of every function, one at a time.

The functions are the real ones, built by their own composition roots and wired as template.yaml says. Around them stand
DynamoDB (moto) with its stream, SQS, Step Functions, SNS and Slack as fakes that keep the rules of the real ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from approvals.domain.comparison import subject_key
from approvals.domain.history import history
from approvals.domain.previous import Comparison, Previous
from approvals.store.subjects import SubjectIndex
from tests.support.crash_checks import check
from tests.support.crash_scenarios import SCENARIOS
from tests.support.simulated_parameters import PARAMETERS
from tests.support.simulated_services import Calls, Fault
from tests.support.simulation import Simulation
from tests.support.tables import TABLE

PROVE = os.environ.get("PROVE") == "1"


PARTS = 5
"""Tests that share the calls of one scenario and fault. All run in `make prove`, one in the gate."""

# All scenarios and faults run in `make prove`; the gate takes those that cover every function in little time.
QUICK = (
    "approved by mail",
    "approved in Slack",
    "aborted",
    "the state is retried",
    "two must approve",
    "a changed form",
    "a grant",
    "a delegate in a group",
    "an override",
    "the policy changes",
    "a subject",
)


@pytest.mark.parametrize("part", range(PARTS) if PROVE else [0])
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", SCENARIOS if PROVE else [n for n in SCENARIOS if n in QUICK])
def test_whatever_call_breaks_everything_converges(
    name: str, fault: Fault, part: int, simulate: Callable[..., Simulation]
) -> None:
    scenario = SCENARIOS[name]
    whole = simulate(scenario, Calls()).calls
    problems = []
    # The part begins elsewhere for each fault and scenario, so that those of the gate overlap.
    first = ([*Fault].index(fault) + [*SCENARIOS].index(name) + part) % PARTS
    for broken in list(whole.worth_breaking(fault))[first::PARTS]:
        try:
            check(simulate(scenario, Calls(broken, fault)), scenario)
        except AssertionError as error:
            problems.append(f"call {broken} ({whole.names[broken]}) {fault}: {str(error).splitlines()[0]}")
    assert not problems, "\n".join(["", *problems])


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("name", SCENARIOS if PROVE else ["two must approve"])
def test_whatever_call_breaks_every_event_is_published(
    name: str, fault: Fault, simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And events change nothing for people and the workflow. Only what a fault kept from being noted is repeated."""
    monkeypatch.setitem(PARAMETERS, "EventBusName", "ours")
    scenario = SCENARIOS[name]
    whole = simulate(scenario, Calls()).calls
    about_events = [n for n in whole.worth_breaking(fault) if "PutEvents" in "".join(whole.names[n - 1 : n + 1])]
    assert about_events or not scenario.statuses
    for broken in [*about_events, None]:
        simulation = simulate(scenario, Calls(broken, fault))
        check(simulation, scenario)
        happened = [f"{each.id}/{entry.key}" for each in simulation.approvals() for entry in history(each)]
        assert set(simulation.published) == set(happened)
        assert bool(happened) == bool(simulation.approvals())
        if broken is None:
            assert len(simulation.published) == len(happened)


@pytest.mark.parametrize("fault", Fault)
def test_whatever_call_breaks_a_request_is_compared_and_found_by_its_subject(
    fault: Fault, simulate: Callable[..., Simulation]
) -> None:
    scenario = SCENARIOS["a subject"]
    whole = simulate(scenario, Calls()).calls
    about = [n for n in whole.worth_breaking(fault) if whole.names[n] in ("Notify Query", "Notify UpdateItem")]
    assert any(whole.names[n] == "Notify Query" for n in whole.places.values())
    for broken in [*(about if PROVE else about[::3]), None]:
        simulation = simulate(scenario, Calls(broken, fault))
        [approval] = simulation.approvals()
        assert approval.previous == Previous(comparison=Comparison.NONE)
        assert SubjectIndex(simulation._dynamodb, TABLE).newest(subject_key("Deploy Web"), 10) == [approval.id]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("stream_repeats", [False, True])
def test_without_a_fault_everything_is_as_expected(
    name: str, simulate: Callable[..., Simulation], *, stream_repeats: bool
) -> None:
    check(simulate(SCENARIOS[name], Calls(), stream_repeats=stream_repeats), SCENARIOS[name])
