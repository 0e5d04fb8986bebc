"""One deployed stack on the emulator, with everything around it: the inbox, the Slack stand-in and the web page."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from demo import aws, deploy
from demo.executions import Execution, Executions
from demo.inbox import Inbox, Mail
from demo.slack import Message, Modal, Slack
from demo.web import Web

EMAIL = "approver@example.com"
APPROVERS = ("alice@example.com", "bob@example.com", "carol@example.com")
"""Addresses that are subscribed, too, so that a request may name them."""

CHANNEL = "C0APPROVALS"
_INTERVAL = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page shows, at one moment."""

    executions: tuple[Execution, ...] = ()
    mails: tuple[Mail, ...] = ()
    messages: tuple[Message, ...] = ()
    modals: tuple[Modal, ...] = ()
    homes: Mapping[str, dict[str, Any]] = field(default_factory=dict)


class LocalStack:
    """Deploys a stack and watches it. The artifacts must be built, and the emulator must run.

    One that is not watched has nothing to show: for what measures how long things take on the same machine.
    """

    def __init__(
        self,
        *,
        aws_port: int,
        web_port: int,
        name: str = "human-approval",
        slack: bool = True,
        parameters: dict[str, str] | None = None,
        watched: bool = True,
    ) -> None:
        self.email = EMAIL
        self.url = f"http://127.0.0.1:{web_port}"
        self.slack = Slack(
            channel=CHANNEL if slack else "",
            bot_token=f"xoxb-local-{secrets.token_hex(12)}",
            signing_secret=secrets.token_hex(16),
            hooks_url=f"{self.url}/slack/hooks/",
        )
        self.seen = Seen()
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._version = 0
        self._web = Web(self, web_port)
        try:
            self.parameters = self._parameters(slack=slack) | (parameters or {})
            self.outputs = deploy.deploy(name, self.parameters)
        except BaseException:
            self._web.stop()
            raise
        self.api_url = _local_api(self.outputs["ApiGatewayInvokeURL"], aws_port)
        self.executions = Executions(self.outputs["StateMachineHumanApprovalArn"])
        self._inbox = Inbox.subscribe(self.outputs["ApprovalTopicArn"], name)
        for address in APPROVERS:
            _subscribe(self.outputs["ApprovalTopicArn"], address)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        if watched:
            self._watcher.start()

    def stop(self) -> None:
        """Stops watching and serving. The stack goes with the emulator."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        if self._watcher.ident:
            self._watcher.join()
        self._web.stop()

    @property
    def stopping(self) -> bool:
        """Whether the stack is being stopped: streams to the page end then."""
        return self._stopped.is_set()

    def wait_for_change(self, version: int, seconds: float = 15) -> int:
        """Waits until something is newer than the version, or the time is over; returns the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version or self.stopping, timeout=seconds)
            return self._version

    def _parameters(self, *, slack: bool) -> dict[str, str]:
        parameters = {"Email": self.email, "PublicUrl": f"{self.url}/states"}
        if slack:
            parameters |= {
                "SlackChannel": self.slack.channel,
                "SlackBotToken": self.slack.bot_token,
                "SlackSigningSecret": self.slack.signing_secret,
                "SlackApiUrl": f"{self.url}/slack/api/",
            }
        return parameters

    def _watch(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            seen = Seen(
                executions=tuple(self.executions.latest()),
                mails=tuple(self._inbox.mails()),
                messages=tuple(self.slack.messages()),
                modals=tuple(self.slack.modals()),
                homes=self.slack.homes(),
            )
            if seen != self.seen:
                with self._changed:
                    self.seen = seen
                    self._version += 1
                    self._changed.notify_all()


def _subscribe(topic_arn: str, address: str) -> None:
    """Subscribes an address to what is addressed to it alone. Emulated addresses confirm at once."""
    aws.session().client("sns", config=aws.CONFIG).subscribe(
        TopicArn=topic_arn,
        Protocol="email",
        Endpoint=address,
        Attributes={"FilterPolicy": json.dumps({"recipient": [address]})},
    )


def _local_api(invoke_url: str, aws_port: int) -> str:
    """Where the emulator serves an API that on AWS has the given URL."""
    address = urlsplit(invoke_url)
    api_id = address.netloc.split(".", 1)[0]
    return f"{aws.endpoint(aws_port)}/_aws/execute-api/{api_id}{address.path}"
