"""Requests by the thousand, right ones and wrong ones, always the same: what validators must agree on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any

from approvals.requests.schema import load

RIGHT: Mapping[str | None, list[str]] = {
    "one line of text": [
        "Deploy",
        "Größe",
        "a",
        " \u2764\ufe0f a\n",
        "1\ufe0f\u20e3",
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",
    ],
    "a string that is not empty": ["line 1\nline 2", "a", "\t\u0645\u06cc\u200c\u0634\u0648\u062f"],
    "an http or https URL in ASCII, with a DNS name or an IP address as its host and no user name": [
        *("https://example.com/plan?a=1", "http://x.io", "HTTPS://127.0.0.1:8080", "http://[::1]/#a", "https://a.0xg/"),
        *(
            "https://xn--mnchen-3ya.example:65535/a%20b",
            "http://[1:2:3:4:5:6:1.2.3.4]",
            "http://a_b.io?x",
            "http://0a",
        ),
    ],
    "a name of lower-case letters, digits and -, at most 40 characters": ["security", " on-call-2"],
    "a time of day from 00:00 to 23:59": ["09:00", " 23:59", "00:00"],
    "the name of a time zone, such as Europe/Berlin": ["Europe/Berlin", "UTC ", "America/Argentina/Buenos_Aires"],
    "a name of letters, digits and _": ["Version", "percent", "_1"],
    "an email address or a Slack user ID": ["ann@example.com", "o'neil+x@example.com", "U0CY000003"],
    "an email address, a Slack user ID (U…), a Slack user group ID (S…) or the ARN of an IAM role (arn:…)": [
        *("ann@example.com", "bo@example.com", " U0CY000003", "S0GROUP001"),
    ],
    "the ID of a Slack channel (C…) or user (U…)": ["C0123456789", "U0CY000003 "],
    None: ["", "a", "b 1", "\U0001f642", " "],
}
"""Texts that the patterns take, by the titles of the schema."""

WRONG = [
    *(
        "",
        " ",
        "Bob",
        "#general",
        "@here",
        "ann@example.com,bo@example.com",
        "javascript:alert(1)",
        "ftp://x.io",
        " http://x.io",
    ),
    *("https://ann@evil.example", "https://1.2.3.4.5", "http://[::1", "https://x.io:65536", "https://a b.io"),
    *("https://x.io/<", "http://0x1f", "http://[1::2::3]", "http://-a.io", "//x.io", "https://", "http://1.2.3.04"),
    *("a\nb", "a\u200bb", "\u202e", "\x1b[0m", "u0cy000003", "C0\u200b", "2a", "Ann <ann@example.com>", "a@b.c."),
    *("\u2764\u200d", "1\ufe0f", "\x1cDeploy", "\u0645\u200c", "a" * 76, "a" * 301, "a" * 2001, "a" * 3001),
]
"""Texts that a pattern or a limit refuses somewhere."""

ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 2.0, 51, 101, 525_541, 1e300, [], {}, [[]], [{}], [None], [5] * 2, [1, 1.0]),
    *(["a@example.com"] * 2, [{"Label": "a"}], {"Approve": "off"}, {"Approve": None}, {"Times": 0}, {"Unknown": 1}),
    *("auto", "approve", list(range(1, 12)), ["a"] * 51, [True, 1]),
]
"""Values of every type, where a request has others."""


def generated(count: int) -> Iterator[Any]:
    """Yield so many requests: what the schema allows, with something else in up to three places."""
    random = Random(15)  # noqa: S311 no secret, but the same values in every run
    for _ in range(count):
        value = _fitting(random, load("request.schema.json"))
        for _ in range(random.choice([0, 0, 1, 1, 2, 3])):
            _change(random, value)
        yield value


def as_compared(value: Any) -> object:
    """Return the same object for values that count as duplicates: 1 and 1.0 do."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)


def _fitting(random: Random, schema: Mapping[str, Any]) -> Any:  # noqa: PLR0911 one of many types
    if "anyOf" in schema:
        return _fitting(random, random.choice(schema["anyOf"]))
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "type" not in schema:
        return deepcopy(random.choice(ODD))
    match schema["type"]:
        case "object":
            required = schema.get("required", ())
            keys = [key for key in schema["properties"] if key in required or random.random() < 0.4]
            return {key: _fitting(random, schema["properties"][key]) for key in keys}
        case "array":
            found = [_fitting(random, schema["items"]) for _ in range(random.randint(1, 3))]
            unique = {as_compared(each): each for each in found}
            return list(unique.values()) if schema.get("uniqueItems") else found
        case "integer":
            number = random.choice([schema["minimum"], schema["maximum"], random.randint(1, 9)])
            return random.choice([number, float(number)])
        case "number":
            return random.choice([0, -7, 2.5, 1e15])
        case "boolean":
            return random.choice([True, False])
        case _:
            return random.choice(RIGHT[schema.get("title")])


def _change(random: Random, value: Any) -> None:
    places = _places(value)
    if not places:
        return
    container, key = random.choice(places)
    match random.choice(["replace", "replace", "replace", "remove", "add"]):
        case "replace":
            container[key] = deepcopy(random.choice([*ODD, *WRONG]))
        case "remove":
            del container[key]
        case _ if isinstance(container, dict):
            container[random.choice(["Unknown", "title", "", "Minutes"])] = deepcopy(random.choice(ODD))
        case _:
            container.append(deepcopy(random.choice([container[0], *ODD])))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in a value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in _places(value[key])]
