"""Write the product's sentences about a request and its outcome, the same on every surface.

A sentence that names a moment or people is a `Text` of parts, so that no surface parses it again.
"""

from __future__ import annotations

from collections.abc import Callable

from approvals.domain import delegate_wording, forms, policy_change_wording
from approvals.domain.cancellation import cancelled_by
from approvals.domain.characters import one_line
from approvals.domain.eligibility import (
    barred_requester,
    deciders,
    eligible,
    is_quorum,
    unknown_requester,
)
from approvals.domain.facts import REQUESTER, requester
from approvals.domain.facts import source as execution_source
from approvals.domain.group_wording import group_counts, group_needs
from approvals.domain.headlines import HEADLINES
from approvals.domain.kind_wording import ended, rejections_decide, words_of
from approvals.domain.model import (
    Action,
    Approval,
    Decision,
    Extension,
    Presence,
    RequestKind,
    Response,
    Severity,
    Status,
    readable,
)
from approvals.domain.override_wording import override_sentence
from approvals.domain.parts import (
    Moment,
    Names,
    Text,
    display_name,
    join_names,
    join_texts,
    pluralize,
    text,
    with_address,
)
from approvals.domain.people import Approver
from approvals.domain.profiles import open_channels, profile_of
from approvals.domain.references import short
from approvals.domain.signed_links import approver_of

MAX_NAMES = 20
"""People that one sentence names. The others are counted."""


def where(channel: str) -> str:
    """Return how a response or a decision came in: `by` and the channel's name, or the channel's own words."""
    return profile_of(channel).where


# The request: its approvers and its rules.


def request_sentence(approval: Approval) -> str:
    """Return the first sentence of a request: the requester, what they need, and the deadline."""
    who = requester(approval) or "A workflow"
    return f"{who} {words_of(approval).needs} {readable(approval.deadline)}."


def quoted_title(approval: Approval) -> str:
    """Return the approval's title and the start of its ID, for the beginning of a sentence."""
    return f"\u201c{approval.title}\u201d [{short(approval.id)}]:"


def is_high_severity(approval: Approval) -> bool:
    """Return True if a response takes a second confirmation."""
    return approval.request.severity is Severity.HIGH


def responders(approval: Approval, recipient: str, *, begins: bool = False) -> list[str]:
    """Return who can respond, the recipient of a link first: `you`, `bo@example.com`, `Cy Young (cy@example.com)`.

    With `begins`, the first starts a sentence.
    """
    reader = approver_of(approval, recipient)
    you, anyone = ("You", "Anyone") if begins else ("you", "anyone")
    if approval.people is None:
        return [f"{anyone} whom the request names (the approvers are still being looked up)"]
    named = eligible(approval)
    if named:
        first = [you for person in named if person.is_(reader)]
        others = [with_address(person) for person in named if not person.is_(reader)]
        return _with_delegates(approval, reader, you, first, others)
    person = barred_requester(approval)
    but = f", except {with_address(person)}" if person else ""
    return [f"{anyone} who receives this request{_where_asked(approval)}{but}"]


def _with_delegates(approval: Approval, reader: Approver, you: str, first: list[str], others: list[str]) -> list[str]:
    """Return the names with those of delegates behind them. A delegate reads for whom they respond."""
    delegates = {each.delegate.id: each.delegate for each in delegate_wording.active(approval)}
    for person in delegates.values():
        name = you if person.is_(reader) and not first else with_address(person)
        (first if name == you else others).append(
            f"{name} (for {delegate_wording.owners_of(approval, person, reader)})"
        )
    return limit_names([*first, *others])


def limit_names(names: list[str]) -> list[str]:
    """Return the names; of many, count the last ones."""
    if len(names) <= MAX_NAMES:
        return names
    return [*names[: MAX_NAMES - 1], f"{len(names) - MAX_NAMES + 1} more people"]


def rules_sentence(approval: Approval) -> Text:
    """Return who can respond, and how many responses decide if several people can."""
    if approval.people is None:
        return text("The approvers are still being looked up.")
    named = eligible(approval)
    if named:
        who = text("Only ", Names(named), " can respond", delegate_wording.delegates_clause(approval), ".")
    else:
        person = barred_requester(approval)
        but = f", except {display_name(person)}" if person else ""
        who = text(f"Anyone who receives this request{_where_asked(approval)} can respond{but}.")
    decides = "" if len(named) == 1 else quorum_sentence(approval)
    return join_texts([who, decides, warnings(approval)])


def warnings(approval: Approval) -> str:
    """Return what readers must know: a changed policy, an unknown requester, delegates whom the request leaves out."""
    found = [
        policy_change_wording.asked_again_sentence(approval),
        requester_warning(approval),
        delegate_wording.left_out_sentence(approval),
    ]
    return " ".join(filter(None, found))


def requester_warning(approval: Approval) -> str:
    """Return a warning if the requester could approve their own request unrecognized."""
    person = unknown_requester(approval)
    if person is None:
        return ""
    names = [profile_of(channel).name for channel in open_channels() if not person.on(channel)]
    return f"{join_names(names)} can't identify {display_name(person)}, who could approve their own request there."


def quorum_sentence(approval: Approval) -> str:
    """Return how many responses decide."""
    approvals, rejections = approval.request.required_approvals, approval.request.required_rejections
    if not is_quorum(approval.request):
        return "The first response decides."
    needed = group_needs(approval) or pluralize(approvals, words_of(approval).approval)
    return f"Needs {needed}; {rejections_decide(approval, rejections)} it."


def timeout_sentence(approval: Approval) -> str:
    """Return what happens at the deadline if there is no decision."""
    request = approval.request
    without = "Without a decision by the deadline" if is_quorum(request) else "If nobody responds by the deadline"
    return f"{without}, {words_of(approval).silence[request.on_timeout]}."


def response_requirements(approval: Approval) -> tuple[str, list[str]]:
    """Return a sentence about required comments, and one line for each field of the form."""
    request, verbs = approval.request, words_of(approval).verbs
    reasons = [
        f"To {verbs[action]}, you give a {'reason' if action is Action.REJECT else 'comment'}."
        for action in Action
        if request.comments[action] is Presence.REQUIRED
    ]
    fields = [f"{one_line(field.label, 150)} ({forms.hint(field)})" for field in request.form]
    return " ".join(reasons), fields


def source(approval: Approval) -> list[tuple[str, str]]:
    """Return the source of a request as labels and values: with its requester once it is decided."""
    who = requester(approval) if approval.decision else ""
    return [*([(REQUESTER, who)] if who else []), *execution_source(approval)]


# Progress and outcome.


def headline(approval: Approval) -> str:
    """Return the status in one or a few words."""
    return ended(approval, approval.decision) if approval.decision else HEADLINES[approval.status]


def counts(approval: Approval) -> list[str]:
    """Return the counts of responses: `1 of 2 approvals`. Empty where one response decides."""
    request = approval.request
    if not is_quorum(request):
        return []
    said = [response.action for response in approval.standing]
    approvals = pluralize(request.required_approvals, words_of(approval).approval)
    groups = group_counts(approval)
    found = [f"{said.count(Action.APPROVE)} of {approvals}{f' ({groups})' if groups else ''}"]
    if request.required_rejections > 1:
        rejections = (
            f"{request.required_rejections} declined"
            if request.kind is RequestKind.QUESTION
            else pluralize(request.required_rejections, "rejection")
        )
        found.append(f"{said.count(Action.REJECT)} of {rejections}")
    return found


def responses(approval: Approval) -> list[Text]:
    """Return a line for each response. Empty where one response decides."""
    standing = approval.standing if is_quorum(approval.request) else ()
    return [_response(approval, response) for response in standing]


def latest_responses(approval: Approval) -> list[str]:
    """Return the responses in plain text; of many, only the latest."""
    lines = [str(line) for line in responses(approval)]
    if len(lines) > MAX_NAMES:
        return [f"({len(lines) - MAX_NAMES} earlier responses)", *lines[-MAX_NAMES:]]
    return lines


def progress(approval: Approval) -> list[Text]:
    """Return the counts and the responses, one line each. Empty where one response decides."""
    return [*map(text, counts(approval)), *responses(approval)]


def outcome(approval: Approval) -> Text:
    """Return the whole outcome: who decided, how, where and when, or why nobody did."""
    ended_how = join_texts([headline(approval), decided_by(approval), cause(approval)])
    return join_texts([ended_how, override_sentence(approval), undelivered_sentence(approval)])


def decided_by(approval: Approval) -> Text:
    """Return who decided, where and when, to follow the outcome; or the product's reason why nobody did."""
    decision = decision_of(approval)
    when = text(Moment(decision.at, "on "), ".")
    if decision.approver:
        return text(f"by {named_deciders(approval, display_name)} ", when)
    why = "" if decision.status is Status.CANCELLED else decision.cause or ""
    return join_texts([cancelled_by(decision), when, why])


def decider_names(approval: Approval) -> list[str]:
    """Return the names of all whose responses decided, in order; of many, count the last ones."""
    return limit_names([_decider(approval, approver, display_name) for approver in deciders(approval)])


def named_deciders(approval: Approval, name: Callable[[Approver], str]) -> str:
    """Return all whose responses decided, by `name`: `Ann and Bo in Slack`, `Ann by email and Bo in Slack`."""
    people = [(_decider(approval, each, name), each.channel) for each in deciders(approval)]
    if len({channel for _, channel in people}) == 1:
        return f"{join_names(limit_names([said for said, _ in people]))} {where(people[0][1])}"
    return join_names(limit_names([f"{said} {where(channel)}" for said, channel in people]))


def _decider(approval: Approval, approver: Approver, name: Callable[[Approver], str]) -> str:
    return f"{name(approver)}{delegate_wording.for_owner_of(approval, approver)}"


def cause(approval: Approval) -> str:
    """Return the product's cause of a cancellation, else nothing. The reason of who cancelled is the comment."""
    decision = decision_of(approval)
    return (decision.cause or "").strip() if decision.status is Status.CANCELLED else ""


def undelivered_sentence(approval: Approval) -> str:
    """Return a sentence if a person's decision is known not to have reached the workflow."""
    lost = approval.resumed is False and decision_of(approval).approver is not None
    return "The workflow had already ended, so it did not receive this response." if lost else ""


def is_decided_alone(approval: Approval) -> bool:
    """Return True if the only response decided: who decided then says as much as the progress."""
    decided = decision_of(approval)
    return decided.approver is not None and decided.override is None and len(approval.standing) == 1


def decision_of(approval: Approval) -> Decision:
    """Return the approval's decision. Raise `ValueError` if it has none."""
    if approval.decision is None:
        raise ValueError(f"approval {approval.id} is not decided")
    return approval.decision


def extension_sentence(extension: Extension) -> Text:
    """Return who extended the deadline, and the new deadline."""
    return text(f"{display_name(extension.approver)} extended the deadline to ", Moment(extension.deadline), ".")


def reminder(approval: Approval) -> Text:
    """Return the sentence of a reminder."""
    return text("Reminder: respond by ", Moment(approval.deadline), ".")


def still_open(approval: Approval) -> str:
    """Return the sentence that says that the request waits for other responses."""
    return f"The {words_of(approval).request} is still open."


def _where_asked(approval: Approval) -> str:
    # The stack's own address is told, not asked.
    places = [where(channel) for channel in open_channels()] if is_quorum(approval.request) else []
    return f" {join_names(places)}" if places else ""


def _response(approval: Approval, response: Response) -> Text:
    who = f"{words_of(approval).done[response.action].capitalize()} by {display_name(response.approver)}"
    who += delegate_wording.for_owner(approval, response)
    return text(f"{who} {where(response.approver.channel)} ", Moment(response.at, "on "))
