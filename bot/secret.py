"""The Slack app's token and signing secret, from Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class SlackSecret:
    """Both are empty when Slack is not configured."""

    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)


def load_secret(secrets_manager: SecretsManagerClient, arn: str) -> SlackSecret:
    """Reads the secret. Raises what boto3 raises, and `KeyError` when a part is missing."""
    value = json.loads(secrets_manager.get_secret_value(SecretId=arn)["SecretString"])
    return SlackSecret(bot_token=str(value["bot_token"]), signing_secret=str(value["signing_secret"]))
