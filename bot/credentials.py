"""The Slack app's token and signing secret, from Secrets Manager."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


_PLAIN = re.compile(r"[!-~]*")

REFRESH = timedelta(minutes=1)
"""The secret is read at most once in this time."""

MAX_AGE = timedelta(minutes=15)
"""A function that started from a snapshot reads an older secret again before it uses it. The snapshot holds the secret
of the day it was taken: if that was revoked since, it would stay valid here for as long as functions start from it."""


@dataclass(frozen=True, slots=True)
class SlackSecret:
    """The bot token and the signing secret; both are empty if Slack is not configured."""

    bot_token: str = field(repr=False)
    signing_secret: str = field(repr=False)


class SecretSource:
    """The secret as last read. Warm functions outlive a change of it: `refresh` reads it again.

    `snapped` says that the function may run from a snapshot that was taken long ago.
    """

    def __init__(
        self, load: Callable[[], SlackSecret], clock: Callable[[], datetime], *, snapped: bool = False
    ) -> None:
        self._load = load
        self._clock = clock
        self._snapped = snapped
        self._tried_at = self._read_at = clock()
        self._last = load()

    @property
    def current(self) -> SlackSecret:
        """The secret. After a snapshot, it is older than `MAX_AGE` only if it can't be read."""
        # Without a snapshot, the function ends long before that, and no click waits for another call.
        if self._snapped and self._clock() - self._read_at >= MAX_AGE:
            self.refresh()
        return self._last

    def refresh(self) -> bool:
        """Read the secret again, at most once a minute. Return True if it changed."""
        now = self._clock()
        if now - self._tried_at < REFRESH:
            return False
        before, self._tried_at = self._last, now
        with suppress(ClientError, BotoCoreError, KeyError, TypeError, ValueError):  # Then the last one stays.
            self._last = self._load()
            self._read_at = now
        return self._last != before


def load_secret(secrets_manager: SecretsManagerClient, arn: str) -> SlackSecret:
    """Read the secret. Raises what boto3 raises, and `KeyError`, `TypeError` or `ValueError` for another form.

    Drops blanks around a value, which come with pasting. Refuses a token that does not fit into a header: the HTTP
    client quotes it in errors, which are logged.
    """
    value = json.loads(secrets_manager.get_secret_value(SecretId=arn)["SecretString"])
    secret = SlackSecret(bot_token=str(value["bot_token"]).strip(), signing_secret=str(value["signing_secret"]).strip())
    if not _PLAIN.fullmatch(secret.bot_token):
        raise ValueError("the Slack bot token has characters that no token has")
    return secret
