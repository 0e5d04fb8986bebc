"""The message that asks for an approval, and shows its progress and outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    HeaderBlock,
    PlainTextObject,
    RichTextSectionElement,
)

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, form_wording, omissions, wording
from approvals.domain.cancellation import cancelled_by, reason
from approvals.domain.characters import reveal
from approvals.domain.delegate_wording import MAX_DELEGATES, active, find_owner
from approvals.domain.eligibility import barred_requester, deciders, eligible, is_quorum
from approvals.domain.form_changes import current_form
from approvals.domain.kind_wording import words_of
from approvals.domain.markdown import Style
from approvals.domain.model import Action, Approval, Decision, Severity, Status, shorten
from approvals.domain.omissions import Shown
from approvals.domain.override_wording import override_sentence
from approvals.domain.parts import Moment, before_value, display_name, join_texts, pluralize, with_address
from approvals.domain.people import Approver, Person
from approvals.domain.references import short
from bot.addresses import SLACK, is_slack_user
from bot.surfaces import SLACK_MESSAGE
from bot.views import details
from bot.views.buttons import READ_AND_RESPOND, READ_IN_FULL, page_button, request_buttons
from bot.views.comparison import comparison
from bot.views.modal import fits_in_modal
from bot.views.text import (
    Part,
    date,
    escape,
    fit_literal,
    footnote,
    literal,
    local_time,
    mention,
    mention_of,
    mention_or_name,
    paragraph,
    rich,
    runs,
    sentence,
    weight_of,
    with_quotes,
)

MAX_HEADER = 150
"""Characters. Source: https://docs.slack.dev/reference/block-kit/blocks/header-block"""

MAX_VALUE = 300
"""Characters of one of our own facts: an email address has 254 at most, a parent's name 161."""

MAX_COMMENT = 2500
MAX_NAMES = 2000
MAX_PROGRESS = 1500
MAX_FILLED_IN = 2000
MAX_FIELDS = 1500
"""Shares of what a message may weigh: so that none of the product's own parts leaves the request without room."""

_HEADING = 120
"""What the heading of the request weighs, at most."""

FORM_ON_THE_PAGE = f"The form is too large for Slack: press *{READ_AND_RESPOND}* for a link to it."

_SEVERE = "\u26a0\ufe0f *High severity*: you confirm your response in a second step."

_YOURS_ALONE = "The link is yours alone: do not forward it."


def request_text(approval: Approval) -> str:
    """Return the text for the notification, and for clients that show no blocks."""
    return f"{words_of(approval).prefix} {literal(approval.title)}"


def request_blocks(
    approval: Approval, *, answerable: bool = True, is_copy: bool = False, values: bool = False
) -> list[Block]:
    """Return the message of an open request: our own words, then the request, with buttons if it is answerable.

    Only a message that shows all of the request has a button to approve. Others have one that leads to the page. A copy
    is for one person, in any channel. `values` says that all readers may see those of the last approved request.
    """
    fits = has_fitting_form(approval)
    in_channel = not is_copy and not is_slack_user(approval.request.channel or "")
    head = [
        *_title(approval),
        *comparison(approval, values=values),
        *_lead(approval),
        *_rules(approval, in_channel=in_channel),
        *([] if fits else [paragraph(FORM_ON_THE_PAGE)]),
    ]
    actions = request_buttons(approval, all_shown=True)
    tail = footnote(sentence(wording.timeout_sentence(approval)), _reference(approval))
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*head, actions, tail]) + _HEADING)
    content = [*head, *details.from_request(shown)]
    if shown.is_complete:
        return [*content, *([request_buttons(approval, all_shown=fits)] if answerable else []), tail]
    if answerable:
        return [*content, omitted(shown, on_the_page()), request_buttons(approval, all_shown=False), tail]
    return [
        *content,
        omitted(shown, on_the_page(READ_IN_FULL)),
        ActionsBlock(elements=[page_button(approval, READ_IN_FULL)]),
        tail,
    ]


def has_fitting_form(approval: Approval) -> bool:
    """Return True if the approval takes no form, or one that Slack can show."""
    return not approval.request.form or fits_in_modal(approval, Action.APPROVE)


def message_of(
    approval: Approval, *, answerable: bool = True, is_copy: bool = False, values: bool = False
) -> tuple[str, list[Block]]:
    """Return the message that shows an approval as it is now: a text for notifications, and blocks.

    `values` is as in `request_blocks`.
    """
    if approval.decision:
        return outcome_text(approval), outcome_blocks(approval)
    blocks = request_blocks(approval, answerable=answerable, is_copy=is_copy, values=values)
    return request_text(approval), blocks


def page_link_text(approval: Approval, url: str) -> str:
    """Return a link to the page, as mrkdwn for one user: the link is a right to respond."""
    return f"{sentence(wording.quoted_title(approval))} <{escape(url)}|Open the page>. {_YOURS_ALONE}"


def omitted(shown: Shown, rest: str) -> Block:
    """Return a block that names the omissions. `rest` says where to read them."""
    return paragraph(f"\u26a0\ufe0f *Not shown here:* {literal(shown.left_out)}. {rest}")


def on_the_page(button: str = READ_AND_RESPOND) -> str:
    """Return where everything is shown, and how to get there."""
    return f"Press *{button}* to get a personal link to the page, which shows everything."


def outcome_text(approval: Approval) -> str:
    """Return the text of the message once the approval is decided."""
    return f"{wording.headline(approval)}: {literal(approval.title)}"


def outcome_reply(approval: Approval) -> str:
    """Return the reply once the approval is decided: what was asked, the outcome, and the comment or the cause."""
    outcome = (wording.headline(approval), wording.decided_by(approval))
    notes = (override_sentence(approval), wording.undelivered_sentence(approval))
    heading, words = _words(approval, display_name)  # Without a mention: it would notify the commenter.
    said = join_texts([wording.quoted_title(approval), *outcome, *notes, heading])
    return with_quotes(sentence(said), shorten(words, MAX_COMMENT).splitlines())


def requester_of(approval: Approval) -> str:
    """Return the requester's Slack user ID; empty if none is known."""
    if approval.people and approval.people.requester:
        return approval.people.requester.on(SLACK)
    asked_by = approval.request.requested_by or ""
    return asked_by if is_slack_user(asked_by) else ""


def outcome_blocks(approval: Approval) -> list[Block]:
    """Return the message once the approval is decided: without buttons, but with who, when, and by which channel."""
    decision = wording.decision_of(approval)
    notes = [sentence(override_sentence(approval)), wording.undelivered_sentence(approval)]
    ours: list[Block] = [
        *_title(approval),
        paragraph(f"*{wording.headline(approval)}* {_by(approval, decision)}"),
        *(paragraph(note) for note in notes if note),
        *_quoted(*_words(approval, mention_of)),
        *_filled_in(approval),
        *([] if wording.is_decided_alone(approval) else _progress(approval)),
    ]
    requester = _requester(approval)
    execution = f"<{console_url(approval.workflow.execution_arn)}|Open execution>"
    asked = [f"{facts.REQUESTER}: {requester}"] if requester else []
    tail = footnote(*asked, _reference(approval), execution)
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*ours, tail]) + _HEADING)
    rest = [] if shown.is_complete else [omitted(shown, "The execution's input has everything.")]
    return [*ours, *details.from_request(shown), *rest, tail]


def _title(approval: Approval) -> list[Block]:
    long_title = details.quote(approval.title, MAX_NAMES) if len(approval.title) > MAX_HEADER else []
    title = PlainTextObject(text=reveal(shorten(approval.title, MAX_HEADER)), emoji=False)
    return [HeaderBlock(text=title), *long_title]


def source_line(approval: Approval) -> str:
    """Return the source of a request on one line, as mrkdwn."""
    return " \u00b7 ".join(f"{label}: {fit_literal(value, MAX_VALUE)}" for label, value in facts.source(approval))


def _reference(approval: Approval) -> str:
    return f"`{short(approval.id)}` \u00b7 {source_line(approval)}"


def _requester(approval: Approval) -> str:
    return mention_or_name(approval.request.requested_by or "", facts.requester(approval), MAX_VALUE)


def _lead(approval: Approval) -> list[Block]:
    """Return the requester, what they need, and the deadline."""
    severe = approval.request.severity is Severity.HIGH
    who = _requester(approval) or "A workflow"
    lead = paragraph(f"{who} {words_of(approval).needs} *{local_time(approval.deadline)}*.")
    return [lead, *([paragraph(_SEVERE)] if severe else [])]


def _rules(approval: Approval, *, in_channel: bool) -> list[Block]:
    """Return who can respond, who is notified, what an approver fills in, and the progress."""
    blocks = [rich(RichTextSectionElement(elements=_responders(approval, in_channel=in_channel)))]
    told = [name for name in approval.request.notify if is_slack_user(name)]
    if told:
        mentions = [part for name in told for part in (mention(name), *runs(" "))]
        label = runs("For information: ", Style.BOLD)
        blocks.append(rich(RichTextSectionElement(elements=[*label, *mentions[:-1]])))
    return [*blocks, *_wanted(approval), *_progress(approval)]


def _responders(approval: Approval, *, in_channel: bool) -> list[Part]:
    """Return who can respond and how many responses decide, with a warning if the requester is unknown."""
    if approval.people is None:
        return runs("The approvers are still being looked up.")
    named, barred = eligible(approval), barred_requester(approval)
    instead = _delegates(approval)
    alone = len(named) == 1 and not is_quorum(approval.request) and not instead
    anyone = "anyone in this channel" if in_channel else "anyone who receives this request"
    who = _listed(named) if named else [*runs(anyone), *(_listed([barred], ", except ") if barred else ())]
    rest = [] if alone else [wording.quorum_sentence(approval)]
    rules = " ".join([".", *filter(None, [*rest, wording.warnings(approval)])])
    only = runs("only " if alone else "")
    return [*runs("Who can respond: ", Style.BOLD), *only, *who, *instead, *runs(rules)]


def _delegates(approval: Approval) -> list[Part]:
    """Return who else can respond, behind the approvers: `, and @dan for @ann until …`. Empty where nobody does."""
    found = active(approval)
    parts: list[Part] = []
    for each in found[:MAX_DELEGATES]:
        owner = find_owner(approval, each.owner)
        parts += runs(", and " if not parts else "; ")
        parts += [*_name(each.delegate), *runs(" for "), *(_name(owner) if owner else runs(each.owner))]
        parts += [*runs(" until "), date(Moment(each.until))]
    more = len(found) - MAX_DELEGATES
    return [*parts, *(runs(f"; {pluralize(more, 'more delegate')}") if more > 0 else ())]


def _progress(approval: Approval) -> list[Block]:
    """Return the counts of responses, and a line for each response. Empty where one response decides."""
    counts = wording.counts(approval)
    if not counts:
        return []
    said = fit_literal(", ".join(counts), MAX_PROGRESS)  # Groups are named by the request.
    return [paragraph(f"*{said}*"), *details.lines(wording.responses(approval), MAX_PROGRESS)]


def _listed(people: Sequence[Person], lead: str = "") -> list[Part]:
    """Return as many people as there is room for, by mention, or by name and address if Slack does not know them."""
    parts = runs(lead)
    for number, person in enumerate(people):
        name = _name(person)
        between = runs("" if not number else " and " if number == len(people) - 1 else ", ")
        if weight_of([*parts, *between, *name]) > MAX_NAMES:
            return [*parts, *runs(f" and {len(people) - number} more")]
        parts += [*between, *name]
    return parts


def _name(person: Person) -> list[Part]:
    user = person.on(SLACK)
    return [mention(user)] if user else runs(with_address(person))


def _wanted(approval: Approval) -> list[Block]:
    """Return the fields that an approver fills in, or the values that others filled in and an approver confirms."""
    _, fields = wording.response_requirements(approval)
    to_approve = f"To {words_of(approval).verbs[Action.APPROVE]}, you"
    if not fields:
        return []
    if current_form(approval):
        return _filled_in(approval, f"{to_approve} confirm or change the form")
    return [paragraph(f"*{to_approve} fill in:*"), *details.quote("\n".join(fields), MAX_FIELDS)]


def _filled_in(approval: Approval, lead: str = "Form") -> list[Block]:
    """Return the form's values and who filled them in. The values are a quote: a text may have any lines."""
    rows = [f"{before_value(label)} {value}" for label, value in facts.form_answers(approval)]
    if not rows:
        return []
    heading = paragraph(f"*{lead}*, {sentence(form_wording.filled_in_by(approval))}:")
    return [heading, *details.quote("\n".join(rows), MAX_FILLED_IN)]


def _words(approval: Approval, name: Callable[[Approver], str]) -> tuple[str, str]:
    """Return the comment of the person who decided, or why the approval was cancelled, after a heading for it."""
    decision = wording.decision_of(approval)
    comment, cause = (decision.comment or "").strip(), wording.cause(approval)
    if decision.override:
        return "Reason:", comment
    if decision.approver:
        is_one_of_several = comment and len(deciders(approval)) > 1
        return f"Comment from {name(decision.approver)}:" if is_one_of_several else "", comment
    if given := reason(decision):
        return "Reason given:", given
    return "Cause:" if cause else "", cause


def _quoted(heading: str, text: str) -> list[Block]:
    """Return a person's words below a heading, if there are any."""
    quoted = details.quote(text, MAX_COMMENT) if text else []
    return [paragraph(f"*{heading}*"), *quoted] if heading and quoted else quoted


def _by(approval: Approval, decision: Decision) -> str:
    when = f"{local_time(decision.at)}."
    if decision.approver is None:
        by = literal(cancelled_by(decision))
        why = "" if decision.status is Status.CANCELLED else fit_literal(decision.cause or "", MAX_COMMENT)
        return " ".join(filter(None, [by, when, why]))
    return f"by {wording.named_deciders(approval, mention_of)}, {when}"
