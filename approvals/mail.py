"""Mails: their text, and SNS, which sends them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from approvals import present
from approvals.clients import CONFIG
from approvals.links import link
from approvals.model import Action, Approval, readable
from approvals.steps import DeliveryFailed

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

DEFAULT_SUBJECT = "Required approval from AWS Step Functions"

MAX_SUBJECT = 99
"""Characters, printable ASCII. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as SNS takes it: plain text."""

    subject: str
    text: str


class NoSlot(Exception):  # noqa: N818
    """As many mails as SNS bears were sent in this second. The mail was not sent."""


class Mailer:
    """Publishes mails to the topic that the approvers' addresses are subscribed to, never too many in a second."""

    def __init__(self, sns: SNSClient, topic_arn: str, *, take_slot: Callable[[], bool]) -> None:
        self._sns = sns
        self._topic_arn = topic_arn
        self._take_slot = take_slot

    @classmethod
    def connect(cls, topic_arn: str, take_slot: Callable[[], bool]) -> Mailer:
        """The mailer of a topic. `take_slot` returns whether one more mail may be sent in this second."""
        return cls(boto3.client("sns", config=CONFIG), topic_arn, take_slot=take_slot)

    def send(self, mail: Mail) -> None:
        """Publishes the mail. Raises `NoSlot`, or `DeliveryFailed` when SNS does not take it."""
        if not self._take_slot():
            raise NoSlot
        try:
            self._sns.publish(TopicArn=self._topic_arn, Subject=mail.subject, Message=mail.text)
        except ClientError as error:
            raise DeliveryFailed(f"SNS answered {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise DeliveryFailed(f"SNS can't be reached: {type(error).__name__}") from error


def request_mail(approval: Approval, recipient: str, *, base_url: str) -> Mail:
    """The mail that asks for an answer. The recipient's links stand each alone on its line.

    Whatever the requester wrote is indented, so that no text of theirs looks like ours.
    """
    who = approval.request.requested_by
    approve, reject = (link(approval, action, recipient, base_url=base_url) for action in Action)
    parts = [
        approval.title,
        f"{who} asks for your approval." if who else "A workflow is waiting for your approval.",
        _table([(label, value) for label, value in present.facts(approval) if label != "Requested by"]),
        "Details:" if approval.request.details else None,
        _indented(approval.request.details) if approval.request.details else None,
        "Input of the workflow:" if present.context(approval) else None,
        _table(present.context(approval)),
        "Approve:",
        approve,
        "Reject:",
        reject,
        f"The first answer decides. Without one by {readable(approval.deadline)} it expires, unapproved.",
    ]
    return Mail(_subject(approval, "Approval required"), _paragraphs(parts))


def outcome_mail(approval: Approval) -> Mail:
    """The mail that says how the approval ended."""
    decision = present.decided(approval)
    parts = [
        approval.title,
        present.outcome(approval),
        "Comment:" if decision.comment else None,
        _indented(decision.comment) if decision.comment else None,
        _table(present.facts(approval)),
        "There is nothing left for you to do. The links in the earlier mail show this outcome.",
    ]
    return Mail(_subject(approval, present.headline(approval)), _paragraphs(parts))


def digest_mail(approvals: Sequence[Approval], recipient: str, *, base_url: str) -> Mail:
    """One mail about several approvals: those that wait, each with the recipient's links, then those that ended."""
    waiting = [approval for approval in approvals if approval.decision is None]
    ended = [approval for approval in approvals if approval.decision is not None]
    parts: list[str | None] = []
    if waiting:
        parts.append("These wait for your approval. The first answer to each decides.")
    for number, approval in enumerate(waiting, 1):
        approve, reject = (link(approval, action, recipient, base_url=base_url) for action in Action)
        parts += [
            f"{number}. {approval.title}",
            _table(present.facts(approval)),
            "Approve:",
            approve,
            "Reject:",
            reject,
        ]
    if ended:
        parts.append("These have ended; there is nothing left for you to do about them.")
    for approval in ended:
        parts += [f"- {approval.title}", f"  {present.outcome(approval)}", _table(present.facts(approval))]
    return Mail(_digest_subject(len(waiting), len(ended)), _paragraphs(parts))


def _digest_subject(waiting: int, ended: int) -> str:
    parts = [f"{waiting} waiting for you"] if waiting else []
    parts += [f"{ended} ended"] if ended else []
    return f"{'Approval required' if waiting else 'Approvals'}: {', '.join(parts)}"


def _subject(approval: Approval, prefix: str) -> str:
    title = _ascii(approval.request.title or "")
    if title:
        subject = f"{prefix}: {title}"
    elif approval.decision is None and not approval.request.title:
        subject = DEFAULT_SUBJECT
    else:
        execution = _ascii(approval.workflow.execution_name)
        subject = f"{prefix}: {execution}" if execution else prefix
    return subject if len(subject) <= MAX_SUBJECT else f"{subject[: MAX_SUBJECT - 3]}..."


def _ascii(text: str) -> str:
    """The text without accents, or nothing where too little would be left to recognise it by."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = " ".join("".join(character for character in folded if character.isprintable()).split())
    wanted = sum(character.isalnum() for character in text)
    return plain if 2 * sum(character.isalnum() for character in plain) >= wanted else ""


def _table(rows: list[tuple[str, str]]) -> str | None:
    if not rows:
        return None
    width = min(max(len(label) for label, _ in rows), 20) + 1
    return "\n".join(f"  {label + ':':<{width}} {present.indent(value)}" for label, value in rows)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _paragraphs(parts: list[str | None]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
