"""docs/reliability.md names tests that exist, in the folders that it says, and the numbers that hold."""

from __future__ import annotations

import re

import pytest

from approvals.domain import rules
from approvals.domain.characters import MAX_NAME
from approvals.domain.nesting import MAX_DEPTH
from approvals.requests.lookup import MAX_PEOPLE
from approvals.services.lifecycle import LOOK_BACK, SET_ASIDE
from approvals.store import queries, record_size
from bot import directory
from demo.process import ROOT
from tests.support.template import RESOURCES

PAGE = (ROOT / "docs/reliability.md").read_text()
THREATS = PAGE.partition("## Threat model")[2].partition("\n## ")[0]
FOLDERS = ("unit", "functional", "browser", "e2e")
_NAMED = re.compile(r"(?:(?P<folder>[a-z0-9]+)/)?(?P<name>test_[a-z0-9_]+)")


def found(named: re.Match[str], folders: tuple[str, ...]) -> bool:
    folders = (named["folder"],) if named["folder"] else folders
    return any((ROOT / "tests" / folder / f"{named['name']}.py").is_file() for folder in folders)


def test_every_test_that_the_page_names_is_a_file() -> None:
    named = list(_NAMED.finditer(PAGE))
    assert len(named) > 50
    assert [each[0] for each in named if not found(each, FOLDERS)] == []


def test_a_test_of_the_threat_model_without_a_folder_is_a_functional_or_a_unit_test() -> None:
    assert [each[0] for each in _NAMED.finditer(THREATS) if not found(each, ("functional", "unit"))] == []


def rows() -> list[list[str]]:
    lines = [line for line in THREATS.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0] != "Attacker" and not row[0].startswith("---")]


def test_every_threat_says_what_stops_it_what_shows_it_and_what_remains() -> None:
    assert len(rows()) > 30
    assert [row for row in rows() if len(row) != 5 or not all(row[1:])] == []
    assert [row for row in rows() if not _NAMED.search(row[3])] == []


API = RESOURCES["ExecutionApi"]["Properties"]["MethodSettings"][0]


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        (r"the API allows (\d+) requests a second", API["ThrottlingRateLimit"]),
        (r"(\d+) refused people on record", rules.MAX_REFUSALS),
        (r"more than (\d+) levels are refused", MAX_DEPTH),
        (r"names are one line of at most (\d+) characters", MAX_NAME),
        (r"Slack's answer is used for up to (\d+) minutes", directory.CACHE_SECONDS // 60),
        (r"DynamoDB's (\d+) KB", record_size.MAX_RECORD // 1024),
        (r"Each person can withdraw (\d+) responses", rules.MAX_WITHDRAWALS),
        (r"After (\d+) withdrawals by all people together", rules.MAX_WITHDRAWALS_IN_ALL),
        (r"A request can name \*\*(\d+) people\*\*", MAX_PEOPLE),
        (r"The scheduler looks (\d+) minutes back", LOOK_BACK.seconds // 60),
        (r"Executions that ended more than (\d+) minutes ago", LOOK_BACK.seconds // 60),
        (r"failed (\d+) times in a row on a change", 20),
    ],
)
def test_a_number_on_the_page_is_the_one_in_the_code(sentence: str, number: int) -> None:
    [said] = re.findall(sentence, " ".join(PAGE.split()))
    assert int(said) == number


def test_words_for_numbers_on_the_page_are_those_in_the_code() -> None:
    text = " ".join(PAGE.split())
    assert "ten records at a time" in text
    assert queries._RECORDS == 10
    assert "skips such a record for an hour at a time" in text
    assert SET_ASIDE.total_seconds() == 3600
