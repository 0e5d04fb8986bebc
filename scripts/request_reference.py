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

The key `Approval` of an execution's input is the request. Every key of it is optional, and null is the same as no key.
Approvers also see the rest of the input, which is the context. White space around a text is removed, except around a
`Url` in `Links`.

An invalid request fails the execution at once with `InvalidApprovalRequest`. The cause names each problem with its
path. An unknown key is a problem too: a typo must not change who decides.

**Without `Approval`**, or with null, the whole input is context. Then a top-level key such as `Approvers` or
`RequiredApprovals` is an error that says where it belongs: without the wrapper, anyone could respond. Common words stay
context, as in the tutorial's input with `Comment`: `Title`, `Details`, `Links`, `Facts`, `Action`, `Grant`, `Kind`,
`Severity`, `Notify`, `Channel`, `Comment`, `Reminders`. To pass another key of the request as context, add
`"Approval": {}`.

**Hidden characters** in texts are an error that names the first one and its place: control characters except tabs and
line breaks, characters that change the text direction, zero-width characters, blanks that are not white space (such as
U+2800 and U+3164), soft hyphens and tags. Emoji may contain their joiners and selectors, and so may words in Persian
and in Indic scripts. In the context, approvers see U+FFFD instead; in
`Action`, an escape such as `\\u200b`.

**URLs** in `Links` are ASCII, with hosts of other scripts in punycode and the rest percent-encoded. They have no user
name. In `Details`, other URLs stay text. Pages and messages show the host of each link after its label, emails show the
whole URL. Email programs turn URLs in any text into links; the product can't prevent that.

[rules.md](rules.md) explains how a request is decided. A JSON Schema for [editors and tests](#in-an-editor-or-a-test)
is [request.schema.json](../approvals/requests/request.schema.json).
"""

TOGETHER = """\
## Keys that go together

- `Kind` can be `question` only with `Form`.
- `Grant` needs `Action`, and the kind `approval`: its button says what a response allows.
- `EscalateTo` needs `EscalateAfterMinutes`, less than the request's minutes, and `Approvers` or `Groups`.
- `Silent` needs `Approvers` or `Groups`. The people who are notified must be enough to approve, and to reject.
- Each of `Reminders` is less than the request's minutes.
- `RequiredApprovals` is at most the number of people who can respond. The requester is not one of them without
  `AllowSelfApproval`, and the people in `EscalateTo` are not either. The sum of `RequiredApprovals` and
  `RequiredRejections` is at most one more. Otherwise, all could respond without a decision. Both hold for each of
  `Groups`, too, with its members and its number. Every group has a different name.
- In `Form`, `Choices` is only for the type `choice`, `Minimum` and `Maximum` for `number` (at most 15 digits) and
  `date`, and `MaxLength` for `text`. Every field has a different name, and none is named `comment`.
- An email address in `Approvers`, `Groups`, `Silent` or `EscalateTo` belongs to a Slack user, or its subscription to
  the stack's topic is confirmed. A Slack user is an active member of the app's own workspace, and a group has at least
  one such member.

## What changed since last time

`Subject` names the thing that is approved again and again, such as `deploy web production`. The first lines under the
title then say what differs from the last approved request of this subject, who approved that one and when:

```text
Changed since Ann approved this subject on 3 Nov 2026, 10:31 UTC:
| Replicas: 3 → 300
1 change in the facts. The workflow input is the same.
```

- **Compared** are `Facts`, `Action`, `Form` and the workflow input, exactly; of the caller's execution, its state
  machine. `Title`, `Details` and `Links` are not compared. Two subjects are the same whatever their letter case and
  blanks. Lists count from 0 in paths such as `Action /Command/2` (JSON Pointer).
- **The subject is the author's word, so an earlier approval must earn trust.** It was given under the same approval
  policy, or both requests had none. At least one person who approved it can respond to the new request, and made
  neither of the two. An override does not qualify, nor does a request that was rejected, cancelled or expired. Two
  requests that name no approvers must go to the same `Channel`. Of the ten latest approvals, the newest that
  qualifies is compared. The line counts those that were passed over, and says if none is left.
- **Earlier values are for people who could respond to the earlier request or made it**, and for a Slack channel where
  it was posted. All others see only the names of what changed. `approvals show` shows the values: its users can read
  the table.
- The comparison is stored once, before anyone is asked. It keeps 20 changes, each value with at most 100 characters,
  and counts the rest. If DynamoDB fails for a minute, people are asked all the same. The line then says that the
  request is not compared.

## In an editor or a test

[request.schema.json](../approvals/requests/request.schema.json) is JSON Schema 2020-12 for the content of `Approval`,
which `approvals request --file` also reads. It has only standard keywords and simple regular expressions. Refer to it
by its path in a checkout, or by its URL on your Git host or web server.

Editors with the YAML language server (VS Code, Neovim, Zed) read this first line of a YAML file:

```yaml
# yaml-language-server: $schema=../human-approval/approvals/requests/request.schema.json
Title: Deploy web 2.4.1 to production
Approvers: [bo@example.com]
```

To select files by name, use `.vscode/settings.json`. JetBrains IDEs have the same under Languages & Frameworks, Schemas
and DTDs, JSON Schema Mappings:

```json
{
  "yaml.schemas": { "./human-approval/approvals/requests/request.schema.json": "approvals/*.yaml" },
  "json.schemas": [
    { "fileMatch": ["approvals/*.json"], "url": "./human-approval/approvals/requests/request.schema.json" }
  ]
}
```

In a test or in CI, use `check-jsonschema --schemafile request.schema.json approvals/*.yaml`, or ajv (`ajv-cli`, with
`--spec=draft2020 --strict=true -c ajv-formats`).

A schema can't express everything. The product also refuses:

- violations of [keys that go together](#keys-that-go-together) and of the [maximum size](#maximum-size);
- two entries of a list that differ only in the white space around them;
- a host in `Links` that is longer than DNS allows.

Some validators refuse values that the product accepts: brackets, braces, `^` and the backtick in the path or query of a
URL (`format: uri` requires percent-encoding), and the key `Result` of an earlier approval, which the product removes.

## Maximum size

- The input has at most 240 KiB. Lists and objects in it are nested at most 64 levels deep.
- The input and the result together fit in the 256 KiB that Step Functions passes on.
- The record fits in the 400 KB of a DynamoDB item, with all possible responses: comments, form values, extensions,
  refused attempts, and a mark for each sent message. A request that could outgrow that is refused, and the cause says
  what to shorten. An input of 240 KiB leaves room for about 50 approvers by email.
"""

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}

EXAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "Plain": (
        "Anyone who reads the stack's email address or Slack channel can respond, within the stack's default timeout.",
        {
            "Title": "Deploy web 2.4.1 to production",
            "Details": "Adds the **new checkout**. Rolls back by redeploying 2.4.0.",
            "Links": [{"Label": "Diff", "Url": "https://example.com/web/compare/2.4.0...2.4.1"}],
            "Facts": [{"Label": "Version", "Value": "2.4.1"}, {"Label": "Tests passed", "Value": 1204}],
            "RequestedBy": "ann@example.com",
        },
    ),
    "A quorum": (
        "Two of three approvers must approve. One rejection rejects the request, and it needs a reason.",
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
    "An action that is executed once": (
        "The result has the ID of a grant. It can be spent on exactly this action, once within 30 minutes.",
        {
            "Title": "Apply the plan for production",
            "Action": {"Command": ["terraform", "apply", "plan.out"], "Files": {"plan.out": "sha256:9f86d081884c7d65"}},
            "Grant": {"Uses": 1, "ValidMinutes": 30},
            "Approvers": ["bo@example.com"],
        },
    ),
    "One of each group": (
        "Security and operations must each approve, by two different people. Eve can respond, but is not notified.",
        {
            "Title": "Open port 8443 to partners",
            "RequestedBy": "dan@example.com",
            "Groups": [
                {"Name": "security", "Approvers": ["S0SECURITY"]},
                {"Name": "ops", "Approvers": ["otto@example.com", "pia@example.com"], "Required": 1},
            ],
            "Silent": ["eve@example.com"],
        },
    ),
    "A form": (
        "A question. The result has the answers as `Form`, by field name.",
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
        "A Slack user group gets two reminders. Then its lead can respond too. Without a decision, it is rejected.",
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
    yield "| Key | Type | Default | Meaning |\n|---|---|---|---|"
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
    yield "Each example is the input of an execution.\n"
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
    if "type" not in schema:
        return "any JSON"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = schema["title"] if "pattern" in schema else ", ".join(TYPES[name] for name in types)
    if "minimum" in schema:
        words += f", {schema['minimum']:,} to {schema['maximum']:,}"
    return f"{words}, at most {schema['maxLength']:,} characters" if "maxLength" in schema else words


def _list_limits(schema: Schema) -> str:
    items = schema["items"]
    what = "objects, see below" if "properties" in items else f"each {_limits(items)}"
    least = "1" if schema.get("minItems") else "0"
    unique = ", all different" if schema.get("uniqueItems") else ""
    return f"list of {least} to {schema['maxItems']}{unique}; {what}"


def _default(schema: Schema, *, required: bool) -> str:
    """Return the default of a key; empty if the schema has none."""
    if required:
        return "required"
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else ""


def _cell(schema: Schema) -> str:
    return str(schema["description"]).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(load("request.schema.json")))
