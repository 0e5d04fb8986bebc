"""What a text that somebody types can mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.domain.references import Reference
from tests.support.builders import an_approval

ID = "bclqipcd7vjjkdo7xx4k76o56ybz4u7y"


@pytest.mark.parametrize("typed", [ID, ID.upper(), "bclq", "BCLQIP", "bclqipcd", ID[:31], "run-1"])
def test_an_approval_is_meant_by_its_id_the_beginning_of_it_and_its_executions_name(typed: str) -> None:
    assert Reference.parse(typed).matches(an_approval(id=ID))


@pytest.mark.parametrize(
    "typed", ["", "b", "bcl", "clqip", "bclqix", ID[1:], f"{ID}a", "RUN-1", "run", "HumanApproval", "a" * 32, "bclqip%"]
)
def test_nothing_else_means_it(typed: str) -> None:
    assert not Reference.parse(typed).matches(an_approval(id=ID))


def test_a_full_id_is_no_executions_name() -> None:
    base = an_approval(id="a" * 32)
    imposter = replace(base, workflow=replace(base.workflow, execution_name=ID))
    assert not Reference.parse(ID).matches(imposter)


def test_the_beginning_of_an_id_can_be_an_executions_name_too() -> None:
    base = an_approval(id="a" * 32)
    imposter = replace(base, workflow=replace(base.workflow, execution_name="bclqip"))
    assert Reference.parse("bclqip").matches(imposter)
    assert Reference.parse("bclqip").matches(an_approval(id=ID))


def test_a_state_machine_named_like_it_means_nothing() -> None:
    base = an_approval(id="a" * 32)
    imposter = replace(base, workflow=replace(base.workflow, state_machine_name="bclqip", state_name="bclqip"))
    assert not Reference.parse("bclqip").matches(imposter)
