"""HTTP as API Gateway speaks it (REST API, payload version 1.0): the fields that a browser sends, and responses.

Responses are plain proxy responses. API Gateway has already routed by path and method, and the base path of a custom
domain would confuse a router in the function.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from web.html import HEADERS

ApiResponse = dict[str, Any]

MAX_FORM = 800 * 1024
"""Characters of a form's body. A link, a comment and 20 fields need less. Longer bodies are not parsed."""

MAX_FIELDS = 40
"""Fields in a form's body: a link has 6, a request's form at most 20, and a page adds 3."""

UNUSABLE = "This link doesn't work"
NOT_RECORDED = "Nothing was recorded"
COPY_WHOLE = "Open the link from the email or from Slack again, or copy the complete link."


class PageError(Exception):
    """The request gets an error page: its status, a sentence for the person who sent it, and a heading."""

    def __init__(self, status: HTTPStatus, sentence: str, heading: str = UNUSABLE) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.heading = heading


def sent_fields(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a form's body, or of a link's query. Raise `PageError`."""
    try:
        query = event.get("queryStringParameters") or {}
        fields = _form_fields(event) if event["httpMethod"] == "POST" else dict(query)
        "".join(fields.values()).encode()
    except ValueError:  # Not base64, not UTF-8, half of a surrogate pair, or more fields than any page has.
        raise PageError(HTTPStatus.BAD_REQUEST, f"The link has characters that can't be read. {COPY_WHOLE}") from None
    return fields


def page(status: HTTPStatus, html: str) -> ApiResponse:
    """Return a page."""
    return {"statusCode": status.value, "headers": HEADERS, "body": html}


def redirect(status: HTTPStatus, location: str) -> ApiResponse:
    """Return a redirect."""
    return {"statusCode": status.value, "headers": {**HEADERS, "Location": location}, "body": ""}


def _form_fields(event: Mapping[str, Any]) -> dict[str, str]:
    body = event.get("body") or ""
    if len(body) > MAX_FORM:
        sentence = "Your response is too long. Go back and shorten it."
        raise PageError(HTTPStatus.BAD_REQUEST, sentence, NOT_RECORDED)
    raw = b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
