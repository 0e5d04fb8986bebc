"""The text of a digest: one email about several approvals."""

from __future__ import annotations

from collections.abc import Sequence

from approvals.domain import facts, policy_change_wording, wording
from approvals.domain.model import Approval, readable
from approvals.domain.omissions import fit
from approvals.domain.override_wording import override_sentence
from approvals.domain.signed_links import approver_of
from mail.messages import HIGH, Links, comparison, ended, whose_links, why_cancelled
from mail.recipients import asked
from mail.sns import Mail
from mail.subjects import digest_subject, reference
from mail.surfaces import TITLE_ALONE
from mail.text import paragraphs, quoted, table

_TITLES_ALONE = "This email shows only titles. Open a link to read the whole request."


def digest_mail(approvals: Sequence[Approval], recipient: str, links: Links, *, stack_email: str) -> Mail:
    """Return one email about several approvals: those that wait for the recipient, with links; then the others."""
    waiting = [approval for approval in approvals if approval.decision is None]
    mine = [approval for approval in waiting if recipient in asked(approval, stack_email)]
    others = [approval for approval in waiting if approval not in mine]
    closed = [approval for approval in approvals if approval.decision is not None]
    parts: list[str] = []
    complete = [fit(approval, TITLE_ALONE).is_complete for approval in mine]
    if mine:
        opening = "\n".join([_TITLES_ALONE, links.promise(complete=any(complete)), whose_links(mine)])
        parts += [f"Waiting for you ({len(mine)})", opening]
    for number, (approval, all_shown) in enumerate(zip(mine, complete, strict=True), 1):
        parts += [
            f"{number}. {reference(approval)} {wording.request_sentence(approval)}\n{quoted(approval.title)}",
            comparison(approval, recipient),
            policy_change_wording.again_notice(approval, approver_of(approval, recipient)),
            HIGH if wording.is_high_severity(approval) else "",
            wording.requester_warning(approval),
            *links.of(approval, recipient, complete=all_shown),
            table(facts.source(approval)),
        ]
    if others:
        parts.append(f"Waiting for others ({len(others)}). For information only: you can't respond.")
    parts += [f"- {reference(approval)} {_deadline(approval)}\n{quoted(approval.title)}" for approval in others]
    if closed:
        parts.append(f"Closed ({len(closed)}). You don't need to do anything.")
    for approval in closed:
        notes = (str(override_sentence(approval)), wording.undelivered_sentence(approval))
        outcome = " ".join(filter(None, [ended(approval), *notes]))
        parts += [f"- {reference(approval)} {outcome}\n{quoted(approval.title)}", why_cancelled(approval)]
    high = any(wording.is_high_severity(approval) for approval in mine)
    subject = digest_subject(approvals[0], len(mine), len(others), len(closed), high=high)
    return Mail(recipient, subject, paragraphs(parts))


def _deadline(approval: Approval) -> str:
    who = facts.requester(approval)
    return f"Deadline: {readable(approval.deadline)}.{f' Requested by {who}.' if who else ''}"
