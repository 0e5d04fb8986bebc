"""The texts of emails about one approval: who, what and by when, then the links, the rules, and the author's words.

Each line that other people wrote stands behind a bar, and the author's words come last, below a heading that says whose
they are: nothing in them can pose as the product's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from approvals.domain import facts, form_wording, markdown, omissions, policy_change_wording, wording
from approvals.domain.cancellation import reason
from approvals.domain.comparison import sees_values
from approvals.domain.comparison_wording import change_rows, comparison_lead, comparison_notes
from approvals.domain.eligibility import is_quorum, responder
from approvals.domain.form_changes import current_form, reset_response
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, readable, shorten
from approvals.domain.omissions import RequestPart, Shown
from approvals.domain.override_wording import override_sentence
from approvals.domain.parts import display_name, duration, join_names, pluralize, with_address
from approvals.domain.people import Person
from approvals.domain.rules import can_extend
from approvals.domain.signed_links import approver_of, link
from approvals.domain.steps import notice_step, outcome_step, request_step
from approvals.services.channel import NewsKind
from mail.addresses import EMAIL
from mail.sns import Mail
from mail.subjects import is_only_told, later_subject, notice_subject, request_subject
from mail.surfaces import EMAIL_BODY
from mail.text import naming, paragraphs, quoted, rows, table

_YOURS_ALONE = "The links are yours alone: do not forward this email."
_SHARED = "Anyone who has these links can respond: do not forward this email."
"""For a request without approvers: its email goes to the stack's address, which several people may read."""
CONFIRMED = "Nothing is recorded until you press the button on the page that opens."
AT_ONCE = "Opening a link responds at once, unless the page asks for more."
"""For the template's `EmailLinkMode=one-click`."""

MAX_SAID = 2000
"""Characters of a comment, which has at most 1,000, or of a cause, which can be longer."""

MAX_FORM = 120_000
"""UTF-8 bytes of the filled-in form. SNS takes 262,144 for the whole text."""

MAX_FORM_SO_FAR = 10_000
"""UTF-8 bytes of what others filled in, in an email that asks: the page shows all of it."""

_AUTHOR = "--- FROM THE REQUEST: written by its author, not checked by us ---"
_UNSUBSCRIBE = "AWS adds an unsubscribe link at the end. It stops all approval emails to this address."
_NOTHING_TO_DO = "You don't need to do anything."
_LINKS_WORK = "The links in the earlier email still work."
_CANNOT_RESPOND = "You can't respond."
SHARED_ADDRESS = (
    "You can't respond: several people may read this address, and this request needs responses from different people."
)
HIGH = "High severity: the page asks you to confirm your response."


@dataclass(frozen=True, slots=True)
class Links:
    """Where links lead, and whether opening one responds. `base_url` has no slash at its end."""

    base_url: str
    one_click: bool

    def of(self, approval: Approval, recipient: str, *, complete: bool) -> list[str]:
        """Return the recipient's links, each alone on its line. `complete`: the email shows all of the request."""

        def address(action: Action) -> str:
            return link(approval, action, recipient, base_url=self.base_url, all_shown=complete)

        return [f"{verb.upper()}\n{address(action)}" for action, verb in words_of(approval).verbs.items()]

    def promise(self, *, complete: bool) -> str:
        """Return what opening a link does."""
        return AT_ONCE if self.one_click and complete else CONFIRMED


def mail_for(approval: Approval, step: str, links: Links) -> Mail | None:
    """Return the email for a step, as the approval is now; None if it no longer makes sense.

    Raise `KeyError` for a step of no email.
    """
    kind, _, recipient = step.partition(":")
    if kind == outcome_step(EMAIL):
        return outcome_mail(approval, recipient) if approval.decision else None
    if approval.decision:
        return None
    kind = kind.partition("-")[0]  # Of `reminder-2`, for example.
    with_links: dict[str, Callable[[Approval, str, Links], Mail | None]] = {
        request_step(EMAIL): request_mail,
        NewsKind.REMINDER: reminder_mail,
        NewsKind.POLICY: policy_mail,
        NewsKind.RESET: reset_mail,
    }
    if kind in with_links:
        return with_links[kind](approval, recipient, links)
    without_links = {
        notice_step(EMAIL): notice_mail,
        NewsKind.ESCALATION: escalation_mail,
        NewsKind.EXTENSION: extension_mail,
    }
    return without_links[kind](approval, recipient)


def request_mail(approval: Approval, recipient: str, links: Links) -> Mail:
    """Return the email that asks for a response."""
    return _asking(approval, recipient, links, request_subject(approval), wording.request_sentence(approval))


def reminder_mail(approval: Approval, recipient: str, links: Links) -> Mail:
    """Return the email that reminds a person of the request, with the same links."""
    who = facts.requester(approval) or "a workflow"
    lead = f"Reminder: {who} still needs your response by {readable(approval.deadline)}."
    return _asking(approval, recipient, links, later_subject(approval, recipient), lead)


def reset_mail(approval: Approval, recipient: str, links: Links) -> Mail | None:
    """Return the email to a person whose approval was reset, with the same links; None if they need not respond."""
    person = responder(approval, approver_of(approval, recipient))
    response = reset_response(approval, person) if isinstance(person, Person) else None
    if response is None:
        return None
    sentence = form_wording.reset_sentence(approval, response)
    lead = f"{sentence} Respond again by {readable(approval.deadline)}."
    changes = "\n".join(map(quoted, form_wording.reset_changes(approval, response)))
    return _asking(approval, recipient, links, later_subject(approval, recipient), lead, changes=changes)


def policy_mail(approval: Approval, recipient: str, links: Links) -> Mail:
    """Return the email that says that the policy changed. It has the same links, unless the person can't respond."""
    lead = policy_change_wording.asked_again_sentence(approval)
    subject = later_subject(approval, recipient)
    if isinstance(responder(approval, approver_of(approval, recipient)), Person):
        return _asking(approval, recipient, links, subject, f"{lead} Respond by {readable(approval.deadline)}.")
    lead = f"{lead} You are no longer among the approvers. {_NOTHING_TO_DO}"
    parts = [lead, quoted(approval.title), _source(approval)]
    return Mail(recipient, subject, paragraphs(parts))


def notice_mail(approval: Approval, recipient: str) -> Mail:
    """Return the email to a person who can't respond. It has no links."""
    shown = omissions.fit(approval, EMAIL_BODY)
    who = facts.requester(approval) or "A workflow"
    # Several people may read the stack's own address, so a quorum only tells it.
    shared = is_quorum(approval.request) and approval.request.is_open and recipient not in approval.request.notify
    parts = [
        f"For information only: {who} {words_of(approval).notice}. {SHARED_ADDRESS if shared else _CANNOT_RESPOND}",
        quoted(approval.title),
        comparison(approval, recipient),
        "High severity." if wording.is_high_severity(approval) else "",
        _left_out(shown, "The execution's input has all of it."),
        _rules(approval, recipient, deadline=True),
        _source(approval),
        _author_block(shown),
    ]
    return Mail(recipient, notice_subject(approval), paragraphs(parts))


def escalation_mail(approval: Approval, recipient: str) -> Mail:
    """Return the email that says who else can respond now."""
    people = approval.people.escalation if approval.people else ()
    names = wording.limit_names([with_address(person) for person in people])
    parts = [
        naming("Escalated: there is no decision yet. Now these people can respond as well:", names),
        quoted(approval.title),
        _LINKS_WORK,
        _rules(approval, recipient, deadline=True),
        _source(approval),
    ]
    return Mail(recipient, later_subject(approval, recipient), paragraphs(parts))


def extension_mail(approval: Approval, recipient: str) -> Mail:
    """Return the email that says who extended the deadline, and to when."""
    who = display_name(approval.extensions[-1].approver)
    lead = f"{who} extended the deadline to {readable(approval.deadline)}."
    parts = [lead, quoted(approval.title), _LINKS_WORK, _source(approval)]
    return Mail(recipient, later_subject(approval, recipient), paragraphs(parts))


def outcome_mail(approval: Approval, recipient: str) -> Mail:
    """Return the email that says how the approval ended."""
    decision = wording.decision_of(approval)
    who = display_name(decision.approver) if decision.approver else ""
    links = "" if is_only_told(approval, recipient) else "Your links in the earlier email now show this outcome."
    parts = [
        f"{ended(approval)} {_NOTHING_TO_DO}",
        quoted(approval.title),
        str(override_sentence(approval)),
        wording.undelivered_sentence(approval),
        why_cancelled(approval),
        said(f"{'Reason' if decision.override else 'Comment'} from {who}:", decision.comment or "") if who else "",
        _filled_in(approval),
        "" if wording.is_decided_alone(approval) else _progress(approval),
        _source(approval),
        links,
    ]
    return Mail(recipient, later_subject(approval, recipient), paragraphs(parts))


def why_cancelled(approval: Approval) -> str:
    """Return the reason of the person who cancelled, else the cause. Both can have other people's words."""
    return said("Reason given:", reason(wording.decision_of(approval))) or said("Cause:", wording.cause(approval))


def ended(approval: Approval) -> str:
    """Return how the approval ended, by whom, where and when, as in `Approved by Bo Kim in Slack on {time}.`."""
    return f"{wording.headline(approval)} {wording.decided_by(approval)}"


def _asking(approval: Approval, recipient: str, links: Links, subject: str, lead: str, *, changes: str = "") -> Mail:
    shown = omissions.fit(approval, EMAIL_BODY)
    complete = shown.is_complete
    parts = [
        lead,
        quoted(approval.title),
        comparison(approval, recipient),
        f"What was changed:\n{changes}" if changes else "",
        *links.of(approval, recipient, complete=complete),
        "\n".join([links.promise(complete=complete), whose_links([approval])]),
        _left_out(shown, "Open a link to read all of it."),
        _wanted(approval),
        _rules(approval, recipient, "" if links.one_click and complete else _extensible(approval)),
        _source(approval),
        _UNSUBSCRIBE,
        _author_block(shown),
    ]
    return Mail(recipient, subject, paragraphs(parts))


def comparison(approval: Approval, recipient: str) -> str:
    """Return what differs from the last approved request of the subject, with the values that the recipient may see."""
    values = sees_values(approval, approver_of(approval, recipient))
    notes = comparison_notes(approval, values=values)
    parts = [str(comparison_lead(approval)), *rows(change_rows(approval, values=values)), notes]
    return "\n".join(filter(None, parts))


def whose_links(approvals: Sequence[Approval]) -> str:
    """Return the sentence that says who can use the links to these approvals."""
    return _SHARED if any(approval.request.is_open for approval in approvals) else _YOURS_ALONE


def _left_out(shown: Shown, rest: str) -> str:
    """Say what the author's block leaves out. The page has the form, so it is not left out."""
    texts = [text for part, text in shown.omissions.items() if part is not RequestPart.FORM]
    return f"Not shown in this email: {join_names(texts)}. {rest}" if texts else ""


def _wanted(approval: Approval) -> str:
    """Say what a response needs in addition to a click."""
    reasons, fields = wording.response_requirements(approval)
    lines = [HIGH] if wording.is_high_severity(approval) else []
    if fields:
        to_approve = f"To {words_of(approval).verbs[Action.APPROVE]}, you"
        values = _filled_in(approval, f"{to_approve} confirm or change the form", MAX_FORM_SO_FAR)
        lines += [values] if current_form(approval) else [f"{to_approve} fill in:", *map(quoted, fields)]
    return "\n".join([*lines, *([reasons] if reasons else [])])


def _rules(approval: Approval, recipient: str, more: str = "", *, deadline: bool = False) -> str:
    """Say who can respond, who has, and what happens without a decision. `deadline`: no sentence above has it."""
    who = wording.responders(approval, recipient)
    counts, responses = wording.counts(approval), wording.latest_responses(approval)
    so_far = f" So far: {', '.join(counts)}." if counts else ""
    alone = who == ["you"]
    lines = [
        f"Deadline: {readable(approval.deadline)}." if deadline else "",
        "Only you can respond." if alone else naming("Who can respond:", who),
        "" if alone and not counts else f"{wording.quorum_sentence(approval)}{so_far}",
        *(f"  {line}" for line in responses),
        wording.timeout_sentence(approval),
        wording.warnings(approval),
        more,
    ]
    return "\n".join(line for line in lines if line)


def _extensible(approval: Approval) -> str:
    if not can_extend(approval):
        return ""
    longer = duration(approval.request.more_time.by)
    return f"Need more time? On the page, you can extend the deadline by {longer} for all approvers."


def _progress(approval: Approval) -> str:
    counts, responses = wording.counts(approval), wording.latest_responses(approval)
    return "\n".join([f"{', '.join(counts)}:", *(f"  {line}" for line in responses)]) if counts else ""


def _source(approval: Approval) -> str:
    return table([*wording.source(approval), ("Approval ID", approval.id)])


def said(heading: str, text: str) -> str:
    """Return a person's words below a heading, if there are any."""
    return f"{heading}\n{quoted(shorten(text, MAX_SAID))}" if text.strip() else ""


def _filled_in(approval: Approval, lead: str = "Form", most: int = MAX_FORM) -> str:
    found = rows(facts.form_answers(approval))
    if not found:
        return ""
    sizes = accumulate(len(row.encode()) + 1 for row in found)
    shown = [row for row, size in zip(found, sizes, strict=True) if size <= most]
    left = len(found) - len(shown)
    note = f" ({left} of {pluralize(len(found), 'field')} left out)" if left else ""
    return "\n".join([f"{lead}, {form_wording.filled_in_by(approval)}{note}:", *shown])


def _author_block(shown: Shown) -> str:
    """Return everything that the request's author wrote except its title."""
    parts = (
        ("Facts", "\n".join(rows(shown.facts))),
        (facts.ACTION, "\n".join(rows(shown.action))),
        ("Details", quoted(markdown.plain(shown.details), indent="  ")),
        ("Links", "\n".join(rows(shown.links))),
        ("Workflow input", "\n".join(rows(shown.context))),
    )
    texts = [f"{quoted(heading)}\n{text}" for heading, text in parts if text]
    return "\n".join([_AUTHOR, *texts]) if texts else ""
