"""The stack's connection to a Slack app: token, signing secret and channel."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError
from slack_sdk import WebClient

from bot.credentials import SlackSecret, load_secret
from cli.aws_errors import error_code, explain
from cli.context import CommandError, Context
from cli.slack_app import CHANNEL, SIGNING_SECRET, TOKEN

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

CAPABILITIES: tuple[CapabilityType, ...] = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
"""What an update of the stack needs: it has roles and uses SAM's transform.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
"""

SLACK_TIMEOUT = 10
"""Seconds that a call to Slack may take."""

_UPDATE_SECONDS = 900
_INTERVAL = 5

_NO_UPDATES = "No updates are to be performed"


@dataclass(frozen=True, slots=True)
class Connection:
    """The values of the app that the stack needs. Token and signing secret are secrets."""

    channel: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)

    def problems(self) -> list[str]:
        """Return a sentence for each part that has the wrong form."""
        found = []
        if not TOKEN.fullmatch(self.bot_token):
            found.append("The bot token begins with xoxb-. Install the app, then find it under OAuth & Permissions.")
        if not SIGNING_SECRET.fullmatch(self.signing_secret):
            found.append(
                "The signing secret has 32 lowercase letters and digits. See Basic Information > App Credentials."
            )
        if not CHANNEL.fullmatch(self.channel):
            found.append(
                "The channel ID looks like C0123456789. Find it at the bottom of the channel's details in Slack."
            )
        return found


def slack_client(context: Context, token: str) -> WebClient:
    """Return a client of Slack's Web API at the address that the stack uses."""
    return WebClient(token=token, base_url=context.parameters["SlackApiUrl"], timeout=SLACK_TIMEOUT, retry_handlers=[])


def stored_secret(context: Context) -> SlackSecret:
    """Read token and signing secret. Raises `KeyError` or `ValueError` if they are stored in another form."""
    return load_secret(context.client("secretsmanager"), context.output("SlackSecretArn"))


def store_secret(context: Context, connection: Connection) -> None:
    """Store token and signing secret. The functions use them within a minute."""
    value = {"bot_token": connection.bot_token, "signing_secret": connection.signing_secret}
    context.client("secretsmanager").put_secret_value(
        SecretId=context.output("SlackSecretArn"), SecretString=json.dumps(value)
    )


def update_stack(context: Context, connection: Connection) -> None:
    """Set the stack's parameters for Slack, keep all others, and wait for the end of the update.

    Token and signing secret are set with the channel: else the next update of the secret would restore those that the
    stack was created with. Raises `CommandError` if the update does not succeed.
    """
    cloudformation = context.client("cloudformation")
    changed = {
        "SlackChannel": connection.channel,
        "SlackBotToken": connection.bot_token,
        "SlackSigningSecret": connection.signing_secret,
    }
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": changed[name]}
        if name in changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in context.parameters
    ]
    try:
        cloudformation.update_stack(
            StackName=context.stack, UsePreviousTemplate=True, Parameters=parameters, Capabilities=CAPABILITIES
        )
    except ClientError as error:
        # Only the message tells a stack without changes from one that can't be updated now.
        if error_code(error) == "ValidationError" and _NO_UPDATES in error.response["Error"]["Message"]:
            return
        raise CommandError(
            f"The secret is stored, but the stack was not updated: {explain(error)} Check the stack: "
            f"{context.command('doctor')}"
        ) from error
    try:
        cloudformation.get_waiter("stack_update_complete").wait(
            StackName=context.stack,
            WaiterConfig={
                "Delay": 1 if context.emulator else _INTERVAL,
                "MaxAttempts": _UPDATE_SECONDS // _INTERVAL,
            },
        )
    except WaiterError as error:
        raise CommandError(
            f"The secret is stored, but the update of the stack failed. See why: {context.command('doctor')}"
        ) from error
