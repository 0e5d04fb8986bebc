"""A detector of leaked secrets: it searches all that tests wrote for all secrets that they used."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

MIN_SECRET = 16
"""Characters. A made-up secret that is shorter, such as "another", would be found where it is only a word."""


@dataclass
class LeakDetector:
    """Knows the secrets used so far and everything that tests printed and logged, by test."""

    secrets: set[str] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)

    def use(self, *secrets: str) -> None:
        self.secrets |= {secret for secret in secrets if len(secret) >= MIN_SECRET}

    def use_key(self, key: bytes) -> None:
        """Note a key in each form in which it may be written."""
        self.use(key.hex(), b64encode(key).decode(), repr(key)[2:-1], key.decode("latin-1"))

    def leaks(self) -> dict[str, list[str]]:
        """Return the beginnings of all secrets that were written, by where."""
        found = {
            where: [secret[:6] for secret in self.secrets if secret in text] for where, text in self.written.items()
        }
        return {where: secrets for where, secrets in found.items() if secrets}
