"""`python -m tests.support.capacity SURFACE BULK`: one surface with a thousand open requests, in its own process.

DynamoDB is a stub at the place of botocore's network: it answers with pages of whole records, and leaves out of them
what is not asked for. The last line on standard error is what the surface said, and the greatest memory of the process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from slack_sdk import WebClient, WebhookClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookResponse

from approvals.domain.model import Request
from approvals.domain.replies import DeferredReply, ReplyKind
from approvals.store.items import approval_to_item
from approvals.store.table import serialized
from tests.support.builders import BOB, MESSAGE, NOW, WORKSPACE, an_approval, transported

OPEN = 1000
SIZE = 240 * 1024
"""UTF-8 bytes of what is asked in each."""

_AT = NOW + timedelta(minutes=5)
_ID = "0" * 32


def bulks(size: int = SIZE) -> dict[str, Request]:
    """Return requests of one size, each with its bulk in another place."""
    hour = timedelta(hours=1)
    text = "\U0001f600" + "x" * (size - 4)  # One wide character makes each of a Python text's take four bytes.
    return {
        "lists": Request(title="Deploy", timeout=hour, context={"x": [[]] * (size // 4)}),
        "objects": Request(title="Deploy", timeout=hour, context={"x": [{"": 0}] * (size // 9)}),
        "details": Request(title="Deploy", timeout=hour, details=text),
        "facts": Request(title="Deploy", timeout=hour, facts=(("l" * 100, text[:2000]),) * (size // 2100)),
    }


@dataclass
class Table:
    """Records that differ in their ids alone: in full, and without their contexts."""

    full: bytes
    listed: bytes

    @classmethod
    def of(cls, request: Request) -> Table:
        item = transported(serialized(approval_to_item(an_approval(id=_ID, request=request))))
        full = json.dumps(item, ensure_ascii=False).encode()
        del item["request"]["M"]["context"]
        return cls(full, json.dumps(item, ensure_ascii=False).encode())

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Return DynamoDB's answer to a request of botocore."""
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        body = getattr(self, operation)(json.loads(request.body))
        return AWSResponse(request.url, 200, HTTPHeaders(), Raw(body))

    def Query(self, asked: dict[str, Any]) -> bytes:  # noqa: N802
        """Return a page of an index, all of whose keys are in one shard."""
        shard, sort = ("due_shard", "due_at") if asked["IndexName"] == "due" else ("requested_shard", "requested_at")
        if asked["ExpressionAttributeValues"][":shard"]["S"] not in ("0", "2026-11#0"):
            return b'{"Items": []}'
        first = int(asked["ExclusiveStartKey"]["id"]["S"]) + 1 if "ExclusiveStartKey" in asked else 0
        numbers = range(first, min(first + asked["Limit"], OPEN))
        keys = [{"id": {"S": f"{n:032d}"}, shard: {"S": "0"}, sort: {"S": "2026"}} for n in numbers]
        return json.dumps(
            {"Items": keys, **({"LastEvaluatedKey": keys[-1]} if numbers[-1] < OPEN - 1 else {})}
        ).encode()

    def BatchGetItem(self, asked: dict[str, Any]) -> bytes:  # noqa: N802
        """Return the records with these keys, as far as they fit in 16 MB."""
        [(name, wanted)] = asked["RequestItems"].items()
        record = self.full if "#request," in f"{wanted['ProjectionExpression']}," else self.listed
        ids = [key["id"]["S"] for key in wanted["Keys"]]
        fit = max(1, (16 << 20) // len(record))
        found = b",".join(record.replace(_ID.encode(), each.encode()) for each in ids[:fit])
        left = {name: {"Keys": [{"id": {"S": each}} for each in ids[fit:]]}} if ids[fit:] else {}
        return b'{"Responses":{"%s":[%s]},"UnprocessedKeys":%s}' % (name.encode(), found, json.dumps(left).encode())


class Raw(BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Any:
        """Yield the body in one piece."""
        yield self.getvalue()


class QuietSlack(WebClient):
    """A client of Slack whose calls all succeed and show nothing."""

    said: Any = None

    def api_call(self, api_method: str, **call: Any) -> SlackResponse:
        """Return Slack's answer."""
        answers: dict[str, Any] = {
            "auth.test": {"team_id": WORKSPACE, "url": "https://example.slack.com/"},
            "users.info": {"user": {"id": BOB.id, "name": BOB.name, "team_id": WORKSPACE}},
            "users.conversations": {"channels": [{"id": MESSAGE.place}]},
        }
        if api_method == "views.publish":
            QuietSlack.said = call["json"]["view"]["blocks"][0]["text"]["text"]
        data = {"ok": True, **answers.get(api_method, {})}
        return SlackResponse(
            client=self, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=200
        )


class QuietHook(WebhookClient):
    """The webhook that takes a command's reply."""

    def send(self, **call: Any) -> WebhookResponse:
        """Keep the reply."""
        QuietSlack.said = call["blocks"][-1].elements[0].text
        return WebhookResponse(url="", status_code=200, body="ok", headers={})


def in_slack(kind: ReplyKind, answer: Callable[..., Any]) -> object:
    """Deliver a note as `notify` does, with all that it imports."""
    from handlers.settings import NotifySettings

    given = {"RETRY_ATTEMPTS": "10", "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:mails"}
    os.environ.update({name.upper(): "" for name in NotifySettings.names()} | given)
    import handlers.notify  # noqa: F401 what the function has loaded counts
    from approvals.adapters import clients
    from approvals.store.absences import AbsenceTable
    from approvals.store.queries import Listing
    from approvals.store.replies import Replies
    from approvals.store.table import ApprovalTable
    from bot.away import AwayCommand
    from bot.client import SLACK_API, ResponseUrls
    from bot.ephemeral import ReplyDelivery
    from bot.messenger import SlackMessenger

    for service in ("sns", "sqs", "secretsmanager"):
        clients.session().client(service)
    dynamodb = clients.session().client("dynamodb")
    dynamodb.meta.events.register("before-send.dynamodb.*", answer)
    url = f"https://hooks.slack.com/commands/{WORKSPACE}/1/x"
    note = DeferredReply(
        id="n", user=BOB.id, kind=kind, channel=MESSAGE.place, workspace=WORKSPACE, response_url=url, left_at=_AT
    )
    table, replies = ApprovalTable(dynamodb, "approvals"), Replies(dynamodb, "slack-replies")
    vars(replies)["get"] = lambda _: note
    listing = Listing(dynamodb, "approvals", unreadable=lambda error: sys.exit(str(error)))
    messenger = SlackMessenger(QuietSlack, "C1", ResponseUrls(SLACK_API, QuietHook))
    logger = Logger(service="capacity", level="ERROR")
    notes = ReplyDelivery(
        table=table,
        replies=replies,
        listing=listing,
        away=AwayCommand(absences=AbsenceTable(dynamodb, "approvals"), table=table, listing=listing),
        messenger=messenger,
        base_url="https://approvals.example.com",
        clock=lambda: _AT,
        logger=logger,
    )
    notes.deliver("reply#n")
    return QuietSlack.said


def on_the_command_line(arguments: list[str], answer: Callable[..., Any]) -> object:
    """Run a command."""
    from cli.__main__ import main
    from cli.context import Context

    context = Context(region="eu-west-1", clock=lambda: _AT)
    context.__dict__["outputs"] = {"ApprovalTableName": "approvals"}
    context.client("dynamodb").meta.events.register("before-send.dynamodb.*", answer)
    with suppress(SystemExit):
        main(["--region", "eu-west-1", *arguments], obj=context)
    return None


def greatest_memory() -> int:
    """Return the peak memory of this process in MB. Not `ru_maxrss`, which includes the parent's before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    surface, bulk = sys.argv[1:]
    stub = Table.of(bulks()[bulk]).answer
    match surface:
        case "home":
            said = in_slack(ReplyKind.HOME, stub)
        case "/approvals":
            said = in_slack(ReplyKind.COMMAND, stub)
        case "list":
            said = on_the_command_line(["list", "--json", "--limit", "2000"], stub)
        case _:
            said = on_the_command_line(["export", "--since", "2026-11-01"], stub)
    print(json.dumps({"said": said, "memory": greatest_memory()}), file=sys.stderr)
