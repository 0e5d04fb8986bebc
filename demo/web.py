"""The web page: its data and actions, the way to the stack's API, and the fake Slack's Web API."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3
from botocore.exceptions import ClientError
from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from demo import aws
from demo.process import check_port
from demo.request_filter import STACK_PATHS, page_refusal
from demo.slack import MEMBERS, Slack, SlackError, escape_mentions

if TYPE_CHECKING:
    from demo.stack import LocalStack

Reply = tuple[Response, int]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")
_CONSOLE = b"https://console.aws.amazon.com/states/home"
"""Where links to an execution lead on AWS. The demo page shows the execution that stands behind the `#`."""

_INTERVAL = 0.1

_SLACK_ACTIONS: Mapping[str, Callable[[Slack, Mapping[str, Any]], tuple[bytes, dict[str, str]]]] = {
    "click": lambda slack, asked: slack.click(asked["ts"], asked["action_id"], asked["user_id"], asked.get("option")),
    "submit": lambda slack, asked: slack.submit(asked["view_id"], asked["values"], checked=False),
    "home": lambda slack, asked: slack.open_home(asked["user_id"]),
    "home/click": lambda slack, asked: slack.click_home(asked["user_id"], asked["action_id"], asked["value"]),
    "command": lambda slack, asked: slack.command(
        asked["user_id"], escape_mentions(asked["text"]), asked.get("channel", "")
    ),
}
"""What users do in Slack, by the page's path. Each gives the signed request that Slack sends the stack."""


class _QuietRequests(WSGIRequestHandler):
    """Links carry a signature: no access log."""

    def log(self, *_arguments: object) -> None:
        """Log nothing."""


class Web:
    """Serves one stack's page on 127.0.0.1 from a thread of its own."""

    def __init__(self, stack: LocalStack, port: int) -> None:
        check_port(port, "DEMO_PORT")
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, create_app(stack, port), threaded=True, request_handler=_QuietRequests
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def create_app(stack: LocalStack, port: int) -> Flask:
    """Return the application with the page's routes."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # An output is shown as the workflow has it.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Redirects go back to the browser: the demo shows them.
    http = urllib3.PoolManager(retries=False)

    @app.before_request
    def refuse() -> tuple[str, int] | None:
        reason = page_refusal(request.method, request.path, dict(request.headers), port)
        return (f"Refused: {reason}.\n", HTTPStatus.FORBIDDEN) if reason else None

    _serve_page(app, stack)
    _serve_executions(app, stack)
    _serve_spends(app, stack)
    _serve_slack_actions(app, stack, http)
    _serve_slack_api(app, stack)
    _serve_stack(app, stack, http)
    return app


def _serve_page(app: Flask, stack: LocalStack) -> None:
    @app.get("/")
    def index() -> Response:
        page = app.send_static_file("index.html")
        page.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
        return page

    @app.get("/favicon.ico")
    def favicon() -> tuple[str, int]:
        return "", HTTPStatus.NO_CONTENT

    @app.get("/api/state")
    def state() -> Response:
        return jsonify(_state(stack))

    @app.get("/api/events")
    def events() -> Response:
        def stream() -> Iterator[str]:
            shown = None
            while not stack.stopped.wait(_INTERVAL):
                if stack.seen is not shown:
                    shown = stack.seen
                    yield f"data: {json.dumps(_state(stack))}\n\n"

        return Response(stream(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})


def _serve_executions(app: Flask, stack: LocalStack) -> None:
    @app.post("/api/executions")
    def start() -> Reply:
        asked = request.get_json(force=True, silent=True)
        if not isinstance(asked, dict) or "input" not in asked:
            return _error('expected {"name": ..., "input": ...}', HTTPStatus.BAD_REQUEST)
        name = asked.get("name") or None
        if name and not _NAME.fullmatch(str(name)):
            # The emulator takes any.
            return _error("Invalid name. Use 1 to 80 letters, digits and . _ -", HTTPStatus.BAD_REQUEST)
        try:
            arn = stack.executions.start(name, json.dumps(asked["input"]))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return _error(f"An execution named {name} already exists. Choose another name.", HTTPStatus.CONFLICT)
            return _error(error.response["Error"]["Message"], HTTPStatus.BAD_REQUEST)
        return jsonify(name=arn.rsplit(":", 1)[-1], arn=arn), HTTPStatus.CREATED


def _serve_spends(app: Flask, stack: LocalStack) -> None:
    @app.post("/api/spend")
    def spend() -> Reply:
        """Spend a grant, as the program that executes the action does. Each call is another attempt to execute."""
        asked = _asked()
        attempt = {"Key": secrets.token_hex(), "SpentBy": "the demo page"}
        answer = (
            aws.session()
            .client("lambda", config=aws.CONFIG)
            .invoke(
                FunctionName=stack.outputs["SpendFunctionArn"],
                Payload=json.dumps({"GrantId": asked.get("grant_id"), "Action": asked.get("action"), **attempt}),
            )
        )
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return _error(f"{told['errorType']}: {told['errorMessage']}", HTTPStatus.CONFLICT)
        return jsonify(told), HTTPStatus.OK


def _serve_slack_actions(app: Flask, stack: LocalStack, http: urllib3.PoolManager) -> None:
    @app.post("/api/slack/close")
    def close() -> Reply:
        stack.slack.close(str(_asked().get("view_id")))
        return jsonify(), HTTPStatus.OK

    @app.post("/api/slack/<path:action>")
    def act(action: str) -> Reply:
        asked = _asked()
        try:
            body, headers = _SLACK_ACTIONS[action](stack.slack, asked)
            answer = http.request("POST", f"{stack.api_url}/slack/events", body=body, headers=headers)
            if answer.status != HTTPStatus.OK:
                return _error(f"The stack returned HTTP {answer.status}.", HTTPStatus.BAD_GATEWAY)
            wrong = stack.slack.answered(asked["view_id"], answer.data.decode()) if action == "submit" else {}
        except SlackError as error:
            return _error(str(error), HTTPStatus.CONFLICT)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            return _error(f"Unknown or missing: {error}.", HTTPStatus.BAD_REQUEST)
        return jsonify(errors=dict(wrong)), HTTPStatus.OK


def _serve_slack_api(app: Flask, stack: LocalStack) -> None:
    @app.post("/slack/api/<method>")
    def slack_api(method: str) -> Reply:
        if stack.slack.fail_with:
            stack.slack.failures += 1
            limited = stack.slack.fail_with == HTTPStatus.TOO_MANY_REQUESTS
            answer, status = _error("ratelimited" if limited else "internal_error", stack.slack.fail_with)
            answer.headers["Retry-After"] = "5"
            return answer, status
        parameters = _asked() if request.is_json else request.form.to_dict()
        answer = jsonify(stack.slack.call(method, request.headers.get("Authorization", ""), parameters))
        answer.headers["X-OAuth-Scopes"] = ",".join(sorted(stack.slack.scopes))
        return answer, HTTPStatus.OK

    @app.post("/slack/hooks/<token>")
    def hook(token: str) -> tuple[str, int]:
        if stack.slack.fail_with:
            return "", stack.slack.fail_with
        status, text = stack.slack.respond(token, _asked())
        return text, status


def _serve_stack(app: Flask, stack: LocalStack, http: urllib3.PoolManager) -> None:
    @app.route("/states/<path:path>", methods=["GET", "POST"])
    def to_stack(path: str) -> Response:
        """Serve the stack's API under the address in its links, as a custom domain would."""
        if path not in STACK_PATHS:
            return Response("Not found.\n", HTTPStatus.NOT_FOUND)
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        headers = {name: value for name, value in request.headers if not _is_about_this_origin(name.lower())}
        answer = http.request(
            request.method, f"{stack.api_url}/{path}{query}", body=request.get_data(), headers=headers, redirect=False
        )
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
        return Response(answer.data.replace(_CONSOLE, b"/"), answer.status, kept)


def _is_about_this_origin(name: str) -> bool:
    """Return True for a header about the demo page's own origin, which was judged here: the emulator takes none."""
    return name in {"host", "content-length", "origin"} or name.startswith("sec-fetch-")


def _asked() -> dict[str, Any]:
    asked = request.get_json(force=True, silent=True)
    return asked if isinstance(asked, dict) else {}


def _error(text: str, status: int) -> Reply:
    return jsonify(ok=False, error=text), status


def _state(stack: LocalStack) -> dict[str, object]:
    seen = stack.seen
    return {
        "email": stack.email,
        "policy": bool(stack.parameters.get("PolicyParameter")),
        "approvals": stack.command,
        "users": [{"id": user, "name": name} for user, name in MEMBERS.items()],
        "executions": [asdict(execution) for execution in seen.executions],
        "inbox": [asdict(mail) for mail in reversed(seen.mails)],
        "slack": {
            "channel_id": stack.slack.channel,
            "messages": [asdict(message) for message in seen.messages],
            "homes": seen.homes,
            "modals": [{"id": each.id, "user_id": each.user_id, "view": each.view} for each in seen.modals],
        },
    }
