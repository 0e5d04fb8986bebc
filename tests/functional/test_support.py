"""What tests share must not let one test see another."""

from __future__ import annotations

import pytest

from tests.support.aws import client_of
from tests.support.tables import TABLE


@pytest.mark.parametrize("event", ["before-call.dynamodb.*", "before-send"])
def test_handlers_registered_with_a_shared_client_are_called_and_gone_afterwards(aws: None, event: str) -> None:
    seen: list[str] = []
    with client_of("dynamodb") as client:
        client.meta.events.register(event, lambda **_: seen.append(event))
        client.list_tables()
        assert seen == [event]
    with client_of("dynamodb") as client:
        client.list_tables()
    assert seen == [event]


def test_a_shared_client_finds_no_table_of_another_test(aws: None) -> None:
    with client_of("dynamodb") as client:
        assert TABLE not in client.list_tables()["TableNames"]
