"""Say what differs from the last approved request of the subject, the same on every surface.

The product writes the lead and the notes. The changes between them have the author's words in them: each surface
sets them apart.
"""

from __future__ import annotations

from unicodedata import bidirectional

from approvals.domain.comparison import ARROW, NOTHING, PARTS
from approvals.domain.model import Approval
from approvals.domain.parts import Moment, Text, join_names, pluralize, text
from approvals.domain.previous import Comparison, NamedChange, Part, Previous

FAILED = "The earlier approvals of this subject could not be read, so this request is not compared with them."
NONE = "There is no earlier approval of this subject to compare with."
HIDDEN = "Earlier values are shown only to people who could respond to that request."
CHANGED = "changed"


def comparison_lead(approval: Approval) -> Text:
    """Return the line above the changes: when and by whom the last approved request of the subject was approved.

    Without changes it says so, or why nothing is compared. Empty for a request without a subject.
    """
    previous = approval.previous
    if previous is None:
        return Text()
    if previous.comparison is Comparison.FAILED:
        return text(FAILED)
    if previous.comparison is Comparison.NONE:
        return text(_with_ignored(NONE, previous))
    when = Moment(previous.approved_at, "on ") if previous.approved_at else ""
    approved = text(f"{join_names(previous.approved_by)} approved this subject ", when)
    if not previous.parts:
        return text(approved, ". There is nothing to compare: no facts, action, form or workflow input.")
    if not previous.number_of_changes:
        return text("No change since ", approved, f": the {_same(previous)}")
    return text("Changed since ", approved, ":")


def comparison_notes(approval: Approval, *, values: bool) -> str:
    """Return the notes below the changes: their number, the parts without changes, and how much is not shown.

    `values` says that the reader sees the earlier values. Empty where no requests are compared.
    """
    previous = approval.previous
    if previous is None or previous.comparison is not Comparison.COMPARED:
        return ""
    listed, number = len(previous.changes), previous.number_of_changes
    notes = [
        _counted(previous) if number else "",
        f"Listed: {listed} of {number:,}." if listed < number else "",
        "" if values or not number else HIDDEN,
        _with_ignored("", previous),
    ]
    return " ".join(filter(None, notes))


def change_rows(approval: Approval, *, values: bool) -> list[tuple[str, str]]:
    """Return the names of changes and what changed, in plain text on one line: `3 → 300`. The author's words."""
    changes = approval.previous.changes if approval.previous else ()
    return [(each.name, _values(each) if values else CHANGED) for each in changes]


def _counted(previous: Previous) -> str:
    first, *others = [each for each in previous.parts if each.changes]
    counted = [f"{pluralize(first.changes, 'change')} in the {PARTS[first.part]}"]
    counted += [f"{each.changes:,} in the {PARTS[each.part]}" for each in others]
    same = f" The {_same(previous)}" if any(not each.changes for each in previous.parts) else ""
    return f"{join_names(counted)}.{same}"


def _same(previous: Previous) -> str:
    parts = [PARTS[each.part] for each in previous.parts if not each.changes]
    is_one = len(parts) == 1 and parts[0] != PARTS[Part.FACTS]
    return f"{join_names(parts)} {'is' if is_one else 'are'} the same."


def _with_ignored(sentence: str, previous: Previous) -> str:
    if not previous.ignored:
        return sentence
    newer = "newer " if previous.comparison is Comparison.COMPARED else ""
    is_, was, it = ("is", "was", "it") if previous.ignored == 1 else ("are", "were", "they")
    found = f"{pluralize(previous.ignored, f'{newer}approval')} of this subject {is_} not compared"
    why = f"{it} {was} given under another policy, or by people who can't respond to this request"
    return f"{sentence} {found}: {why}.".strip()


def _values(change: NamedChange) -> str:
    before, after = (NOTHING if value is None else value for value in (change.before, change.after))
    # Between letters that read from the right, an arrow to the right points from the new value to the old one.
    from_the_right = any(bidirectional(letter) in ("R", "AL") for letter in (*before, *after))
    return f"was {before}, now {after}" if from_the_right else f"{before} {ARROW} {after}"
