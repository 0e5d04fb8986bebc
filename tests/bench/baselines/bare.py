"""Baseline (a): a link is opened, the workflow resumes. Nothing is kept, checked or told to anybody."""

import json
from typing import Any

import boto3

stepfunctions = boto3.client("stepfunctions")


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    query = event["queryStringParameters"]
    print("clicked", query["action"])  # As the tutorial's does. The emulator waits for a function's first line.
    output = json.dumps({"Status": "Approved!" if query["action"] == "approve" else "Rejected!"})
    stepfunctions.send_task_success(taskToken=query["token"], output=output)
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": "Thank you."}
