"""Draw the picture in docs/architecture.md from the imports: `python -m scripts.draw_architecture`.

A test fails while the picture is not what this would draw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[1] / "docs/architecture.md"
PACKAGES = ("approvals", "handlers", "bot", "cli", "local")

PARTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "local": ("the one-machine run", ("local",)),
    "cli": ("the command line", ("cli",)),
    "pages": (
        "behind the links in mails",
        (
            "handlers.callback",
            "handlers.pages",
            "handlers.shown",
            "handlers.html",
            "handlers.inputs",
            "handlers.page_state",
        ),
    ),
    "slack": ("the Slack app, on Bolt", ("bot.app", "bot.guard", "bot.listeners")),
    "backend": ("called by Step Functions, the stream, queues, the clock", ("handlers",)),
    "messages": ("Slack messages, without Bolt", ("bot",)),
    "table": (
        "reads and writes the records",
        (
            "approvals.table", "approvals.records", "approvals.attributes", "approvals.earlier", "approvals.listing",
            "approvals.reading", "approvals.record_size", "approvals.rate_limit", "approvals.replies",
            "approvals.task_tokens",
        ),
    ),
    "services": (
        "SNS, Step Functions, EventBridge",
        (
            "approvals.mail", "approvals.mail_messages", "approvals.mail_digest", "approvals.mail_subjects",
            "approvals.workflow", "approvals.events", "approvals.clients",
        ),
    ),
    "words": (
        "what people and workflows are told",
        (
            "approvals.present", "approvals.wording", "approvals.mail_text", "approvals.history", "approvals.markup",
            "approvals.links", "approvals.result", "approvals.viewer", "approvals.inquiry", "approvals.references",
            "approvals.summary", "approvals.omissions",
        ),
    ),
    "rules": (
        "what may be asked, who may answer, what decides",
        (
            "approvals.rules", "approvals.respond", "approvals.people", "approvals.identify", "approvals.form",
            "approvals.request", "approvals.request_json", "approvals.schema", "approvals.judgement",
        ),
    ),
    "work": ("steps that are done once; settings", ("approvals.steps", "approvals.settings", "approvals.failures")),
    "model": (
        "what an approval is",
        (
            "approvals.model", "approvals.characters", "approvals.addresses", "approvals.nesting",
            "approvals.email_address",
        ),
    ),
}  # fmt: skip
"""Each part: what it is, and its modules, with all below them. Of two that fit, the longer name counts."""

Arrows = Mapping[str, AbstractSet[str]]


class Misplaced(Exception):  # noqa: N818
    """A module is in no part of the picture, or parts import each other in a circle."""


def part_of(module: str) -> str:
    """The part that a module is in. Raises `Misplaced`."""
    fits = [(name, part) for part, (_, names) in PARTS.items() for name in names if f"{module}.".startswith(f"{name}.")]
    if not fits:
        raise Misplaced(f"{module} is in no part of PARTS in scripts/draw_architecture.py")
    return max(fits)[1]


def arrows() -> Arrows:
    """Which parts each part imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = {part: set() for part in PARTS}
    for module in graph.modules - set(PACKAGES):
        for imported in graph.find_modules_directly_imported_by(module) - set(PACKAGES):
            found[part_of(module)].add(part_of(imported))
    return {part: others - {part} for part, others in found.items()}


def drawn(found: Arrows) -> Arrows:
    """The arrows without those that a way over other parts says already. Raises `Misplaced` on a circle."""
    reached = {part: _reached(found, part) for part in found}
    circle = [part for part in found if part in reached[part]]
    if circle:
        raise Misplaced(f"these import each other in a circle: {', '.join(circle)}")
    return {
        part: {other for other in others if not any(other in reached[between] for between in others)}
        for part, others in found.items()
    }


def _reached(found: Arrows, start: str) -> set[str]:
    reached: set[str] = set()
    ahead = set(found[start])
    while ahead:
        part = ahead.pop()
        if part not in reached:
            reached.add(part)
            ahead |= found[part]
    return reached


def picture() -> str:
    """The picture as Mermaid text."""
    return "\n".join(["flowchart TD", *(f"  {line}" for line in _lines(drawn(arrows())))]) + "\n"


def _lines(found: Arrows) -> Iterator[str]:
    for part, (what, names) in PARTS.items():
        modules = "<br/>".join(_rows([name.removeprefix("approvals.") for name in names]))
        yield f'{part}["<b>{what}</b><br/>{modules}"]'
    for part, others in found.items():
        yield from (f"{part} --> {other}" for other in PARTS if other in others)


def _rows(names: list[str], most: int = 34) -> Iterator[str]:
    """The names, comma-separated, in rows of some characters."""
    row = ""
    for name in names:
        if row and len(row) + len(name) > most:
            yield f"{row},"
            row = ""
        row = f"{row}, {name}" if row else name
    yield row


def page(text: str) -> str:
    """The page with the picture as it should be."""
    return re.sub(r"(?<=```mermaid\n).*?(?=```)", lambda _: picture(), text, count=1, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
