"""What a snapshot of a started function would keep past its time: Slack's secret and AWS's credentials."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import EndpointConnectionError

from approvals.adapters import clients
from bot.credentials import MAX_AGE, REFRESH, SecretSource, SlackSecret
from tests.support.fakes import Clock

OLD, NEW = SlackSecret("xoxb-old", "old"), SlackSecret("xoxb-new", "new")


class SecretsManager:
    """Holds one secret, and counts who asked for it."""

    def __init__(self) -> None:
        self.secret = OLD
        self.asked = 0
        self.down = False

    def __call__(self) -> SlackSecret:
        self.asked += 1
        if self.down:
            raise EndpointConnectionError(endpoint_url="https://secretsmanager")
        return self.secret


@pytest.fixture
def secrets_manager() -> SecretsManager:
    return SecretsManager()


def test_a_secret_that_was_revoked_after_the_snapshot_is_not_the_one_in_use(
    secrets_manager: SecretsManager, clock: Clock
) -> None:
    """Its signature would still fit, so that nothing else would have the secret read anew."""
    source = SecretSource(secrets_manager, clock, snapped=True)
    secrets_manager.secret = NEW
    clock.pass_(days=30)
    assert source.current == NEW


def test_a_young_secret_is_not_read_again(secrets_manager: SecretsManager, clock: Clock) -> None:
    source = SecretSource(secrets_manager, clock, snapped=True)
    clock.now += MAX_AGE - timedelta(seconds=1)
    assert source.current == OLD
    assert secrets_manager.asked == 1


def test_an_old_secret_stays_while_none_can_be_read_and_goes_once_one_can(
    secrets_manager: SecretsManager, clock: Clock
) -> None:
    source = SecretSource(secrets_manager, clock, snapped=True)
    secrets_manager.secret, secrets_manager.down = NEW, True
    clock.now += MAX_AGE
    assert [source.current, source.current] == [OLD, OLD]
    assert secrets_manager.asked == 2, "at most once a minute"
    secrets_manager.down = False
    clock.now += REFRESH
    assert source.current == NEW


def test_without_a_snapshot_no_click_waits_for_the_secret_to_be_read_again(
    secrets_manager: SecretsManager, clock: Clock
) -> None:
    source = SecretSource(secrets_manager, clock)
    clock.pass_(days=30)
    assert (source.current, secrets_manager.asked) == (OLD, 1)


class Container:
    """Hands out credentials as Lambda does to a function with SnapStart, and is the service that is called by it."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.lives = timedelta()
        self.signed_with: list[str] = []
        container = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                container.handed_out += 1
                expires = datetime.now(UTC) + container.lives
                self.answer(
                    {
                        "AccessKeyId": f"key-{container.handed_out}",
                        "SecretAccessKey": "x",
                        "Token": "x",
                        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    }
                )

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                credential = self.headers["Authorization"].partition("Credential=")[2]
                container.signed_with.append(credential.partition("/")[0])
                self.answer({})

            def answer(self, body: dict[str, str]) -> None:
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002 the base class calls it so
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[Container]:
    """In the place of the keys in the environment that a function without a snapshot has."""
    served = Container()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", served.url)
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
    clients.session.cache_clear()
    yield served
    clients.session.cache_clear()
    served.stop()


def test_credentials_that_expired_in_the_snapshot_are_not_used(container: Container) -> None:
    dynamodb = clients.session().client("dynamodb")
    container.lives = timedelta(hours=6)
    dynamodb.get_item(TableName="approvals", Key={"id": {"S": "x"}})
    dynamodb.get_item(TableName="approvals", Key={"id": {"S": "x"}})
    assert container.signed_with == ["key-2", "key-2"]
