"""Full-text search in approvals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.domain.search import has_words
from tests.support.builders import WORKFLOW, an_approval

REQUEST = replace(
    an_approval().request,
    title="Deploy web",
    details="Takes the new tax rates.",
    facts=(("Region", "Ireland"),),
    requested_by="carol@example.com",
)
APPROVAL = an_approval(
    request=REQUEST, workflow=replace(WORKFLOW, execution_name="release-7", state_machine_name="Releases")
)


@pytest.mark.parametrize(
    "words",
    ["deploy", "RATES tax", "region", "ireland web", "carol@", "release-7", "releases", APPROVAL.id[:6], "", " "],
)
def test_words_are_found_in_any_case_and_order(words: str) -> None:
    assert has_words(APPROVAL, words)


@pytest.mark.parametrize("words", ["payroll", "deploy payroll", "regionireland"])
def test_all_words_must_be_there(words: str) -> None:
    assert not has_words(APPROVAL, words)
