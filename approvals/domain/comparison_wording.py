"""Say what differs from the last approved request of the subject, the same on every surface.

The sentence is the product's own. The changes below it have the author's words in them: each surface sets them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import bidirectional

from approvals.domain.comparison import ARROW, NOTHING
from approvals.domain.model import Approval
from approvals.domain.parts import Moment, Text, join_names, join_texts, pluralize, text
from approvals.domain.previous import Comparison, NamedChange, Part, Previous

_PARTS: Mapping[Part, str] = {
    Part.FACTS: "facts",
    Part.ACTION: "action",
    Part.FORM: "form",
    Part.CONTEXT: "workflow input",
}

FAILED = "The earlier approvals of this subject could not be read, so this request is not compared with them."
NONE = "There is no earlier approval of this subject to compare with."
HIDDEN = "Earlier values are shown only to people who could respond to that request."
CHANGED = "changed"


def comparison_sentence(approval: Approval, *, values: bool) -> Text:
    """Return how a request differs from the last approved one, and when and by whom that was approved.

    `values` says that the reader sees the earlier values. Empty for a request without a subject.
    """
    previous = approval.previous
    if previous is None:
        return Text()
    if previous.comparison is Comparison.FAILED:
        return text(FAILED)
    if previous.comparison is Comparison.NONE:
        return text(_with_ignored(NONE, previous))
    listed, number = len(previous.changes), previous.number_of_changes
    return join_texts(
        [
            _compared(previous),
            f"Listed: {listed} of {number:,}." if listed < number else "",
            "" if values or not number else HIDDEN,
            _with_ignored("", previous),
        ]
    )


def change_rows(approval: Approval, *, values: bool) -> list[tuple[str, str]]:
    """Return the names of changes and what changed, in plain text on one line: `3 → 300`. The author's words."""
    changes = approval.previous.changes if approval.previous else ()
    return [(each.name, _values(each) if values else CHANGED) for each in changes]


def _compared(previous: Previous) -> Text:
    names = join_names(previous.approved_by)
    when = Moment(previous.approved_at, "on ") if previous.approved_at else ""
    changed = [each for each in previous.parts if each.changes]
    same = [_PARTS[each.part] for each in previous.parts if not each.changes]
    approved = text(f"{names} approved the last request of this subject ", when)
    if not previous.parts:
        return text(approved, ". There is nothing to compare: no facts, action, form or workflow input.")
    if not changed:
        return text("No change since ", approved, f": the {_are_the_same(same)}")
    counted = [f"{each.changes:,} in the {_PARTS[each.part]}" for each in changed]
    counted[0] = f"{pluralize(changed[0].changes, 'change')} in the {_PARTS[changed[0].part]}"
    return text("Since ", approved, f": {join_names(counted)}.", f" The {_are_the_same(same)}" if same else "")


def _are_the_same(parts: list[str]) -> str:
    is_one = len(parts) == 1 and parts[0] != _PARTS[Part.FACTS]
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
