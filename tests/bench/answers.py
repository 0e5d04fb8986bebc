"""AWS and Slack as far as a cold start meets them: an HTTP server with ready answers, which counts who was called.

Every call costs the same, so that what differs between two handlers is what they do themselves. The records that it
hands out are made by the product's own code.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SNS = "http://sns.amazonaws.com/doc/2010-03-31/"
_PUBLISHED = (
    f'<PublishResponse xmlns="{_SNS}"><PublishResult><MessageId>m</MessageId></PublishResult>'
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
)
_SUBSCRIBED = (
    f'<ListSubscriptionsByTopicResponse xmlns="{_SNS}"><ListSubscriptionsByTopicResult><Subscriptions><member>'
    "<Endpoint>{email}</Endpoint><Protocol>email</Protocol><SubscriptionArn>arn:of:it</SubscriptionArn>"
    "</member></Subscriptions></ListSubscriptionsByTopicResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>"
)
_READY: dict[str, dict[str, Any]] = {
    "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    "ListExecutions": {"executions": []},
    "SendMessage": {"MessageId": "m"},
}
_POSTED = {
    "ok": True,
    "channel": "C0APPROVALS",
    "ts": "1795424400.000100",
    "message": {"team": "T0APPROVAL"},
    "user": {"id": "U0BOB00002", "name": "bob", "team_id": "T0APPROVAL"},
}


class Answers:
    """The server. `items` are the table's, by id, as DynamoDB writes them; `secret` is Secrets Manager's one secret.

    `email` is the one address that is subscribed.
    """

    def __init__(self, items: Mapping[str, dict[str, Any]], secret: str, email: str) -> None:
        self.calls: Counter[str] = Counter()
        self._items = items
        self._secret = secret
        self._subscribed = _SUBSCRIBED.format(email=email)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def speak_tls(self, certificate: Path, key: Path) -> None:
        """From now on over TLS, as AWS and Slack do: what a client has to do for it is most of a first answer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._items.get(asked.get("Key", {}).get("id", {}).get("S", ""))
        if operation == "GetItem":
            return {"Item": found} if found else {}
        if operation == "BatchGetItem":
            keys = {table: [key["id"]["S"] for key in each["Keys"]] for table, each in asked["RequestItems"].items()}
            there = {table: [self._items[key] for key in ids if key in self._items] for table, ids in keys.items()}
            return {"Responses": there, "UnprocessedKeys": {}}
        if operation == "UpdateItem":
            return {"Attributes": found} if asked.get("ReturnValues") == "ALL_NEW" else {}
        if operation == "GetSecretValue":
            return {"SecretString": self._secret}
        return _READY.get(operation, {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # Head and body in one packet: TCP would hold the second back for 40 ms.

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                target = self.headers.get("X-Amz-Target", "")
                if target:
                    service, _, operation = target.partition(".")
                    answers.calls[f"{service.partition('_')[0]} {operation}"] += 1
                    self._send("application/x-amz-json-1.0", json.dumps(answers._answer(operation, json.loads(body))))
                elif self.path.startswith("/slack/"):
                    answers.calls[f"Slack {self.path.rpartition('/')[2]}"] += 1
                    self._send("application/json", json.dumps(_POSTED))
                elif b"Action=ListSubscriptionsByTopic" in body:
                    answers.calls["SNS ListSubscriptionsByTopic"] += 1
                    self._send("text/xml", answers._subscribed)
                else:
                    answers.calls["SNS Publish"] += 1
                    self._send("text/xml", _PUBLISHED)

            def _send(self, kind: str, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 the base class calls it so
                pass

        return Handler
