"""The part of CloudWatch Logs Insights that docs/operate.md uses, over lines in memory.

Fields are found as Insights finds them: nested names with dots, list elements by their number.
Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

Value = str | float | None
Event = dict[str, Value]
Get = Callable[[Event], Value]
Test = Callable[[Event], bool]
Aggregate = Callable[[Sequence[Event]], Value]

_DOCS = Path(__file__).parents[2] / "docs/operate.md"
_TOKEN = re.compile(r'\s*("[^"]*"|/(?:[^/\\]|\\.)+/|@?[A-Za-z_][\w.]*|\d+[a-z]?|!=|[=(),*\[\]])')


def queries() -> dict[str, str]:
    """Return the queries of docs/operate.md by the questions that they answer."""
    return dict(re.findall(r"^### ([^\n]+\?)\n\n```\n(.*?)```", _DOCS.read_text(), re.MULTILINE | re.DOTALL))


def events(lines: Iterable[str], start: datetime) -> list[Event]:
    """Return log lines as Insights sees them, a second apart."""
    return [
        {**_discovered(line), "@message": line, "@timestamp": (start + timedelta(seconds=number)).timestamp()}
        for number, line in enumerate(lines)
    ]


def run(query: str, rows: Sequence[Event]) -> list[Event]:
    """Return what a query finds. Raise `ValueError` if it has anything that is not known here."""
    found, shown = [*rows], None
    for line in query.strip().split("\n| "):
        command = _Command(line)
        match command.take():
            case "fields":
                columns = command.columns()
                found = [{**row, **{name: get(row) for name, get in columns}} for row in found]
                shown = [name for name, _ in columns]
            case "filter":
                is_wanted = command.condition()
                found = [row for row in found if is_wanted(row)]
            case "sort":
                name, descending = command.take(), command.take() == "desc"
                found = sorted(found, key=lambda row: _ordered(row.get(name)), reverse=descending)
            case "limit":
                found = found[: int(command.take())]
            case "stats":
                found, shown = command.stats(found), None
            case other:
                raise ValueError(f"unknown command: {other}")
        command.end()
    return [{name: row.get(name) for name in shown} for row in found] if shown else found


def _ordered(value: Value) -> tuple[int, float, str]:
    """Return a key that puts missing values first, then numbers, then texts."""
    if value is None:
        return 0, 0, ""
    return (2, 0, value) if isinstance(value, str) else (1, value, "")


def _discovered(line: str) -> Event:
    try:
        content = json.loads(line)
    except ValueError:
        return {}  # A line of Lambda's own.
    return dict(_flat("", content))


def _flat(path: str, node: object) -> Iterator[tuple[str, Value]]:
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _flat(f"{path}.{key}" if path else str(key), value)
    elif isinstance(node, str | int | float):
        yield path, node


class _Command:
    """One line of a query, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        while place < len(text.rstrip()):
            token = _TOKEN.match(text, place)
            if token is None:
                raise ValueError(f"can't be read: {text[place:]}")
            self._tokens.append(token[1])
            place = token.end()

    def take(self, *expected: str) -> str:
        token = self._tokens.pop(0)
        if expected and token not in expected:
            raise ValueError(f"{token} in the place of {' or '.join(expected)}")
        return token

    def goes_on(self, *tokens: str) -> bool:
        """Take the next token if it is one of these."""
        found = bool(self._tokens) and self._tokens[0] in tokens
        return found and bool(self.take())

    def end(self) -> None:
        if self._tokens:
            raise ValueError(f"not read: {' '.join(self._tokens)}")

    def condition(self) -> Test:
        tests = [self._all()]
        while self.goes_on("or"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self.goes_on("and"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self.goes_on("("):
            test = self.condition()
            self.take(")")
            return test
        name = self.take()
        if name == "ispresent":
            self.take("(")
            field = self.take()
            self.take(")")
            return lambda row: row.get(field) is not None
        match self.take("=", "!=", "in", "like"):
            case "=":
                wanted = self.take().strip('"')
                return lambda row: row.get(name) == wanted
            case "!=":
                unwanted = self.take().strip('"')
                return lambda row: row.get(name) != unwanted
            case "like":
                pattern = re.compile(self.take().strip("/"))
                return lambda row: bool(pattern.search(str(row.get(name) or "")))
        self.take("[")
        listed = [self.take().strip('"')]
        while self.goes_on(","):
            listed.append(self.take().strip('"'))
        self.take("]")
        return lambda row: row.get(name) in listed

    def columns(self) -> list[tuple[str, Get]]:
        found = [self._column()]
        while self.goes_on(","):
            found.append(self._column())
        return found

    def _column(self) -> tuple[str, Get]:
        name = self.take()
        get: Get = lambda row: row.get(name)  # noqa: E731
        if name in ("coalesce", "bin"):
            arguments = self._arguments()
            name = f"{name}({', '.join(arguments)})"
            get = _coalesce(arguments) if name.startswith("coalesce") else _day(arguments)
        return (self.take() if self.goes_on("as") else name), get

    def _arguments(self) -> list[str]:
        self.take("(")
        found = [self.take()]
        while self.goes_on(","):
            found.append(self.take())
        self.take(")")
        return found

    def stats(self, rows: Sequence[Event]) -> list[Event]:
        aggregates: list[tuple[str, Aggregate]] = []
        while not aggregates or self.goes_on(","):
            aggregate = _aggregate(self.take(), self._arguments())
            self.take("as")
            aggregates.append((self.take(), aggregate))
        keys = self.columns() if self.goes_on("by") else []
        groups: dict[tuple[Value, ...], list[Event]] = {}
        for row in rows:
            groups.setdefault(tuple(get(row) for _, get in keys), []).append(row)
        return [
            dict(zip((name for name, _ in keys), values, strict=True))
            | {name: aggregate(group) for name, aggregate in aggregates}
            for values, group in groups.items()
        ]


def _coalesce(names: Sequence[str]) -> Get:
    return lambda row: next((row[name] for name in names if row.get(name) is not None), None)


def _day(arguments: Sequence[str]) -> Get:
    if arguments != ["1d"]:
        raise ValueError(f"unknown period: {arguments}")
    return lambda row: float(row["@timestamp"] or 0) // 86400 * 86400


def _aggregate(name: str, arguments: Sequence[str]) -> Aggregate:
    field = arguments[0]

    def values(rows: Sequence[Event]) -> list[float | str]:
        return [value for row in rows if (value := row.get(field)) is not None]

    def numbers(rows: Sequence[Event]) -> list[float]:
        return sorted(float(value) for value in values(rows))

    match name:
        case "count":
            return len if field == "*" else (lambda rows: len(values(rows)))
        case "count_distinct":
            return lambda rows: len(set(values(rows)))
        case "max":
            return lambda rows: max(numbers(rows))
        case "pct":
            return lambda rows: numbers(rows)[math.ceil(len(rows) * int(arguments[1]) / 100) - 1]
    raise ValueError(f"unknown function: {name}")
