"""Baseline (b): a button in Slack is clicked, Bolt acknowledges it. Nothing else happens, no workflow resumes."""

import os
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_sdk import WebClient

app = App(
    token="xoxb-bench",
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    client=WebClient(token="xoxb-bench", base_url=os.environ["SLACK_API_URL"]),
    process_before_response=True,
    token_verification_enabled=False,
)


@app.action("approval:approve")
def approve(ack: Ack) -> None:
    ack()


def handler(event: dict[str, Any], context: Any) -> Any:
    return SlackRequestHandler(app).handle(event, context)  # type: ignore[no-untyped-call]
