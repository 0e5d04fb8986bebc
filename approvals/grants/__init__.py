"""Spend a grant: execute an approved action, only as it was approved, and only as often as was approved.

An execution whose request had `Action` and `Grant` returns the grant's id in its result. The program that executes the
action spends the grant first:

    from approvals import grants

    with grants.spend(grant_id, {"Table": "orders_2019"}, function=SPEND_FUNCTION_ARN) as approved:
        drop(approved.action["Table"])

or guards a function, so that no call is made without a grant for exactly its arguments:

    @grants.guarded(function=SPEND_FUNCTION_ARN)
    def drop_table(table: str) -> None: ...

    request = {"Title": "Drop orders_2019?", "Action": grants.action_of(drop_table, "orders_2019"), "Grant": {}}
    drop_table("orders_2019", grant_id=grant_id)

The caller needs `lambda:InvokeFunction` on the stack's output `SpendFunctionArn`. docs/grants.md explains grants.
"""

from approvals.grants.errors import (
    ActionChangedError,
    GrantError,
    GrantExpiredError,
    GrantSpentError,
    GrantUnknownError,
    InvalidSpendError,
    SpendFailedError,
)
from approvals.grants.guard import action_of, guarded
from approvals.grants.spender import Spend, Spender, spend

__all__ = [
    "ActionChangedError",
    "GrantError",
    "GrantExpiredError",
    "GrantSpentError",
    "GrantUnknownError",
    "InvalidSpendError",
    "Spend",
    "SpendFailedError",
    "Spender",
    "action_of",
    "guarded",
    "spend",
]
