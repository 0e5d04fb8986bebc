"""Which requests the two ports of the local run take."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from demo.request_filter import ClosedEmulator, emulator_refusal, page_refusal

PORT = 8080
HOST = "127.0.0.1:8080"
SIGNED = ("authorization", "AWS4-HMAC-SHA256 Credential=LOCAL/20261123/us-east-1/states/aws4_request, …")


@pytest.mark.parametrize("host", [HOST, "localhost:8080"])
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/", [SIGNED]),
        ("PUT", "/human-approval-artifacts/abc%20d", [SIGNED]),
        ("GET", "/_ministack/health", []),
        ("POST", "/_aws/execute-api/abc/states/execution", []),
        ("HEAD", "/_aws/execute-api/abc/states/execution", []),
    ],
)
def test_the_emulator_takes_signed_calls_its_health_and_the_stacks_api(
    method: str, path: str, headers: list[tuple[str, str]], host: str
) -> None:
    assert emulator_refusal(method, path, [("host", host), *headers], PORT) is None


FOREIGN_HOSTS = [
    "evil.example:8080",
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:4566",
    "127.0.0.1:8080.evil.example",
    "localhost.evil.example:8080",
    "abc.execute-api.localhost:8080",
    "127.0.0.1:8080 ",
    "127.0.0.1:8080, evil.example",
    "[::1]:8080",
    "0.0.0.0:8080",
    "",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_refused(host: str) -> None:
    assert emulator_refusal("POST", "/", [("host", host), SIGNED], PORT)
    assert emulator_refusal("GET", "/_ministack/health", [("host", host)], PORT)
    assert page_refusal("GET", "/", {"Host": host}, PORT)


def test_a_request_without_a_host_or_with_two_is_refused() -> None:
    assert emulator_refusal("POST", "/", [SIGNED], PORT)
    assert emulator_refusal("POST", "/", [("host", HOST), ("host", "evil.example"), SIGNED], PORT)
    assert emulator_refusal("POST", "/", [("host", HOST), ("host", HOST), SIGNED], PORT)
    assert page_refusal("GET", "/", {}, PORT)


@pytest.mark.parametrize("origin", ["http://localhost:9000", f"http://{HOST}", "null", ""])
@pytest.mark.parametrize("path", ["/", "/_ministack/health", "/_aws/execute-api/abc/states/execution"])
def test_the_emulator_takes_nothing_from_a_web_page(path: str, origin: str) -> None:
    for sent in (("origin", origin), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")):
        assert emulator_refusal("POST", path, [("host", HOST), SIGNED, sent], PORT)
        assert emulator_refusal("GET", path, [("host", HOST), SIGNED, sent], PORT)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("POST", "/_ministack/health"),
        ("GET", "/_ministack/ready"),
        ("GET", "/_ministack%2fready"),
        ("GET", "/%5fministack/ready"),
        ("GET", "/%255fministack/ready"),
        ("GET", "/_ministack/sqs/messages"),
        ("GET", "/_ministack/lambda-code/abc"),
        ("PUT", "/_ministack/cfn-response/abc"),
        ("POST", "/_ministack/rds/iam-auth"),
        ("POST", "//_ministack/reset"),
        ("POST", "/./_ministack/reset"),
        ("POST", "/%2f%2e%2f_ministack/reset"),
        ("GET", "/_localstack/health"),
        ("GET", "/_aws/lambda-url/abc/"),
        ("GET", "/_aws/execute-api"),
        ("OPTIONS", "/"),
    ],
)
def test_the_emulators_control_paths_are_refused_even_when_signed(method: str, path: str) -> None:
    assert emulator_refusal(method, path, [("host", HOST), SIGNED], PORT)


@pytest.mark.parametrize("headers", [[], [("authorization", "")], [("authorization", "Bearer x")]])
@pytest.mark.parametrize("path", ["/", "/health", "/oauth2/token", "/restapis/abc/states/_user_request_/execution"])
def test_an_unsigned_call_is_refused(path: str, headers: list[tuple[str, str]]) -> None:
    assert emulator_refusal("POST", path, [("host", HOST), *headers], PORT)


TRAVERSALS = [
    "..",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%25252e%25252e",
    "..%2f..",
    "..%252f..",
    "..%5c..",
    "..\\..",
    "x%5cy",
]


@pytest.mark.parametrize("spelled", TRAVERSALS)
@pytest.mark.parametrize("before", ["/_aws/execute-api/abc/states/", "/_ministack/health/", "/", "/bucket/"])
def test_a_way_up_is_refused_however_it_is_spelled(before: str, spelled: str) -> None:
    assert emulator_refusal("GET", f"{before}{spelled}/_ministack/ready", [("host", HOST), SIGNED], PORT)


def test_websockets_are_dropped_and_a_refusal_reaches_no_service() -> None:
    sent: list[MutableMapping[str, Any]] = []
    reached: list[str] = []

    async def emulator(scope: MutableMapping[str, Any], *_: Any) -> None:
        reached.append(scope["type"])

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the body of a refused request is not read")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    closed = ClosedEmulator(emulator, PORT)
    hosts = [(b"Host", HOST.encode())]
    http = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/"}
    asyncio.run(closed({"type": "websocket", "headers": hosts}, receive, send))
    asyncio.run(closed({**http, "headers": [*hosts, (b"ORIGIN", b"http://evil.example")]}, receive, send))
    assert reached == []
    assert [message["type"] for message in sent] == ["websocket.close", "http.response.start", "http.response.body"]
    assert sent[1]["status"] == 403
    asyncio.run(closed({"type": "lifespan"}, receive, send))
    asyncio.run(closed({**http, "headers": [*hosts, (b"Authorization", SIGNED[1].encode())]}, receive, send))
    assert reached == ["lifespan", "http"]


# ---------------------------------------------------------------- the demo page

OWN = {"Host": HOST}
DEMO = {"X-Demo": "page"}
TAB = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", {"Sec-Fetch-Site": "none", **TAB}),
        ("GET", "/api/state", {"Sec-Fetch-Site": "same-origin"}),
        ("POST", "/api/executions", DEMO),
        ("POST", "/api/executions", {**DEMO, "Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}),
        ("POST", "/slack/api/chat.postMessage", {}),
        ("POST", "/slack/hooks/abc", {}),
        ("GET", "/states/execution", {"Sec-Fetch-Site": "cross-site", **TAB}),
        ("GET", "/states/execution", {"Sec-Fetch-Site": "same-site", **TAB}),
        ("POST", "/states/execution", {}),
        ("POST", "/states/execution", {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin", **TAB}),
        ("POST", "/states/execution", {"Origin": "null", "Sec-Fetch-Site": "same-origin", **TAB}),
    ],
    ids=str,
)
def test_the_page_its_links_and_its_tools_are_answered(method: str, path: str, headers: dict[str, str]) -> None:
    assert page_refusal(method, path, OWN | headers, PORT) is None


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/api/executions", {}),
        ("POST", "/api/slack/click", {}),
        ("DELETE", "/api/state", {}),
        ("POST", "/api/executions", {**DEMO, "Origin": "http://localhost:8080"}),
        ("POST", "/api/executions", {**DEMO, "Origin": "https://127.0.0.1:8080"}),
        ("POST", "/api/executions", {**DEMO, "Origin": "null"}),
        ("POST", "/api/executions", {**DEMO, "Sec-Fetch-Site": "same-site"}),
        ("POST", "/states/execution", {"Origin": "http://evil.example"}),
        ("POST", "/states/execution", {"Origin": "null", "Sec-Fetch-Site": "cross-site", **TAB}),
        ("POST", "/states/execution", {"Origin": "null", "Sec-Fetch-Site": "same-site", **TAB}),
        ("POST", "/states/execution", {"Sec-Fetch-Site": "cross-site", **TAB}),
        ("GET", "/api/state", {"Origin": "http://evil.example"}),
        ("GET", "/api/state", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
        ("GET", "/api/state", {"Sec-Fetch-Site": "cross-site", **TAB}),
        ("GET", "/api/events", {"Sec-Fetch-Site": "same-site"}),
        ("GET", "/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
        ("GET", "/states/execution", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}),
        ("GET", "/static/app.js", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "script"}),
        ("POST", "/slack/api/chat.postMessage", {"Origin": "http://evil.example"}),
        ("POST", "/slack/hooks/abc", {"Sec-Fetch-Site": "cross-site"}),
        ("OPTIONS", "/api/executions", {}),
    ],
    ids=str,
)
def test_the_page_answers_no_other_site_and_changes_nothing_without_its_header(
    method: str, path: str, headers: dict[str, str]
) -> None:
    assert page_refusal(method, path, OWN | headers, PORT)
