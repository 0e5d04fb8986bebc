"""The web page: its data, its two actions, the way to the stack's API, and the Slack stand-in's Web API."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import urllib3
from botocore.exceptions import ClientError
from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from demo.process import check_port
from demo.request_filter import STACK_PATHS, page_refusal
from demo.slack import MEMBERS, SlackError

if TYPE_CHECKING:
    from demo.stack import LocalStack

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "server", "date"}


_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")


class _QuietRequests(WSGIRequestHandler):
    """Links carry a signature: no access log."""

    def log(self, *_arguments: object) -> None:
        """Logs nothing."""


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
        """Stops serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def create_app(stack: LocalStack, port: int) -> Flask:
    """The page's routes."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # an output is shown as the workflow has it
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # Redirects go back to the browser: they are part of what is shown.
    http = urllib3.PoolManager(retries=False)
    _close(app, port)
    _serve_page(app, stack)
    _serve_executions(app, stack)
    _serve_clicks(app, stack, http)
    _serve_home_and_command(app, stack, http)
    _serve_slack(app, stack)
    _serve_stack(app, stack, http)
    return app


def _close(app: Flask, port: int) -> None:
    @app.before_request
    def refuse() -> tuple[str, int] | None:
        if reason := page_refusal(request.method, request.path, dict(request.headers), port):
            return f"Refused: {reason}.\n", 403
        return None


def _serve_page(app: Flask, stack: LocalStack) -> None:
    @app.get("/")
    def index() -> Response:
        page = app.send_static_file("index.html")
        page.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
        return page

    @app.get("/favicon.ico")
    def favicon() -> tuple[str, int]:
        return "", 204

    @app.get("/api/state")
    def state() -> Response:
        return jsonify(_state(stack))

    @app.get("/api/events")
    def events() -> Response:
        def stream() -> Iterator[str]:
            seen = -1
            while not stack.stopping:
                seen = stack.wait_for_change(seen)
                yield f"data: {json.dumps(_state(stack))}\n\n"

        return Response(stream(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})


def _serve_executions(app: Flask, stack: LocalStack) -> None:
    @app.post("/api/executions")
    def start() -> tuple[Response, int]:
        asked = request.get_json(force=True, silent=True)
        if not isinstance(asked, dict) or "input" not in asked:
            return jsonify(error='expected {"name": ..., "input": ...}'), 400
        name = asked.get("name") or None
        if name and not _NAME.fullmatch(str(name)):
            # The emulator takes any.
            return jsonify(
                error="Invalid name: 1 to 80 letters, digits and . _ - make one that AWS takes everywhere"
            ), 400
        try:
            arn = stack.executions.start(name, json.dumps(asked["input"]))
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
                return jsonify(error=f"There is an execution called {name} already"), 409
            return jsonify(error=error.response["Error"]["Message"]), 400
        return jsonify(name=arn.rsplit(":", 1)[-1], arn=arn), 201


def _serve_clicks(app: Flask, stack: LocalStack, http: urllib3.PoolManager) -> None:
    @app.post("/api/slack/click")
    def click() -> tuple[Response, int]:
        return _passed_on(
            stack,
            http,
            lambda asked: stack.slack.click(
                str(asked["ts"]), str(asked["action_id"]), str(asked["user_id"]), asked.get("option")
            ),
        )

    @app.post("/api/slack/submit")
    def submit() -> tuple[Response, int]:
        asked = request.get_json(force=True, silent=True) or {}
        try:
            view_id, values = str(asked["view_id"]), dict(asked["values"])
            answer = _send(stack, http, stack.slack.submit(view_id, values, checked=False))
            if answer.status != HTTPStatus.OK:
                return jsonify(error=f"the stack answered {answer.status}"), 502
            return jsonify(errors=dict(stack.slack.answered(view_id, answer.data.decode()))), 200
        except SlackError as error:
            return jsonify(error=str(error)), 409
        except (KeyError, TypeError, ValueError) as missing:
            return jsonify(error=f"unknown or missing: {missing}"), 400

    @app.post("/api/slack/close")
    def close() -> tuple[Response, int]:
        asked = request.get_json(force=True, silent=True) or {}
        stack.slack.close(str(asked.get("view_id")))
        return jsonify(), 200


def _serve_home_and_command(app: Flask, stack: LocalStack, http: urllib3.PoolManager) -> None:
    @app.post("/api/slack/home")
    def home() -> tuple[Response, int]:
        return _passed_on(stack, http, lambda asked: stack.slack.open_home(str(asked["user_id"])))

    @app.post("/api/slack/home/click")
    def click_home() -> tuple[Response, int]:
        return _passed_on(
            stack,
            http,
            lambda asked: stack.slack.click_home(str(asked["user_id"]), str(asked["action_id"]), str(asked["value"])),
        )

    @app.post("/api/slack/command")
    def command() -> tuple[Response, int]:
        return _passed_on(
            stack,
            http,
            lambda asked: stack.slack.command(str(asked["user_id"]), str(asked["text"]), str(asked.get("channel", ""))),
        )

    @app.post("/slack/hooks/<token>")
    def hook(token: str) -> tuple[str, int]:
        if stack.slack.fail_with:
            return "", stack.slack.fail_with
        status, said = stack.slack.respond(token, request.get_json(force=True, silent=True) or {})
        return said, status


def _passed_on(
    stack: LocalStack, http: urllib3.PoolManager, sign: Callable[[Mapping[str, Any]], tuple[bytes, dict[str, str]]]
) -> tuple[Response, int]:
    """Sends the stack what Slack would send it, about what the page asked for."""
    asked = request.get_json(force=True, silent=True) or {}
    try:
        signed = sign(asked)
    except SlackError as error:
        return jsonify(error=str(error)), 409
    except KeyError as missing:
        return jsonify(error=f"unknown or missing: {missing}"), 400
    answer = _send(stack, http, signed)
    if answer.status != HTTPStatus.OK:
        return jsonify(error=f"the stack answered {answer.status}"), 502
    return jsonify(status=answer.status), 200


def _send(
    stack: LocalStack, http: urllib3.PoolManager, signed: tuple[bytes, dict[str, str]]
) -> urllib3.BaseHTTPResponse:
    body, headers = signed
    return http.request("POST", f"{stack.api_url}/slack/events", body=body, headers=headers)


def _serve_slack(app: Flask, stack: LocalStack) -> None:
    @app.post("/slack/api/<method>")
    def slack_api(method: str) -> tuple[Response, int]:
        if stack.slack.fail_with:
            stack.slack.failures += 1
            limited = stack.slack.fail_with == HTTPStatus.TOO_MANY_REQUESTS
            answer = jsonify(ok=False, error="ratelimited" if limited else "internal_error")
            answer.headers["Retry-After"] = "5"
            return answer, stack.slack.fail_with
        parameters = request.get_json(silent=True) if request.is_json else request.form.to_dict()
        answer = jsonify(stack.slack.call(method, request.headers.get("Authorization", ""), parameters or {}))
        answer.headers["X-OAuth-Scopes"] = ",".join(sorted({"chat:write", *stack.slack.scopes}))
        return answer, 200


def _serve_stack(app: Flask, stack: LocalStack, http: urllib3.PoolManager) -> None:
    @app.route("/states/<path:path>", methods=["GET", "POST"])
    def to_stack(path: str) -> Response:
        """The stack's API under the address in its links, as a custom domain would serve it."""
        if path not in STACK_PATHS:
            return Response("Not found.\n", 404)
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        headers = {name: value for name, value in request.headers if not _of_the_browser(name.lower())}
        answer = http.request(
            request.method, f"{stack.api_url}/{path}{query}", body=request.get_data(), headers=headers, redirect=False
        )
        kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
        return Response(answer.data, answer.status, kept)


def _of_the_browser(name: str) -> bool:
    """Return True for a header about the demo page's own origin, which was judged here: the emulator takes none."""
    return name in {"host", "content-length", "origin"} or name.startswith("sec-fetch-")


def _state(stack: LocalStack) -> dict[str, object]:
    seen = stack.seen
    return {
        "email": stack.email,
        "users": [{"id": user, "name": name} for user, name in MEMBERS.items()],
        "executions": [asdict(execution) for execution in seen.executions],
        "inbox": [asdict(mail) for mail in reversed(seen.mails)],
        "slack": {
            "channel": "approvals" if stack.slack.channel else "",
            "messages": [asdict(message) for message in seen.messages],
            "channel_id": stack.slack.channel,
            "homes": seen.homes,
            "modals": [{"id": each.id, "user_id": each.user_id, "view": each.view} for each in seen.modals],
        },
    }
