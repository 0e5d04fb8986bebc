"""The input that the command line starts an execution with."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from approvals.domain.model import Json
from cli.request_input import execution_input

HOUR = timedelta(hours=1)


def test_a_document_with_a_null_approval_asks_as_if_it_were_left_out() -> None:
    document: dict[str, Json] = {"Approval": None, "Version": "2.4.1"}
    assert execution_input(document, {}, {}, default_timeout=HOUR) == {"Version": "2.4.1"}
    asked = execution_input(document, {"Title": "Deploy"}, {}, default_timeout=HOUR)
    assert asked == {"Approval": {"Title": "Deploy"}, "Version": "2.4.1"}


@pytest.mark.parametrize(
    ("document", "rest"),
    [({"Approval": None, "Approvers": ["bob@example.com"]}, {}), ({}, {"Approvers": ["bob@example.com"]})],
    ids=["in the file", "in --input"],
)
def test_a_key_of_the_request_outside_of_it_is_refused_before_anything_starts(
    document: dict[str, Json], rest: dict[str, Json]
) -> None:
    with pytest.raises(click.UsageError, match="Approvers: must be under Approval"):
        execution_input(document, {}, rest, default_timeout=HOUR)
