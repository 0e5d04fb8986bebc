"""The subjects of emails.

All emails about one approval to one address are one conversation. SNS sets no `References` header, so email programs
have only the subject to go by: each later email has the first one's subject after "Re: ", and its first line has the
news, which lists show as the preview. Gmail groups emails of a week by sender and subject without "Re:"
(https://workspaceupdates.googleblog.com/2019/03/threading-changes-in-gmail-conversation-view.html); Outlook groups them
by the subject without its prefix ([MS-OXCMAIL] 2.2.3.2.7). Programs that use only `References` show single emails. The
start of the approval's id ends the subject, so that two requests with the same title stay apart. A digest is a
conversation of its own, and so is the outcome of a request that was in one.

A title stands between the product's own words and the reference, so it can't pose as a reply or as another request.
"""

from __future__ import annotations

import unicodedata

from approvals.domain import wording
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Approval
from approvals.domain.references import short
from approvals.domain.steps import notice_step, request_step
from mail.addresses import EMAIL

DEFAULT_SUBJECT = "Required approval from AWS Step Functions"
"""The AWS tutorial's subject, for a request without a title. A reference follows it, as in every subject."""

MAX_SUBJECT = 99
"""Characters, printable ASCII. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""

_TELL, _DIGEST = "For information:", "Approvals:"
_HIGH, _AGAIN = "HIGH: ", "Re: "
"""Outlook reads up to three letters and a colon as a prefix like "Re:", so no other word here may look like one."""


def request_subject(approval: Approval) -> str:
    """Return the subject of the email that asks for a response."""
    return _subject(approval, words_of(approval).prefix)


def notice_subject(approval: Approval) -> str:
    """Return the subject of the first email to a person who can't respond."""
    return _subject(approval, _TELL)


def later_subject(approval: Approval, recipient: str) -> str:
    """Return the subject of a later email: "Re: " and the subject of the recipient's first email."""
    told = is_only_told(approval, recipient)
    return f"{_AGAIN}{notice_subject(approval) if told else request_subject(approval)}"


def digest_subject(first: Approval, mine: int, others: int, closed: int, *, high: bool) -> str:
    """Return the subject of a digest: how many requests wait and are closed, and the reference of the first."""
    counts = ((mine, "waiting for you"), (others, "waiting for others"), (closed, "closed"))
    said = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f"{_HIGH if high else ''}{_DIGEST} {said} {reference(first)}"


def is_only_told(approval: Approval, recipient: str) -> bool:
    """Return True if the recipient got an email for information only."""
    steps = approval.steps
    return notice_step(EMAIL, recipient) in steps and request_step(EMAIL, recipient) not in steps


def _subject(approval: Approval, prefix: str) -> str:
    """Return the subject of the first email, short enough for `_AGAIN` in front of it."""
    what = _ascii(approval.title) or _ascii(approval.workflow.execution_name)
    is_untitled = prefix != _TELL and not approval.request.form and not (approval.request.title and what)
    says = DEFAULT_SUBJECT if is_untitled else f"{prefix} {what}".strip()
    subject = f"{_HIGH}{says}" if wording.is_high_severity(approval) else says
    ending = reference(approval)
    most = MAX_SUBJECT - len(f"{_AGAIN} {ending}")
    return f"{subject if len(subject) <= most else f'{subject[: most - 3]}...'} {ending}"


def reference(approval: Approval) -> str:
    """Return the beginning of the approval's ID, as people see it in emails."""
    return f"[{short(approval.id)}]"


def _ascii(text: str) -> str:
    """Return the text without accents, or an empty text if too little would be left to recognize it by."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = " ".join("".join(character for character in folded if character.isprintable()).split())
    return plain if 2 * sum(map(str.isalnum, plain)) >= sum(map(str.isalnum, text)) else ""
