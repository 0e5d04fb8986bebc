"""The subjects of emails.

All emails about one approval to one address are one conversation. SNS lets nobody set a `References` header, so
subjects are all that mail programs can go by: each later email has the first one's subject behind "Re: ", and says
what is new in its first line, which lists show as the preview. Gmail puts emails together by sender and subject,
without the "Re:", for a week
(https://workspaceupdates.googleblog.com/2019/03/threading-changes-in-gmail-conversation-view.html); Outlook goes by
the subject without its prefix ([MS-OXCMAIL] 2.2.3.2.7). The start of the approval's id ends the subject, so that two
requests of the same title stay apart. Programs that thread by `References` alone show single emails. A digest is a
conversation of its own, and so is the outcome of what was asked in one.

A title stands between words of ours and the reference, so it can pose neither as a reply nor as an email without one.
"""

from __future__ import annotations

import unicodedata

from approvals.domain import wording
from approvals.domain.model import Approval
from approvals.domain.references import short
from approvals.domain.steps import notice_step, request_step
from mail.addresses import EMAIL

DEFAULT_SUBJECT = "Required approval from AWS Step Functions"
"""Where a request has no title: the AWS tutorial's subject. A reference follows it, as in every subject."""

MAX_SUBJECT = 99
"""Characters, printable ASCII. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

_ASK, _ASK_WITH_FORM, _TELL, _DIGEST = "Approve?", "Answer needed:", "For information:", "Approvals:"
_HIGH, _AGAIN = "HIGH: ", "Re: "
"""Outlook takes up to three letters and a colon for a prefix like "Re:", so nothing of ours may look like one."""


def request_subject(approval: Approval) -> str:
    """Return the subject of the email that asks for a response."""
    return _subject(approval, _ASK_WITH_FORM if approval.request.form else _ASK)


def notice_subject(approval: Approval) -> str:
    """Return the subject of the first email to somebody who can't respond."""
    return _subject(approval, _TELL)


def later_subject(approval: Approval, recipient: str) -> str:
    """Return the subject of a later email: behind "Re: " the one that the recipient's first email had."""
    told = is_only_told(approval, recipient)
    return f"{_AGAIN}{notice_subject(approval) if told else request_subject(approval)}"


def digest_subject(first: Approval, mine: int, others: int, closed: int, *, high: bool) -> str:
    """Return the subject of a digest: how many requests wait and are closed. `first` gives it its reference."""
    counts = ((mine, "waiting for you"), (others, "waiting for others"), (closed, "closed"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{_HIGH if high else ''}{_DIGEST} {said} {_reference(first)}"


def is_only_told(approval: Approval, recipient: str) -> bool:
    """Return True if the recipient got an email for information alone."""
    steps = approval.steps
    return notice_step(EMAIL, recipient) in steps and request_step(EMAIL, recipient) not in steps


def _subject(approval: Approval, prefix: str) -> str:
    """The subject of the first email to somebody: short enough for `_AGAIN` in front of it."""
    request = approval.request
    what = _ascii(approval.title) or _ascii(approval.workflow.execution_name)
    says = DEFAULT_SUBJECT if prefix == _ASK and not (request.title and what) else f"{prefix} {what}".strip()
    subject = f"{_HIGH}{says}" if wording.is_high_severity(approval) else says
    reference = _reference(approval)
    most = MAX_SUBJECT - len(f"{_AGAIN} {reference}")
    return f"{subject if len(subject) <= most else f'{subject[: most - 3]}...'} {reference}"


def _reference(approval: Approval) -> str:
    return f"[{short(approval.id)}]"


def _ascii(text: str) -> str:
    """The text without accents, or nothing where too little would be left to recognize it by."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = " ".join("".join(character for character in folded if character.isprintable()).split())
    wanted = sum(character.isalnum() for character in text)
    return plain if 2 * sum(character.isalnum() for character in plain) >= wanted else ""
