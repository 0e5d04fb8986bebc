"""One deployed stack on the emulator, with the inbox, the fake Slack and the web page around it."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from demo import aws, deploy, roles
from demo.executions import Execution, Executions
from demo.inbox import Email, Inbox
from demo.process import ROOT
from demo.slack import Message, Modal, Slack
from demo.web import Web

EMAIL = "approver@example.com"
APPROVERS = ("alice@example.com", "bob@example.com", "carol@example.com")
"""Addresses that are subscribed, too, so that a request may name them."""

CHANNEL = "C0APPROVALS"
POLICY = "/approvals/policy"
_INTERVAL = 0.25


@dataclass(frozen=True, slots=True)
class Seen:
    """All that the page shows at one time."""

    executions: tuple[Execution, ...] = ()
    mails: tuple[Email, ...] = ()
    messages: tuple[Message, ...] = ()
    modals: tuple[Modal, ...] = ()
    homes: Mapping[str, dict[str, Any]] = field(default_factory=dict)


class LocalStack:
    """Deploys a stack and watches it. The artifacts must be built, and the emulator must run.

    A stack that is not `watched` shows nothing on its page: for measurements on the same machine. `deployer` deploys a
    stack of a name with parameters, and returns its outputs.
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
        deployer: Callable[[str, Mapping[str, str]], dict[str, str]] = deploy.deploy,
    ) -> None:
        self.email = EMAIL
        self.url = f"http://127.0.0.1:{web_port}"
        self.command = f"{'' if aws_port == aws.PORT else f'AWS_PORT={aws_port} '}.venv/bin/approvals --local"
        self.slack = Slack(
            channel=CHANNEL if slack else "",
            bot_token=f"xoxb-local-{secrets.token_hex(12)}",
            signing_secret=secrets.token_hex(16),
            hooks_url=f"{self.url}/slack/hooks/",
        )
        self.seen = Seen()
        self.stopped = threading.Event()
        self.parameters = self._parameters() | (parameters or {})
        self._web = Web(self, web_port)
        try:
            self.outputs = deployer(name, self.parameters)
        except BaseException:
            self._web.stop()
            raise
        # On AWS the API has a host of its own; the emulator serves it under a path.
        api = urlsplit(self.outputs["ApiGatewayInvokeURL"])
        self.api_url = f"{aws.endpoint(aws_port)}/_aws/execute-api/{api.netloc.partition('.')[0]}{api.path}"
        self.executions = Executions(self.outputs["StateMachineHumanApprovalArn"])
        self._inbox = Inbox(self.outputs["ApprovalTopicArn"], name)
        for address in APPROVERS:
            _subscribe(self.outputs["ApprovalTopicArn"], address)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        if watched:
            self._watcher.start()

    def stop(self) -> None:
        """Stop watching and serving. The stack goes with the emulator."""
        self.stopped.set()
        if self._watcher.ident:
            self._watcher.join()
        self._web.stop()

    def _parameters(self) -> dict[str, str]:
        parameters = {"Email": self.email, "PublicUrl": f"{self.url}/states"}
        if self.slack.channel:
            parameters |= {
                "SlackChannel": self.slack.channel,
                "SlackBotToken": self.slack.bot_token,
                "SlackSigningSecret": self.slack.signing_secret,
                "SlackApiUrl": f"{self.url}/slack/api/",
            }
        return parameters

    def _watch(self) -> None:
        while not self.stopped.wait(_INTERVAL):
            seen = Seen(
                executions=tuple(self.executions.latest()),
                mails=tuple(self._inbox.emails()),
                messages=tuple(self.slack.messages()),
                modals=tuple(self.slack.modals()),
                homes=self.slack.homes(),
            )
            if seen != self.seen:
                self.seen = seen


def store_policy() -> str:
    """Store the example's policy, with an override, before a stack that needs it; return the parameter's name."""
    document = json.loads((ROOT / "examples/policy.json").read_text()) | roles.policy_keys()
    text = json.dumps(document, indent=2)
    aws.session().client("ssm", config=aws.CONFIG).put_parameter(Name=POLICY, Value=text, Type="String")
    return POLICY


def _subscribe(topic_arn: str, address: str) -> None:
    """Subscribe an address to its own emails only. Emulated addresses confirm at once."""
    aws.session().client("sns", config=aws.CONFIG).subscribe(
        TopicArn=topic_arn,
        Protocol="email",
        Endpoint=address,
        Attributes={"FilterPolicy": json.dumps({"recipient": [address]})},
    )
