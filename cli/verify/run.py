"""The whole run: the stack's parts, the IAM boundaries, the story, and the clean-up."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from functools import partial

from approvals.store.items import RETENTION
from cli.context import Context
from cli.doctor import checks, slack, stack, subscriptions
from cli.doctor.findings import Check
from cli.verify.boundaries import check_boundaries
from cli.verify.cleanup import CleanUp, interruptible
from cli.verify.mailbox import Mailbox, open_mailbox
from cli.verify.proofs import NotProvenError, Proof, Report, ok, proof_of, tell
from cli.verify.requests import STEP_TIMEOUT, Requests, Started
from cli.verify.story import EXPIRY_MINUTES, RESPONSE_MINUTES, Story

_PARTS: tuple[tuple[Check, checks.Run], ...] = (
    (Check.STACK, stack.check_presence),
    (Check.VERSION, stack.check_version),
    (Check.FUNCTIONS, stack.check_functions),
    (Check.SCHEDULER, stack.check_scheduler),
    (Check.EMAIL, subscriptions.check_subscriptions),
    (Check.TOKEN, slack.check_slack),
)
"""The doctor's checks of what the story needs, each with the check that it begins with."""


def verify(context: Context, report: Report, *, quick: bool, slack_channel: str) -> None:
    """Report each proof as it is known, and remove what was made, also after an error or an interrupt.

    `quick` leaves out the expiry. `slack_channel` is where test requests are posted; if empty, in the stack's channel.
    """
    for check, run in _PARTS:
        tell(context, report, check, partial(_proofs, context, check, run))
    for name, chapter in check_boundaries(context):
        tell(context, report, name, chapter)
    clean_up = CleanUp()
    with interruptible():
        try:
            _tell_story(context, report, clean_up, quick=quick, slack_channel=slack_channel)
        finally:
            for proof in clean_up.run():
                report(proof)


def _proofs(context: Context, check: Check, run: checks.Run) -> Iterator[Proof]:
    yield from map(proof_of, checks.run_check(context, check, run))


def _tell_story(context: Context, report: Report, clean_up: CleanUp, *, quick: bool, slack_channel: str) -> None:
    run, prepared = secrets.token_hex(6), list[Requests]()

    def prepare() -> Iterator[Proof]:
        mailbox = open_mailbox(context, clean_up, run)
        requests = Requests(context, clean_up, mailbox, run, slack_channel)
        _wait_until_listed(mailbox, requests)
        prepared.append(requests)
        yield ok("mailbox", f"a queue is subscribed to the emails of {mailbox.address}, and to no others")

    tell(context, report, "mailbox", prepare)
    for requests in prepared:
        _tell_chapters(context, report, Story(context, requests), quick=quick)


def _wait_until_listed(mailbox: Mailbox, requests: Requests) -> None:
    otherwise = NotProvenError("mailbox", "SNS does not list the test's subscription", "Run the command again")
    requests.wait(lambda: mailbox.is_listed() or None, STEP_TIMEOUT, otherwise)


def _tell_chapters(context: Context, report: Report, story: Story, *, quick: bool) -> None:
    """Start all requests first, so that their waiting time passes during the other chapters."""
    started: dict[str, Started] = {}

    def start() -> Iterator[Proof]:
        minutes = {} if quick else {"expire": EXPIRY_MINUTES}
        for purpose, deadline in (minutes | {"respond": RESPONSE_MINUTES, "cancel": RESPONSE_MINUTES}).items():
            started[purpose] = story.requests.start(purpose, deadline)
        yield ok(
            "start", f"{len(started)} executions of the stack's state machine, whose input says that they are a test"
        )

    tell(context, report, "unsigned calls", story.unsigned_calls)
    tell(context, report, "start", start)
    chapters = {"respond": story.response, "cancel": story.cancellation, "expire": story.expiry}
    for purpose, chapter in chapters.items():
        if purpose in started:
            tell(context, report, _NAMES[purpose], partial(chapter, started[purpose]))


_NAMES = {"respond": "response", "cancel": "cancel", "expire": "expiry"}


def what_stays(proofs: Iterable[Proof]) -> str:
    """Return what the run leaves in the account, as a sentence; empty if it started nothing."""
    if not any(proof.name == "start" for proof in proofs):
        return ""
    return (
        f"What stays: the records of the test requests, for at least {RETENTION.days} days, as an audit trail; their "
        "executions in the history of Step Functions; and logs."
    )
