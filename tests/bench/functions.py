"""Every function with the event that a person waits for, run in a fresh interpreter from the built layer and code."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from approvals.domain.model import Action, Approval, Presence, Request, Response
from approvals.domain.people import Approver
from approvals.domain.rules import judge
from approvals.domain.signed_links import query
from bot.views.buttons import ACTION_IDS
from tests.bench.answers import Answers
from tests.support.builders import MESSAGE, TOKEN, WORKFLOW, WORKSPACE, a_call, an_approval, an_image

ROOT = Path(__file__).resolve().parent.parent.parent
EMAIL = "ann@example.com"
SIGNING_SECRET = "bench-signing-secret"
_BOT_TOKEN = "xoxb-bench-0123456789"
_CHILD = str(Path(__file__).with_name("child.py"))
_NO_COMMENT = dict.fromkeys(Action, Presence.OFF)


@dataclass(frozen=True, slots=True)
class Built:
    """The layer and the code of a function, as `sam build` makes them; compiled for the Python that runs this."""

    layer: Path
    code: Path

    @classmethod
    def make(cls, folder: Path) -> Built:
        """Build both with the Makefiles that `sam build` calls, into a folder."""
        built = cls(folder / "layer/python", folder / "code")
        for where, target, artifacts in (
            ("layer", "build-DependenciesLayer", folder / "layer"),
            (".", "build-CallbackFunction", built.code),
        ):
            artifacts.mkdir(parents=True)
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the layer's makefile calls pip
            settings = [f"ARTIFACTS_DIR={artifacts}", f"COMPILE_WITH={sys.executable}"]
            subprocess.run(
                ["make", "-s", "-C", where, target, *settings],
                cwd=ROOT,
                env={**os.environ, "PATH": path},
                check=True,
                capture_output=True,
            )
        return built

    @property
    def path(self) -> tuple[Path, ...]:
        """What Lambda has on `sys.path`."""
        return (self.code, self.layer)


@dataclass(frozen=True, slots=True)
class Run:
    """What a fresh interpreter took: seconds from import to the first answer, bytes, and what it had imported then."""

    answer: Any
    wall: float
    init: float
    cpu: float
    user: float
    memory: int
    modules: tuple[str, ...]
    warm: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A handler, by its module, and an event for it."""

    module: str
    event: Mapping[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)


class Bench:
    """Records, signed events and outside services for every function; `slack` turns Slack on in the backend."""

    def __init__(self, *, slack: bool = True) -> None:
        now = datetime.now(UTC)
        self.pending = an_approval(
            request=Request(title="Deploy web 2.4.1", timeout=timedelta(hours=1), comments=_NO_COMMENT),
            requested_at=now,
            deadline=now + timedelta(hours=1),
            deliveries=(MESSAGE,) if slack else (),
        )
        self.new = replace(self.pending, id=self.pending.id[::-1], deliveries=())
        self.decided = _decided(replace(self.pending, id="a" * 32), now)
        everything = (self.pending, self.new, self.decided)
        # Each with its token, as if the two tables were one.
        items = {each.id: {**an_image(each), "task_token": {"S": TOKEN}} for each in everything}
        secret = json.dumps({"bot_token": _BOT_TOKEN, "signing_secret": SIGNING_SECRET})
        self.answers = Answers(items, secret, EMAIL)
        self._slack = slack

    def stop(self) -> None:
        """Stop the outside services."""
        self.answers.stop()

    def functions(self) -> dict[str, Function]:
        """Our functions by name, each with the event that it is there for."""
        stream = {name: _stream(approval) for name, approval in (("notify", self.new), ("decision", self.decided))}
        mail = {"id": self.new.id, "step": f"request_email:{EMAIL}"}
        return {
            "callback": Function("handlers.callback", self._post()),
            "bot": Function("handlers.bot", self.click()),
            "request": Function("handlers.request", a_call({"Comment": "bench"})),
            "notify": Function("handlers.notify", stream["notify"]),
            "decision": Function("handlers.decision", stream["decision"]),
            "lifecycle": Function("handlers.lifecycle", {"source": "aws.events"}),
            "digest": Function("handlers.digest", {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(mail)}]}),
        }

    def baselines(self) -> dict[str, Function]:
        """Return the bare handlers: (a) resumes the workflow, (b) is Bolt."""
        link = {"httpMethod": "GET", "queryStringParameters": {"action": "approve", "token": TOKEN}}
        return {
            "bare": Function("bare", link),
            "bolt": Function("bolt", self.click()),
        }

    def run(self, function: Function, path: Sequence[Path], *, warm: int = 0) -> Run:
        """Run a function in a fresh interpreter that finds nothing but what is on the path. Raise when it fails."""
        task = {
            "path": [str(each) for each in path],
            "environ": self._environ(),
            "module": function.module,
            "event": function.event,
            "warm": warm,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", _CHILD],
            input=json.dumps(task),
            env={},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{function.module} failed:\n{done.stdout}\n{done.stderr}")
        result = json.loads(done.stdout.splitlines()[-1])
        return Run(**{**result, "modules": tuple(result["modules"]), "warm": tuple(result["warm"])})

    def click(self) -> dict[str, Any]:
        """Return a click on Approve in Slack, signed just now."""
        payload = {
            "type": "block_actions",
            "user": {"id": "U0BOB00002", "name": "bob", "team_id": WORKSPACE},
            "team": {"id": WORKSPACE},
            "trigger_id": "1.2.3",
            "container": {"type": "message", "channel_id": MESSAGE.place},
            "actions": [
                {
                    "type": "button",
                    "action_id": ACTION_IDS[Action.APPROVE],
                    "value": self.pending.id,
                    "action_ts": "1795424401.000100",
                }
            ],
        }
        body = urlencode({"payload": json.dumps(payload)})
        timestamp = str(int(time.time()))
        signed = hmac.digest(SIGNING_SECRET.encode(), f"v0:{timestamp}:{body}".encode(), "sha256").hex()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={signed}",
        }
        context = {"httpMethod": "POST"}
        return {"httpMethod": "POST", "requestContext": context, "headers": headers, **_BODY, "body": body}

    def _post(self) -> dict[str, Any]:
        body = query(self.pending, Action.APPROVE, EMAIL)
        return {"httpMethod": "POST", "headers": {}, "queryStringParameters": None, **_BODY, "body": body}

    def _environ(self) -> dict[str, str]:
        queue = f"{self.answers.url}/000000000000/queue"
        return {
            "AWS_ENDPOINT_URL": self.answers.url,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "POWERTOOLS_SERVICE_NAME": "human-approval",
            "TABLE_NAME": "approvals",
            "ACCOUNT_ID": "123456789012",
            "TASK_TOKEN_TABLE_NAME": "task-tokens",
            "POLICY_PARAMETER": "",
            "SLACK_REPLY_TABLE_NAME": "slack-replies",
            "STACK_NAME": "human-approval",
            "EVENT_BUS_NAME": "",
            "EMAIL": EMAIL,
            "EMAIL_LINK_MODE": "confirm",
            "PUBLIC_URL": "https://example.com/states",
            "DEFAULT_TIMEOUT_MINUTES": "60",
            "REMIND_DURING": "",
            "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:mails",
            "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:Deploy",
            "SLACK_CHANNEL": MESSAGE.place if self._slack else "",
            "SLACK_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slack",
            "SLACK_API_URL": f"{self.answers.url}/slack/api/",
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "RETRY_QUEUE_URL": queue,
            "RETRY_ATTEMPTS": "10",
            "MAIL_QUEUE_URL": queue,
            "NOTIFY_QUEUE_URL": queue,
            "DECISION_QUEUE_URL": queue,
            "DEAD_LETTER_QUEUE_URL": queue,
        }


_BODY = {"isBase64Encoded": False, "multiValueHeaders": {}}


def _decided(approval: Approval, now: datetime) -> Approval:
    ann = Approver(id=EMAIL, name=EMAIL, channel="email")
    return replace(judge(approval, Response(approver=ann, action=Action.APPROVE, at=now)).approval, workflow=WORKFLOW)


def _stream(approval: Approval) -> dict[str, Any]:
    """Return the table's stream, as it tells of a record."""
    change = {
        "Keys": {"id": {"S": approval.id}},
        "NewImage": an_image(approval),
        "SequenceNumber": "1",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    record = {"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
    return {"Records": [record]}
