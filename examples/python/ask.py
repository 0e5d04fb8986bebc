"""Request an approval and wait for the decision: `python ask.py STATE_MACHINE_ARN "Deploy web 2.4.1?"`.

Exit codes: 0 approved, 1 rejected, 2 nobody decided. Needs boto3, `states:StartExecution` on the state machine and
`states:DescribeExecution` on its executions.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3

INTERVAL = 2
"""Seconds between two calls."""


class NobodyDecided(Exception):
    """The request expired, was cancelled or was invalid. The text says which."""


def ask(state_machine_arn: str, request: dict[str, Any]) -> dict[str, Any]:
    """Request an approval and return the result: `Decision`, `DecidedBy`, `Comment` and more. Raise `NobodyDecided`."""
    stepfunctions = boto3.client("stepfunctions")
    text = json.dumps({"Approval": request})
    started = stepfunctions.start_execution(stateMachineArn=state_machine_arn, input=text)
    while True:
        execution = stepfunctions.describe_execution(executionArn=started["executionArn"])
        if execution["status"] == "SUCCEEDED":
            return dict(json.loads(execution["output"])["Approval"]["Result"])
        if execution["status"] != "RUNNING":
            raise NobodyDecided(f"{execution.get('error', execution['status'])}: {execution.get('cause', '')}")
        time.sleep(INTERVAL)


if __name__ == "__main__":
    try:
        result = ask(sys.argv[1], {"Title": sys.argv[2], "TimeoutMinutes": 30})
    except NobodyDecided as nobody:
        print(nobody, file=sys.stderr)
        sys.exit(2)
    print(result["Status"])
    sys.exit(0 if result["Decision"] == "APPROVED" else 1)
