"""Write docs/request.md, the reference of the request, from its JSON Schema: `python -m scripts.request_reference`.

A test fails if the page is out of date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from approvals.requests.schema import load

Schema = Mapping[str, Any]

PAGE = Path(__file__).parents[1] / "docs/request.md"

INTRODUCTION = """\
# The request

<!-- Written by `python -m scripts.request_reference` from approvals/requests/request.schema.json: change that. -->

What a workflow author puts under the key `Approval` of an execution's input. Every key is optional, and null counts as
left out; the rest of the input is context, which the approvers are shown as well. White space around a text is dropped,
but not around an address in `Links`.

Without `Approval`, or with null there, all of the input is context. A key that says who may respond, what counts or
when it ends is then an error that says where it belongs: if the wrapper is forgotten, the request must not be open to
anyone who is asked. Words that many inputs use, as the tutorial's has `Comment`, stay context: `Title`, `Details`,
`Links`, `Facts`, `Kind`, `Severity`, `Notify`, `Channel`, `Comment`, `Reminders`. To pass another key of the request
as context, add `"Approval": {}`.

Whatever can't be asked fails the execution at once, with the error `InvalidApprovalRequest` and a cause that names each
problem, with its path and what is expected there. So does an unknown key: a typo must not change who decides.

Texts have no hidden characters: control characters but tabs and line breaks, characters that turn the direction,
zero-width characters, blanks that are no white space (such as U+2800 and U+3164), soft hyphens and tags. The error
names the first one and its place. Emoji may have the joiners and selectors that they are made of, and so may words in
Persian and in Indic scripts. In the context, where nobody can fix them, approvers see U+FFFD in their place.

Addresses in `Links` are ASCII (hosts of other scripts in punycode, all else percent-encoded) and name no user. In
`Details`, other addresses stay text. Pages and messages show the host of each link behind its label, emails the whole
address. Mail programs turn addresses in any text into links of their own; the product can't prevent that.

How it is decided is in [rules.md](rules.md). The same as a JSON Schema, for
[editors and tests](#in-an-editor-or-a-test): [request.schema.json](../approvals/requests/request.schema.json).
"""

TOGETHER = """\
## Keys that go together

- `Kind` can be `question` only with `Form`.
- `EscalateTo` needs `EscalateAfterMinutes`, less than the request's minutes, and `Approvers`.
- Each of `Reminders` is less than the request's minutes.
- `RequiredApprovals` is at most the number of people who may answer; the requester is none of them, unless
  `AllowSelfApproval` is true, nor are those of `EscalateTo`. `RequiredApprovals` and `RequiredRejections` together are
  at most one more: otherwise all could answer, and nothing would be decided.
- In `Form`, `Choices` go with the type `choice` alone, `Minimum` and `Maximum` with `number` (numbers of at most 15
  digits) and `date`, `MaxLength` with `text`. No two fields have one name, and none is named `comment`.
- Email addresses among `Approvers` and `EscalateTo` belong to a Slack user or have a confirmed subscription to the
  stack's topic. Slack users are active members of the app's own workspace, and groups have at least one such member.

## In an editor or a test

[request.schema.json](../approvals/requests/request.schema.json) is the request as JSON Schema 2020-12: what stands
under `Approval`, and what `approvals request --file` reads. Every keyword is a standard one, and no pattern needs more
than simple regular expressions. Refer to it by its path in a checkout, or by the URL at which your Git host or web
server serves the file.

For a request in YAML, editors with the YAML language server (VS Code, Neovim, Zed) read this first line:

```yaml
# yaml-language-server: $schema=../human-approval/approvals/requests/request.schema.json
Title: Deploy web 2.4.1 to production
Approvers: [bo@example.com]
```

For files by their names, in `.vscode/settings.json`; JetBrains IDEs have the same under Languages & Frameworks, Schemas
and DTDs, JSON Schema Mappings:

```json
{
  "yaml.schemas": { "./human-approval/approvals/requests/request.schema.json": "approvals/*.yaml" },
  "json.schemas": [
    { "fileMatch": ["approvals/*.json"], "url": "./human-approval/approvals/requests/request.schema.json" }
  ]
}
```

In a test or in CI: `check-jsonschema --schemafile request.schema.json approvals/*.yaml`, or ajv (`ajv-cli`, with
`--spec=draft2020 --strict=true -c ajv-formats`).

What a validator takes and the product refuses, since no schema can say it:

- [keys that go together](#keys-that-go-together), and [how large](#how-large-it-may-be) the whole may be;
- two entries of a list that differ only in the white space around them;
- a host in `Links` that is longer than DNS allows.

What the product takes and some validators refuse: brackets, braces, `^` and the backtick in the path or query of an
address (`format: uri` wants them percent-encoded), and the key `Result` of an earlier approval, which is dropped.

## How large it may be

- The input has at most 240 KiB, and lists and objects in it are nested at most 64 levels deep.
- The input and its result fit in the 256 KiB that Step Functions hands on.
- The record fits in the 400 KB of a DynamoDB item, with all that may be answered to it: comments, forms, extensions,
  refused attempts, and what is noted for each person who is asked or told. What could outgrow that is refused, with
  what to shorten. An input of 240 KiB leaves room for some 50 approvers by email.
"""

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}

EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "Plain": (
        "Whoever reads the stack's mail address or Slack channel may answer, within the stack's time.",
        {
            "Title": "Deploy web 2.4.1 to production",
            "Details": "Adds the **new checkout**. Rolls back by redeploying 2.4.0.",
            "Links": [{"Label": "Diff", "Url": "https://example.com/web/compare/2.4.0...2.4.1"}],
            "Facts": [{"Label": "Version", "Value": "2.4.1"}, {"Label": "Tests passed", "Value": 1204}],
            "RequestedBy": "ann@example.com",
        },
    ),
    "A quorum": (
        "Two of three must approve, one rejection is enough, and who rejects says why.",
        {
            "Title": "Drop the table `orders_2019`",
            "Severity": "high",
            "RequestedBy": "ann@example.com",
            "Approvers": ["bo@example.com", "U0CY000003", "dan@example.com"],
            "RequiredApprovals": 2,
            "Comment": {"Approve": "off", "Reject": "required"},
            "Notify": ["audit@example.com"],
        },
    ),
    "A form": (
        "A question. The result has the answers as `Form`, by the names of the fields.",
        {
            "Kind": "question",
            "Title": "Which version goes out, and to how many?",
            "Form": [
                {
                    "Name": "Version",
                    "Type": "choice",
                    "Choices": ["2.4.0", "2.4.1"],
                    "Default": "2.4.1",
                    "Required": True,
                },
                {"Name": "Percent", "Label": "Percent of users", "Type": "number", "Minimum": 1, "Maximum": 100},
                {"Name": "From", "Label": "First day", "Type": "date", "Minimum": "2026-11-23"},
                {"Name": "NotifyCustomers", "Label": "Tell customers?", "Type": "yes-no", "Default": False},
                {"Name": "Note", "Label": "Note for the changelog", "Type": "text", "MaxLength": 200},
            ],
        },
    ),
    "Escalation": (
        "A Slack user group is reminded twice, then its lead may answer, too; in the end silence means no.",
        {
            "Title": "Refund 1,200 EUR to customer 8841",
            "Approvers": ["S0SUPPORT01"],
            "TimeoutMinutes": 240,
            "Reminders": [60, 120],
            "EscalateTo": ["lead@example.com"],
            "EscalateAfterMinutes": 180,
            "OnTimeout": "reject",
            "MoreTime": {"Times": 2, "Minutes": 60},
        },
    ),
}


def page(schema: Schema) -> str:
    """Return the page: a table for each object of the schema, and the examples."""
    return "\n".join([INTRODUCTION, *_tables("Approval", schema), TOGETHER, *_examples()])


def _tables(path: str, schema: Schema) -> Iterator[str]:
    """Yield the table of an object, then those of the objects in it."""
    yield f"## `{path}`\n"
    yield "| Key | What it takes | When left out | What it means |\n|---|---|---|---|"
    required = schema.get("required", ())
    for key, value in schema["properties"].items():
        yield f"| `{key}` | {_limits(value)} | {_default(value, required=key in required)} | {_cell(value)} |"
    yield ""
    for key, value in schema["properties"].items():
        if "properties" in value:
            yield from _tables(f"{path}.{key}", value)
        elif "properties" in value.get("items", {}):
            yield from _tables(f"{path}.{key}[]", value["items"])


def _examples() -> Iterator[str]:
    yield "## Examples\n"
    yield "Each is the input of an execution.\n"
    for title, (text, request) in EXAMPLES.items():
        yield f"### {title}\n\n{text}\n"
        yield f"```json\n{json.dumps({'Approval': request}, indent=2, ensure_ascii=False)}\n```\n"


def _limits(schema: Schema) -> str:
    """Return the type of a value, and its limits."""
    if "anyOf" in schema:
        return "; or ".join(_limits(option) for option in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    if "properties" in schema:
        return "object, see below"
    if "items" in schema:
        return _list_limits(schema)
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = schema["title"] if "pattern" in schema else ", ".join(TYPES[name] for name in types)
    if "minimum" in schema:
        words += f", {schema['minimum']:,} to {schema['maximum']:,}"
    return f"{words}, at most {schema['maxLength']:,} characters" if "maxLength" in schema else words


def _list_limits(schema: Schema) -> str:
    items = schema["items"]
    what = "objects, see below" if "properties" in items else f"each {_limits(items)}"
    least = "1" if schema.get("minItems") else "0"
    unique = ", no two the same" if schema.get("uniqueItems") else ""
    return f"list of {least} to {schema['maxItems']}{unique}; {what}"


def _default(schema: Schema, *, required: bool) -> str:
    """Return the default of a key; empty if the schema has none."""
    if required:
        return "an error"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _cell(schema: Schema) -> str:
    return str(schema["description"]).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(load("request.schema.json")))
