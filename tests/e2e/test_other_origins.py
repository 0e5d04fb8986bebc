"""Other origins, and names that point to this machine: nothing happens, and nothing is read."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser, Page, Response, expect

from demo import aws
from demo.person import Person, links
from demo.process import WORK
from demo.stack import LocalStack
from demo.story import DEPLOYMENT
from tests.support.chromium import chromium

pytestmark = pytest.mark.browser

SECONDS = 20

ATTACKS = (Path(__file__).parent / "attacks.js").read_text()


class Elsewhere(BaseHTTPRequestHandler):
    """A site of somebody else: an empty page, or one with a link."""

    def do_GET(self) -> None:
        link = self.path.removeprefix("/to/")
        page = "<!doctype html><link rel=icon href='data:,'><body>"
        if link != self.path:
            page += f'<a href="{link}">Approve</a>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def things() -> dict[str, list[str]]:
    """Return everything of the emulator's that an attack would make more of, by its name."""
    session = aws.session()
    machines = session.client("stepfunctions").list_state_machines()["stateMachines"]
    executions = [
        execution["name"]
        for machine in machines
        for execution in session.client("stepfunctions").list_executions(stateMachineArn=machine["stateMachineArn"])[
            "executions"
        ]
    ]
    return {
        "executions": executions,
        "functions": [each["FunctionName"] for each in session.client("lambda").list_functions()["Functions"]],
        "queues": session.client("sqs").list_queues().get("QueueUrls", []),
        "topics": [each["TopicArn"] for each in session.client("sns").list_topics()["Topics"]],
        "buckets": [each["Name"] for each in session.client("s3").list_buckets()["Buckets"]],
    }


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("target", ["localhost", "127.0.0.1"])
def test_a_page_of_another_origin_changes_nothing_and_reads_nothing(
    page: Page, stack: LocalStack, person: Person, aws_port: int, other_port: int, host: str, target: str
) -> None:
    web_port, name = urlsplit(stack.url).port, f"attack-{host[0]}{target[0]}"
    homes = person.state()["slack"]["homes"]
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 a builtin takes no mark of Playwright
    page.goto(f"http://{host}:{other_port}/")
    read = page.evaluate(
        ATTACKS,
        {
            "page": f"http://{target}:{web_port}",
            "aws": f"http://{target}:{aws_port}",
            "name": name,
            "machine": stack.outputs["StateMachineHumanApprovalArn"],
        },
    )
    assert read == []
    assert "Human approval" not in "".join(frame.content() for frame in page.frames[1:] if not frame.is_detached())
    attacked = [answer for answer in answers if urlsplit(answer.url).port in (web_port, aws_port)]
    assert len(attacked) >= 30
    assert {answer.status for answer in attacked} == {403}
    found = things()
    assert found["functions"], "nothing was wiped"
    assert [each for made in found.values() for each in made if name in each] == []
    state = person.state()
    assert [seen for seen in state["executions"] if name in seen["name"]] == []
    assert [seen for seen in state["slack"]["messages"] if seen["text"] == name] == []
    assert state["slack"]["homes"].keys() == homes.keys()


def test_a_link_on_another_site_opens_the_approval_page_and_its_form_counts(
    page: Page, person: Person, other_port: int
) -> None:
    """As a mail read in a browser does."""
    name = person.start("linked-from-elsewhere", DEPLOYMENT)
    page.goto(f"http://localhost:{other_port}/to/{links(person.mail(name))['approve']}")
    page.get_by_role("link", name="Approve").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_have_text("Approved")
    assert person.ended(name)["output"]["Approval"]["Result"]["Decision"] == "APPROVED"


# ---------------------------------------------------------------- DNS rebinding: evil.example is 127.0.0.1


def sent(
    port: int, method: str, path: str, host: str | None, headers: dict[str, str], body: str = ""
) -> tuple[int, str]:
    """Return the status and the text that a request gets whose `Host` is chosen freely."""
    lines = [f"{method} {path} HTTP/1.1", *([f"Host: {host}"] if host is not None else [])]
    lines += [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", body]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("host", ["evil.example:{}", "evil.example", "127.0.0.1", "127.0.0.1:{}.evil.example", None])
def test_a_name_that_points_to_this_machine_changes_nothing_and_reads_nothing(
    stack: LocalStack, person: Person, aws_port: int, host: str | None
) -> None:
    """The browser holds such a page for same-origin: it may send any header, and read the answer."""
    web_port = urlsplit(stack.url).port
    assert web_port
    machine = stack.outputs["StateMachineHumanApprovalArn"]
    page_headers = {"X-Demo": "page", "Content-Type": "application/json"}
    call = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={aws.KEY}/20261123/us-east-1/states/aws4_request, "
        "SignedHeaders=host, Signature=00",
        "X-Amz-Target": "AWSStepFunctions.StartExecution",
        "Content-Type": "application/x-amz-json-1.0",
    }
    start = json.dumps({"stateMachineArn": machine, "name": "rebound-aws", "input": "{}"})
    attacks: list[tuple[int, str, str, dict[str, str], str]] = [
        (web_port, "GET", "/", {}, ""),
        (web_port, "GET", "/api/state", {}, ""),
        (web_port, "POST", "/api/executions", page_headers, '{"name": "rebound", "input": {}}'),
        (web_port, "GET", f"http://evil.example:{web_port}/api/state", {}, ""),
        (aws_port, "POST", "/", call, start),
        (aws_port, "POST", "/_ministack/reset", {}, ""),
        (aws_port, "GET", "/_ministack/health", {}, ""),
    ]
    for port, method, path, headers, body in attacks:
        status, text = sent(port, method, path, host.format(port) if host is not None else None, headers, body)
        assert status in (400, 403), (method, path, text)
        assert "executions" not in text
    assert not {"rebound", "rebound-aws"} & set(things()["executions"])
    assert not [seen for seen in person.state()["executions"] if seen["name"].startswith("rebound")]


@pytest.mark.parametrize("way", ["..%2f", "%2e%2e%2f", "%2e%2e/", "../", "..%252f", "%252e%252e%252f", "..%5c", "..\\"])
def test_no_way_leads_up_from_the_stacks_api(stack: LocalStack, aws_port: int, way: str) -> None:
    web_port = urlsplit(stack.url).port
    assert web_port
    for path in (
        f"/states/{way * 4}_ministack/health",
        f"/states/execution/{way * 5}_ministack/health",
        f"/states/{way}",
    ):
        status, text = sent(web_port, "GET", path, f"127.0.0.1:{web_port}", {})
        assert (status, "services" in text) == (404, False), path
    api = urlsplit(stack.api_url).path
    status, text = sent(aws_port, "GET", f"{api}/{way * 4}_ministack/health", f"127.0.0.1:{aws_port}", {})
    assert (status, "services" in text) == (403, False)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE", "X"])
def test_no_key_but_the_runs_own_opens_the_emulator(aws_port: int, stack: LocalStack, key: str) -> None:
    client = boto3.Session(key, "any", region_name=aws.REGION)
    calls: list[Any] = [
        client.client("stepfunctions").list_state_machines,
        client.client("lambda").list_functions,
        client.client("dynamodb").list_tables,
        client.client("sqs").list_queues,
        client.client("s3").list_buckets,
        client.client("sts").get_caller_identity,
        client.client("cloudformation").list_stacks,
        client.client("secretsmanager").list_secrets,
    ]
    for call in calls:
        with pytest.raises(ClientError):
            call()


def test_only_the_owner_can_read_the_runs_key(aws_port: int) -> None:
    file = WORK / f"credentials-{aws_port}"
    assert file.stat().st_mode & 0o777 == 0o600
    assert aws.KEY in file.read_text()
