"""Connects a stack to a Slack app: stores its token and signing secret, and tells the stack its channel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from cli.aws_errors import code, explained
from cli.context import Failure
from cli.doctor.patient import Patient
from cli.slack_app import CHANNEL, SIGNING_SECRET, TOKEN

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

CAPABILITIES: tuple[CapabilityType, ...] = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
"""What an update of the stack needs: it has roles, and SAM's transform.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
"""

_UPDATE_SECONDS = 900
_LOOK = 5

_NOTHING_TO_DO = "No updates are to be performed"


@dataclass(frozen=True, slots=True)
class Connection:
    """What the stack must know of the app. Token and signing secret are secrets."""

    channel: str
    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)

    def problems(self) -> list[str]:
        """A sentence for each part that can't be right."""
        found = []
        if not TOKEN.fullmatch(self.bot_token):
            found.append("The Bot User OAuth Token begins with xoxb-: OAuth & Permissions, once the app is installed")
        if not SIGNING_SECRET.fullmatch(self.signing_secret):
            found.append("The Signing Secret has 32 small letters and digits: Basic Information, App Credentials")
        if not CHANNEL.fullmatch(self.channel):
            found.append("The channel's id looks like C0123456789: at the foot of the channel's details in Slack")
        return found

    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters for it."""
        return {
            "SlackChannel": self.channel,
            "SlackBotToken": self.bot_token,
            "SlackSigningSecret": self.signing_secret,
        }


def store(patient: Patient, connection: Connection) -> None:
    """Stores token and signing secret where the functions read them: they go by them within a minute."""
    value = {"bot_token": connection.bot_token, "signing_secret": connection.signing_secret}
    patient.secrets.put_secret_value(SecretId=patient.output("SlackSecretArn"), SecretString=json.dumps(value))


def update(patient: Patient, connection: Connection) -> None:
    """Sets the stack's parameters for Slack, leaves all else of it as it is, and waits until that is done.

    Token and signing secret are set along with the channel: a later update that touches the secret then writes these
    again, and not those that the stack was created with. Raises `Failure` when the update does not succeed.
    """
    changed = connection.parameters()
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": changed[name]}
        if name in changed
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in patient.parameters
    ]
    try:
        patient.cloudformation.update_stack(
            StackName=patient.name, UsePreviousTemplate=True, Parameters=parameters, Capabilities=CAPABILITIES
        )
    except ClientError as error:
        # A stack that has all of this already, and one that can't be updated now: only the message tells them apart.
        if code(error) == "ValidationError" and _NOTHING_TO_DO in error.response["Error"]["Message"]:
            return
        raise Failure(
            f"The secret is stored, but the stack was not updated: {explained(error)}. Look at it: "
            f"{patient.approvals('doctor')}"
        ) from error
    attempts = _UPDATE_SECONDS // _LOOK
    try:
        patient.cloudformation.get_waiter("stack_update_complete").wait(
            StackName=patient.name,
            WaiterConfig={"Delay": 1 if patient.emulated else _LOOK, "MaxAttempts": attempts},
        )
    except WaiterError as error:
        raise Failure(f"The stack was not updated. See why: {patient.approvals('doctor')}") from error
