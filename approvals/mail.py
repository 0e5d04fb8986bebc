"""Mails: who gets which, their texts, and SNS, which sends them.

Each mail is one publish for one recipient, whose subscription lets through what is addressed to them alone. What is
owed to whom is a step of its own: `request_email:ann@example.com`.

All mails about one approval to one address are one conversation. SNS lets nobody set a `References` header, so subjects
are all that mail programs can go by: each later mail has the first one's subject behind "Re: ", and says what is new in
its first line, which lists show as the preview. Gmail puts mails together by sender and subject, without the "Re:", for
a week (https://workspaceupdates.googleblog.com/2019/03/threading-changes-in-gmail-conversation-view.html); Outlook goes
by the subject without its prefix ([MS-OXCMAIL] 2.2.3.2.7). The start of the approval's id ends the subject, so that two
requests of the same title stay apart. Programs that thread by `References` alone show single mails. A digest is a
conversation of its own, and so is the outcome of what was asked in one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from approvals import markup, present
from approvals.characters import reveal
from approvals.clients import client
from approvals.email_address import canonical, is_same
from approvals.links import link
from approvals.model import Action, Approval, OnTimeout, Severity, Step, readable
from approvals.omissions import EMAIL, TITLE_ALONE, Shown, fit
from approvals.people import eligible, is_quorum, unanswered
from approvals.schema import is_email
from approvals.steps import DeliveryFailed

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

DEFAULT_SUBJECT = "Required approval from AWS Step Functions"
"""Where a request has no title: the AWS tutorial's subject. A reference follows it, as in every subject."""

MAX_SUBJECT = 99
"""Characters, printable ASCII. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

MAX_TEXT = 255 * 1024
"""UTF-8 bytes of a mail's text. SNS takes 262,144, the recipient's name included.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

MAX_SECTION = 40_000
"""UTF-8 bytes of one part of a mail: facts, input, comment. All parts together stay below `MAX_TEXT`."""

RECIPIENT = "recipient"
"""The message attribute that subscriptions filter by."""

_ASK, _TELL = "Approve?", "For information:"
_HIGH, _AGAIN = "HIGH: ", "Re: "
"""Outlook takes up to three letters and a colon for a prefix like "Re:", so nothing of ours may look like one."""

_LINKS_SHOW_IT = " The links in the earlier mail show this outcome."

_REFERENCE = 6
"""Characters of the approval's id in a subject: 30 bits. They need to differ within one inbox and week alone."""


class Note(StrEnum):
    """The mails that ask for nothing. With a recipient behind it each is a step, as those of `Step` are."""

    NOTICE = "notice_email"
    """To who is told of the request, and may not answer."""
    REMINDER = "reminder"
    """The number of the reminder comes before the recipient: `reminder-2:ann@example.com`."""
    ESCALATION = "escalation"
    EXTENSION = "extension"
    """With its number, as a reminder."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as SNS takes it: plain text for one address."""

    to: str
    subject: str
    text: str


class Mailer:
    """Publishes mails to the topic that people's addresses are subscribed to."""

    def __init__(self, sns: SNSClient, topic_arn: str) -> None:
        self._sns = sns
        self._topic_arn = topic_arn

    @classmethod
    def connect(cls, topic_arn: str) -> Mailer:
        """The mailer of a topic."""
        return cls(client("sns"), topic_arn)

    def send(self, mail: Mail) -> None:
        """Publishes the mail. Raises `DeliveryFailed` when SNS does not take it.

        SNS bears few mails a second to one address: take one of the table's slots before.
        """
        try:
            self._sns.publish(
                TopicArn=self._topic_arn,
                Subject=mail.subject,
                Message=mail.text,
                MessageAttributes={RECIPIENT: {"DataType": "String", "StringValue": mail.to}},
            )
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


class Subscribers:
    """The addresses that mails through the topic reach."""

    def __init__(self, sns: Callable[[], SNSClient], topic_arn: str) -> None:
        # Made when it is needed: most requests name nobody.
        self._sns = sns
        self._topic_arn = topic_arn

    def confirmed(self) -> dict[str, str]:
        """The addresses that confirmed their subscription: as they are subscribed, by their casefolded form.

        Raises `DeliveryFailed`.
        """
        pages = self._sns().get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._topic_arn)
        try:
            return {
                found["Endpoint"].casefold(): found["Endpoint"]
                for page in pages
                for found in page["Subscriptions"]
                # In the place of an ARN others have "PendingConfirmation" or "Deleted".
                if found["Protocol"] == "email" and found["SubscriptionArn"].startswith("arn:")
            }
        except (ClientError, BotoCoreError) as error:
            raise _translated(error) from error


def _translated(error: ClientError | BotoCoreError) -> DeliveryFailed:
    if isinstance(error, ClientError):
        return DeliveryFailed(f"SNS answered {error.response['Error']['Code']}")
    return DeliveryFailed(f"SNS can't be reached: {type(error).__name__}")


def asked(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are asked by mail: the approvers who are named by theirs, else the stack's own."""
    request = approval.request
    if not request.approvers:
        # Several people may read the stack's own address: in a quorum it counts as none of them.
        return [] if is_quorum(request) or _is_own_request(approval, stack_email) else [stack_email]
    named = {canonical(name) for name in (*request.approvers, *request.escalate_to)}
    return [person.email for person in eligible(approval) if canonical(person.email) in named]


def told(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are told of the request and its outcome, and may not answer."""
    others = {address.casefold() for address in asked(approval, stack_email)}
    found = [address for address in approval.request.notify if is_email(address) and address.casefold() not in others]
    if not approval.request.approvers and not others:
        found.append(stack_email)
    return list(dict.fromkeys(found))


def reminded(approval: Approval, stack_email: str) -> list[str]:
    """The addresses that are asked and have not answered."""
    addresses = asked(approval, stack_email)
    if approval.request.approvers:
        missing = {person.email for person in unanswered(approval)}
        return [address for address in addresses if address in missing]
    return addresses


def step_for(kind: str, recipient: str) -> str:
    """The step that owes a mail of a kind to a recipient."""
    return f"{kind}:{recipient}"


def recipient_of(step: str) -> str:
    """Whom a step owes a mail to."""
    return step.partition(":")[2]


def mail_for(approval: Approval, step: str, *, base_url: str) -> Mail | None:
    """The mail that a step owes, as the approval stands now; None when it makes no sense any more.

    Raises `KeyError` for a step that owes no mail.
    """
    kind, _, recipient = step.partition(":")
    if kind == Step.OUTCOME_EMAIL:
        return outcome_mail(approval, recipient) if approval.decision else None
    if approval.decision:
        return None
    word = kind.partition("-")[0]
    if word in _WITH_LINKS:
        return _WITH_LINKS[word](approval, recipient, base_url=base_url)
    return _WITHOUT_LINKS[word](approval, recipient)


def request_mail(approval: Approval, recipient: str, *, base_url: str) -> Mail:
    """The mail that asks for an answer. The recipient's links stand each alone on its line.

    Whatever the requester wrote is indented, so that no text of theirs looks like ours.
    """
    who = approval.request.requested_by
    lead = f"{who} asks for your approval" if who else "A workflow is waiting for your approval"
    parts = _asking(approval, recipient, f"{lead}, by {readable(approval.deadline)}.", base_url=base_url)
    return _mail(recipient, _subject(approval, _ASK), parts)


def reminder_mail(approval: Approval, recipient: str, *, base_url: str) -> Mail:
    """The mail that asks again, with the same links."""
    who = approval.request.requested_by or "a workflow"
    lead = f"Reminder: {who} still waits for your answer, by {readable(approval.deadline)}."
    parts = _asking(approval, recipient, lead, base_url=base_url)
    return _mail(recipient, _subject_again(approval, recipient), parts)


def notice_mail(approval: Approval, recipient: str) -> Mail:
    """The mail to somebody who is told of the request, and may not answer: without links."""
    who = approval.request.requested_by
    parts = [
        f"{who} asks for an approval." if who else "A workflow is waiting for an approval.",
        approval.title,
        _why_told(approval, recipient),
        *_content(approval, fit(approval, EMAIL), rest="The execution's input has everything."),
        *_rules(approval),
    ]
    return _mail(recipient, _subject(approval, _TELL), parts)


def escalation_mail(approval: Approval, recipient: str) -> Mail:
    """The mail that says who else may answer from now on."""
    people = approval.people.escalation if approval.people else ()
    names = ", ".join(person.name or person.id for person in people)
    parts = [
        _cut(f"Escalated: there was no decision in time. From now on these may answer, too: {names}.", MAX_SECTION),
        approval.title,
        _table(present.facts(approval)),
        *_rules(approval),
    ]
    return _mail(recipient, _subject_again(approval, recipient), parts)


def extension_mail(approval: Approval, recipient: str) -> Mail:
    """The mail that says until when there is more time, and who asked for it."""
    parts = [
        f"{approval.extensions[-1].approver.name} asked for more time: until {readable(approval.deadline)}.",
        approval.title,
        _table(present.facts(approval)),
    ]
    return _mail(recipient, _subject_again(approval, recipient), parts)


def outcome_mail(approval: Approval, recipient: str) -> Mail:
    """The mail that says how the approval ended."""
    decision = present.decided(approval)
    parts = [
        present.outcome(approval),
        approval.title,
        *_titled("Comment:", _indented(_cut(decision.comment or "", MAX_SECTION))),
        *_titled("Filled in:", _cut(_table(present.filled_in(approval)) or "", MAX_SECTION)),
        _table(present.facts(approval)),
        _progress(approval),
        f"There is nothing left for you to do.{'' if _only_told(approval, recipient) else _LINKS_SHOW_IT}",
    ]
    return _mail(recipient, _subject_again(approval, recipient), parts)


def digest_mail(approvals: Sequence[Approval], recipient: str, *, base_url: str, stack_email: str) -> Mail:
    """One mail about several approvals: those that wait, with links for who is asked, then those that ended."""
    waiting = [approval for approval in approvals if approval.decision is None]
    mine = [approval for approval in waiting if recipient in asked(approval, stack_email)]
    others = [approval for approval in waiting if approval not in mine]
    ended = [approval for approval in approvals if approval.decision is not None]
    parts: list[str | None] = []
    if mine:
        parts.append("These wait for your approval.")
    for number, approval in enumerate(mine, 1):
        parts += [
            f"{number}. {approval.title}",
            *_severity(approval),
            _table(present.facts(approval)),
            *_links(approval, recipient, base_url=base_url, all_shown=fit(approval, TITLE_ALONE).is_complete),
            present.unchecked(approval),
        ]
    if others:
        parts.append("These wait for somebody's approval. You are told of them, and may not answer.")
    for approval in others:
        parts += [f"- {approval.title}", _table(present.facts(approval))]
    if ended:
        parts.append("These have ended; there is nothing left for you to do about them.")
    for approval in ended:
        parts += [f"- {approval.title}", f"  {present.outcome(approval)}", _table(present.facts(approval))]
    high = _HIGH if any(approval.request.severity is Severity.HIGH for approval in mine) else ""
    subject = f"{high}{_digest_subject(len(mine), len(others), len(ended))} {_reference(approvals[0])}"
    return _mail(recipient, subject, parts)


def _asking(approval: Approval, recipient: str, lead: str, *, base_url: str) -> list[str | None]:
    shown = fit(approval, EMAIL)
    return [
        lead,
        approval.title,
        *_content(approval, shown, rest="The page behind the links below shows everything."),
        *_links(approval, recipient, base_url=base_url, all_shown=shown.is_complete),
        *_rules(approval),
    ]


def _content(approval: Approval, shown: Shown, *, rest: str) -> list[str | None]:
    """What is asked, as far as it fits, and what is left out. `rest` says where to find it."""
    links = "\n".join(f"  {label}:\n    {url}" for label, url in shown.links)
    return [
        *_severity(approval),
        _table([(label, value) for label, value in present.facts(approval) if label != "Requested by"]),
        *([f"Not shown in this email: {shown.left_out}. {rest}"] if shown.left_out else []),
        *_titled("Facts:", _table(list(shown.facts)) or ""),
        *_titled("Links:", links),
        *_titled("Details:", _indented(markup.plain(shown.details))),
        *_titled("Input of the workflow:", _table(list(shown.context)) or ""),
    ]


def _why_told(approval: Approval, recipient: str) -> str:
    shared = not approval.request.approvers and recipient not in approval.request.notify
    if shared and is_quorum(approval.request):
        return f"You are told, and may not answer it here. {present.SHARED_ADDRESS}"
    return "You are told because the request names you; you may not answer it."


def _severity(approval: Approval) -> list[str | None]:
    high = approval.request.severity is Severity.HIGH
    return ["Severity: HIGH. You will be asked to confirm your answer a second time."] if high else []


def _links(approval: Approval, recipient: str, *, base_url: str, all_shown: bool) -> list[str | None]:
    approve, reject = (link(approval, action, recipient, base_url=base_url, all_shown=all_shown) for action in Action)
    return ["Approve:", approve, "Reject:", reject]


def _rules(approval: Approval) -> list[str | None]:
    """Who may answer, how far it is, and what happens without an answer."""
    request = approval.request
    quick = request.required_approvals == request.required_rejections == 1
    first, missing = ("The first answer decides. ", "one") if quick else ("", "a decision")
    end = "counts as rejected" if request.on_timeout is OnTimeout.REJECT else "expires, unapproved"
    return [
        _cut(present.who_may(approval), MAX_SECTION // 4),
        _progress(approval),
        f"{first}Without {missing} by {readable(approval.deadline)} it {end}.",
    ]


def _progress(approval: Approval) -> str | None:
    return _cut("\n".join(f"  {line}" for line in present.progress(approval)), MAX_SECTION // 4) or None


def _is_own_request(approval: Approval, address: str) -> bool:
    requester = approval.people.requester if approval.people else None
    own = requester is not None and is_same(requester.email, address)
    return own and not approval.request.allow_self_approval


def _mail(recipient: str, subject: str, parts: Sequence[str | None]) -> Mail:
    return Mail(recipient, subject, _cut(reveal(_paragraphs(parts)), MAX_TEXT))


def _titled(heading: str, text: str) -> list[str | None]:
    return [heading, text] if text.strip() else []


def _cut(text: str, most: int, rest: str = "the execution has all of it") -> str:
    """The text, cut to so many UTF-8 bytes; the cut says where the rest is. Cut lines stay indented."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    note = f"\n  \u2026 (cut here: {rest})\n"
    return raw[: most - len(note.encode())].decode(errors="ignore") + note


class _Linked(Protocol):
    def __call__(self, approval: Approval, recipient: str, *, base_url: str) -> Mail: ...


_WITH_LINKS: dict[str, _Linked] = {Step.REQUEST_EMAIL: request_mail, Note.REMINDER: reminder_mail}
_WITHOUT_LINKS: dict[str, Callable[[Approval, str], Mail]] = {
    Note.NOTICE: notice_mail,
    Note.ESCALATION: escalation_mail,
    Note.EXTENSION: extension_mail,
}


def _digest_subject(mine: int, others: int, ended: int) -> str:
    counts = ((mine, "waiting for you"), (others, "waiting for others"), (ended, "ended"))
    return f"{_ASK if mine else 'Approvals:'} {', '.join(f'{count} {what}' for count, what in counts if count)}"


def _subject(approval: Approval, prefix: str) -> str:
    """The subject of the first mail to somebody: short enough for `_AGAIN` in front of it."""
    request = approval.request
    what = _ascii(approval.title) or _ascii(approval.workflow.execution_name)
    says = DEFAULT_SUBJECT if prefix == _ASK and not (request.title and what) else f"{prefix} {what}".strip()
    subject = f"{_HIGH}{says}" if request.severity is Severity.HIGH else says
    reference = _reference(approval)
    most = MAX_SUBJECT - len(f"{_AGAIN} {reference}")
    return f"{subject if len(subject) <= most else f'{subject[: most - 3]}...'} {reference}"


def _subject_again(approval: Approval, recipient: str) -> str:
    """The subject of a later mail: behind `_AGAIN` the one that the recipient's first mail had."""
    return f"{_AGAIN}{_subject(approval, _TELL if _only_told(approval, recipient) else _ASK)}"


def _only_told(approval: Approval, recipient: str) -> bool:
    steps = approval.steps
    return step_for(Note.NOTICE, recipient) in steps and step_for(Step.REQUEST_EMAIL, recipient) not in steps


def _reference(approval: Approval) -> str:
    return f"[{approval.id[:_REFERENCE]}]"


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


def _paragraphs(parts: Sequence[str | None]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
