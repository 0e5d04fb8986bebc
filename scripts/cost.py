"""Write docs/cost.md, what approvals cost, from scripts/prices.json: `python -m scripts.cost`.

Change prices there and quantities below; a test fails if the page is out of date. tests/functional/test_cost.py counts
the calls of an approval.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs/cost.md"
PRICES: Mapping[str, Any] = json.loads((Path(__file__).parent / "prices.json").read_text())

MEMORY = {"request": 0.25, "notify": 0.5, "callback": 0.5, "bot": 0.5, "decision": 0.5, "lifecycle": 0.5}
"""GB of each function that an approval or the scheduler needs, as in the template."""

COLD = 1.5
"""Seconds billed for an invocation. Approvals are rare, so each is a cold start here."""

RECORD = 4
"""KB of a record, and so the write units of a change: a request with some details, its response and its steps."""

MONTHS_KEPT = (365 + 400) / 30.4
MINUTES = 43_800
"""Minutes of a month. The scheduler runs in each."""

SECONDS = 60 * MINUTES
STARTS = 1000
"""Starts of functions from a snapshot, as an example."""


@dataclass(frozen=True, slots=True)
class Use:
    """The amount that one approval uses, with a link in an email or a button in Slack, and the reason."""

    service: str
    price: str
    by_mail: float
    in_slack: float
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The amount that a stack uses in a month without any approval, and the reason."""

    service: str
    price: str
    amount: float
    why: str


SLOTS = 2
"""Writes of the rate limit: one item for each email counts the emails to one address in one second."""

UPDATES = {"by_mail": SLOTS + 4, "in_slack": SLOTS + 7}
"""Slots, the response, and a step for each email and for the workflow; in Slack also one for each of three messages."""

INDEX_WRITES = 3 + 4
"""A new record is written to each index; the response moves one entry (two writes) and removes one, the end one."""

TOKENS = 1
"""Writes of the task token, in a table of its own. It is also read once."""

ABSENCES = 1
"""Reads of who is away, in the same call as `notify` reads the record."""

READS = {"by_mail": 5 + 2 + TOKENS + ABSENCES, "in_slack": 1 + 2 + TOKENS + ABSENCES}
"""Visits of the page and the response, or one click; `notify` and `decision`; the token; who is away."""

FUNCTIONS = {
    "by_mail": {"request": 1, "notify": 1, "callback": 5, "decision": 1},
    "in_slack": {"request": 1, "notify": 1, "bot": 1, "decision": 1},
}
"""Invocations of each function."""

INVOCATIONS = {how: sum(calls.values()) for how, calls in FUNCTIONS.items()}
GB = {how: sum(MEMORY[name] * often for name, often in calls.items()) for how, calls in FUNCTIONS.items()}
SNAPPED = MEMORY["callback"] + MEMORY["bot"]

WRITES = {how: RECORD * (1 + UPDATES[how] - SLOTS) + SLOTS + INDEX_WRITES for how in UPDATES}

USES = (
    Use("Step Functions", "states_transition", 4, 4, "three states and the start"),
    Use("SNS", "sns_email", 2, 2, "the request and the outcome, to one address"),
    Use("SNS", "sns_publish", 2, 2, "the same"),
    Use(
        "DynamoDB",
        "dynamodb_write",
        WRITES["by_mail"],
        WRITES["in_slack"],
        f"the record of {RECORD} KB, its changes, three indexes, the number of emails in a second",
    ),
    Use("DynamoDB", "dynamodb_write", TOKENS, TOKENS, "the task token, in a table of its own"),
    Use(
        "DynamoDB",
        "dynamodb_read",
        READS["by_mail"],
        READS["in_slack"],
        "visits of the page, or one click; `notify` and `decision`; the token; who is away",
    ),
    Use(
        "DynamoDB",
        "dynamodb_gb_month",
        RECORD * MONTHS_KEPT / 1e6,
        RECORD * MONTHS_KEPT / 1e6,
        "kept for 765 days: a year, the longest deadline, and 400 days",
    ),
    Use(
        "Lambda",
        "lambda_request",
        INVOCATIONS["by_mail"],
        INVOCATIONS["in_slack"],
        "with two visits of an email scanner",
    ),
    Use(
        "Lambda",
        "lambda_gb_second",
        COLD * GB["by_mail"],
        COLD * GB["in_slack"],
        f"{COLD} s each, as if all were cold starts, at 0.25 and 0.5 GB",
    ),
    Use("API Gateway", "api_request", 5, 1, "the page, the response, the outcome, two scanners; or one click"),
    Use("CloudWatch", "logs_gb", 16e-6, 8e-6, "2 KB for each invocation"),
    Use("Secrets Manager", "secret_call", 0, 3, "each function that calls Slack, at a cold start"),
)

DATA_KEY_MINUTES = 5
"""How long a service uses a data key before it asks KMS again.

Sources: "Table key caching" in https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
and https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html (its default).
"""

STANDING = (
    Standing("CloudWatch", "alarm_month", 6, "the essential alarms; an account's first ten are free"),
    Standing("SQS", "sqs_request", 3 * 15 * MINUTES, "Lambda polls each of three queues 15 times a minute"),
    Standing("Secrets Manager", "secret_month", 1, "Slack's token and signing secret"),
    Standing("Lambda", "lambda_gb_second", MINUTES * 0.3 * MEMORY["lifecycle"], "the scheduler, 0.3 s each minute"),
    Standing("Lambda", "lambda_request", MINUTES, "the same"),
    Standing("DynamoDB", "dynamodb_read", MINUTES * 8 * 0.5, "the scheduler reads eight shards of an index"),
    Standing("CloudWatch", "logs_gb", MINUTES * 0.6e-6, "0.6 KB for each scheduler run"),
    Standing(
        "KMS",
        "kms_request",
        MINUTES / DATA_KEY_MINUTES,
        f"DynamoDB decrypts the table's key for the scheduler, about every {DATA_KEY_MINUTES} minutes",
    ),
)

UNDER_POLICY = (
    Standing("CloudWatch", "alarm_month", 2, "the alarms for the policy and for overrides"),
    Standing("DynamoDB", "dynamodb_read", MINUTES, "the scheduler reads how far open approvals were compared with it"),
)
"""With `PolicyParameter`. Reading a standard parameter of SSM costs nothing at its default throughput.

Source: https://aws.amazon.com/systems-manager/pricing/
"""

METRICS = 14
"""Custom metrics that requests, decisions and spends can write, in all channels and with all outcomes."""

IN_USE = (Standing("CloudWatch", "metric_month", METRICS, "at most, if each is written in every hour of the month"),)
"""Not by the approval: CloudWatch bills a custom metric for each hour in which it is written, however often."""

FULL = (
    Standing("CloudWatch", "dashboard_month", 1, "the dashboard; an account's first three are free"),
    Standing(
        "CloudWatch",
        "alarm_month",
        10,
        "for each function that has no essential one, for pages, and for responses by IAM",
    ),
)
"""With `Monitoring=Full`."""

OWN_KEY = (
    Standing("KMS", "kms_key_month", 1, "the key, if you use it for nothing else"),
    Standing(
        "KMS",
        "kms_request",
        3 * MINUTES / DATA_KEY_MINUTES,
        f"at most: three polled queues, a data key for each every {DATA_KEY_MINUTES} minutes",
    ),
)
"""With `KmsKeyArn`."""

BEFORE = 9.02
"""What this page said of a stack without any approval, before `Monitoring`."""

OPTIONS = (
    Standing(
        "Lambda", "snapstart_cache_gb_second", SNAPPED * SECONDS, "`SnapStart`: a snapshot of `callback` and of `bot`"
    ),
    Standing("Lambda", "snapstart_restore_gb", SNAPPED / 2 * STARTS, f"with it: {STARTS:,} starts of one of them"),
    Standing(
        "Lambda", "provisioned_gb_second", MEMORY["bot"] * SECONDS, "provisioned concurrency: one `bot`, all month"
    ),
)
"""Options that cost only when they are turned on."""


def usd(price: str, amount: float) -> float:
    """Return the price of an amount."""
    listed = PRICES["prices"][price]
    return float(listed["usd"]) / float(listed["per"]) * amount


def total(uses: Iterable[Standing]) -> float:
    """Return what some uses cost together in a month."""
    return sum(usd(use.price, use.amount) for use in uses)


def page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_services(), *_uses(), *_standing(), *_options(), *_prices()]) + "\n"


_INTRODUCTION = f"""\
# What approvals cost

<!-- Written by `python -m scripts.cost` from scripts/prices.json: change that, or scripts/cost.py. -->

For people who pay for a stack: USD in {PRICES["region"]} at list prices of {PRICES["seen"]}, without taxes, free tiers
and discounts. Each approval has one approver, who receives an email and responds with a link or in Slack, without
failures. A test counts the calls. Sizes and seconds are the assumptions below. No figure comes from a bill: watch
yours.
"""


def _services() -> Iterator[str]:
    yield "## By service\n"
    yield "| Service | 1,000 by email | 1,000 in Slack | 1,000,000 by email | 1,000,000 in Slack |"
    yield "|---|--:|--:|--:|--:|"
    totals = sorted(_totals().items(), key=lambda total: -total[1][0])
    for service, costs in totals:
        yield _row(service, costs)
    yield _row("**Total**", (sum(mail for _, (mail, _) in totals), sum(slack for _, (_, slack) in totals)))
    yield ""


def _row(name: str, costs: tuple[float, float]) -> str:
    cells = [f"{cost * many:,.{2 if many < 10_000 else 0}f}" for many in (1000, 1_000_000) for cost in costs]  # noqa: PLR2004
    return f"| {name} | {' | '.join(cells)} |"


def _totals() -> dict[str, tuple[float, float]]:
    """Return the cost of one approval by service: by email, in Slack."""
    uses = sorted(USES, key=lambda use: use.service)
    grouped = {service: list(found) for service, found in groupby(uses, key=lambda use: use.service)}
    return {
        service: (sum(usd(use.price, use.by_mail) for use in found), sum(usd(use.price, use.in_slack) for use in found))
        for service, found in grouped.items()
    }


def _uses() -> Iterator[str]:
    yield "## What one approval uses\n"
    yield "| Service | Unit | By email | In Slack | Use |\n|---|---|--:|--:|---|"
    for use in USES:
        unit = PRICES["prices"][use.price]["unit"]
        yield f"| {use.service} | {unit} | {use.by_mail:.3g} | {use.in_slack:.3g} | {use.why} |"
    yield ""
    yield (
        "Each further approver costs an email for the request and one for the outcome. A reminder is an email. A\n"
        "nested caller pays for its own transitions. If you turn them on, AWS bills each trace and each event.\n"
        "A request with `Subject` costs a query, a read of each earlier approval until one qualifies (ten at\n"
        f"most), and {RECORD + 1} write units: the comparison, and the entry of the index `subject`.\n"
    )


def _standing() -> Iterator[str]:
    yield "## What a stack costs in a month without any approval\n"
    yield from _amounts(STANDING)
    yield f"| **Total** | | | {total(STANDING):.2f} | |\n"
    yield (
        f"With `Monitoring=Full`, it is {total(STANDING) + total(FULL):.2f} USD. Before this parameter, it was\n"
        f"{BEFORE} USD: every stack had the dashboard and all alarms, and the figure included metrics that only a\n"
        "stack in use writes.\n"
    )
    yield "`Monitoring=Full` adds:\n"
    yield from _amounts(FULL)
    yield "\n`PolicyParameter` adds (SSM charges nothing for a standard parameter that is read each minute):\n"
    yield from _amounts(UNDER_POLICY)
    yield "\n`KmsKeyArn` adds:\n"
    yield from _amounts(OWN_KEY)
    yield ("\nA stack in use also pays for custom metrics, in the hours with a request or a decision:\n")
    yield from _amounts(IN_USE)
    yield ""


def _options() -> Iterator[str]:
    yield "## What a faster start costs in a month\n"
    yield from _amounts(OPTIONS)
    restored, left_out = (usd(price, OPTIONS[1].amount) for price in (OPTIONS[1].price, "lambda_gb_second"))
    yield (
        "\nBoth are off by default; [performance.md](performance.md#choose) says how to turn them on. SnapStart saves\n"
        f"no money: without one second of init, {STARTS:,} starts cost {left_out:.4f} USD less, and their restores "
        f"cost {restored:.4f} USD.\n"
    )


def _amounts(uses: Iterable[Standing]) -> Iterator[str]:
    yield "| Service | Unit | Amount | USD | Use |\n|---|---|--:|--:|---|"
    for use in uses:
        cost = f"{usd(use.price, use.amount):.2f}"
        unit = PRICES["prices"][use.price]["unit"]
        yield f"| {use.service} | {unit} | {use.amount:,.6g} | {cost} | {use.why} |"


def _prices() -> Iterator[str]:
    yield "## Prices\n"
    yield "| Unit | USD | For | Source |\n|---|--:|--:|---|"
    for price in PRICES["prices"].values():
        yield f"| {price['unit']} | {price['usd']} | {price['per']:,} | <{price['source']}> |"


if __name__ == "__main__":
    PAGE.write_text(page())
