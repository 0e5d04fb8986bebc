"""Call a function once, after its approval: `python spend.py STATE_MACHINE_ARN SPEND_FUNCTION_ARN orders_2019`.

The arguments are the stack's outputs StateMachineHumanApprovalArn and SpendFunctionArn, and the table. Exit codes: 0
done, 1 not done. Needs this package (`pip install human-approval`), and `lambda:InvokeFunction` besides the rights of
ask.py, which is in the same folder.
"""

from __future__ import annotations

import sys

from ask import NobodyDecided, ask

from approvals import grants


def main(state_machine_arn: str, spend_function_arn: str, table: str) -> None:
    """Request the approval of one call, and make it."""

    @grants.guarded(function=spend_function_arn, name="drop_table")
    def drop_table(table: str, *, cascade: bool = False) -> None:
        print(f"Dropped {table}{' and what depends on it' if cascade else ''}.")

    request = {
        "Title": f"Drop {table}?",
        "Action": grants.action_of(drop_table, table),
        "Grant": {"Uses": 1, "ValidMinutes": 10},
        "TimeoutMinutes": 30,
    }
    result = ask(state_machine_arn, request)
    if result["Decision"] != "APPROVED":
        sys.exit(result["Status"])
    drop_table(table, grant_id=result["Grant"]["Id"])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (NobodyDecided, grants.GrantError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
