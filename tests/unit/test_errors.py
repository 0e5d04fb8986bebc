"""docs/errors.md has every name of an error that the product itself gives, and none that it does not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from http import HTTPStatus

from approvals.domain.eligibility import Reason
from approvals.domain.errors import INVALID_REQUEST, NOTIFICATION_FAILED, POLICY_UNAVAILABLE
from approvals.domain.spending import SpendError
from approvals.requests.parse import InvalidRequestError
from approvals.services.spend import FAILED
from cli import group, watch
from demo.process import ROOT

PAGE = (ROOT / "docs/errors.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n?)*)", PAGE, re.MULTILINE))
FOLDERS = ("approvals", "bot", "handlers", "iam", "mail", "web")
LIBRARY = ROOT / "approvals/grants"
"""Its errors are for the programs that use it: docs/grants.md has them."""

SHIPPED = [path for folder in FOLDERS for path in sorted(ROOT.glob(f"{folder}/**/*.py")) if LIBRARY not in path.parents]
NODES = [node for path in SHIPPED for node in ast.walk(ast.parse(path.read_text()))]


def rows(section: str) -> set[str]:
    """Return the names in the first column of a section's table."""
    return {cell.strip(" `") for cell in re.findall(r"^\|([^|]+)\|", SECTIONS[section], re.MULTILINE)[2:]}


def errors_in_the_code() -> Iterator[str]:
    """Return the error names that a workflow can get: those of Fail states, and what is given as `error=`."""
    machine = json.loads((ROOT / "statemachine/approval.asl.json").read_text())
    yield from (state["Error"] for state in machine["States"].values() if "Error" in state)
    for node in NODES:
        if isinstance(node, ast.keyword) and node.arg == "error" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        # A name for want of a better one: `decision.error or "ApprovalFailed"`.
        if (
            isinstance(node, ast.BoolOp)
            and isinstance(node.values[0], ast.Attribute)
            and node.values[0].attr == "error"
        ):
            yield from (str(each.value) for each in node.values if isinstance(each, ast.Constant))


def exceptions_in_the_code() -> set[str]:
    classes = [node for node in NODES if isinstance(node, ast.ClassDef)]
    found = {"Exception"}
    for _ in classes:
        found |= {each.name for each in classes if {ast.unparse(base) for base in each.bases} & found}
    return {name for name in found - {"Exception"} if not name.startswith("_")}


def test_every_error_of_an_execution_is_explained() -> None:
    named = {name for name in rows("Of the execution") if "…" not in name}
    assert named == {*errors_in_the_code(), INVALID_REQUEST, NOTIFICATION_FAILED, POLICY_UNAVAILABLE}


def test_every_exception_of_a_function_is_explained() -> None:
    assert rows("In a function's log") == exceptions_in_the_code() - {InvalidRequestError.__name__}


def test_every_error_of_a_spend_is_explained() -> None:
    assert rows("Of a spend") == {*SpendError, FAILED}


def test_every_reason_why_a_response_is_not_recorded_is_explained() -> None:
    assert rows("Of a response") == set(Reason)


def test_every_status_of_a_page_is_explained() -> None:
    code = "".join(file.read_text() for file in (ROOT / "web").glob("*.py"))
    used = {HTTPStatus[name] for name in re.findall(r"HTTPStatus\.([A-Z_]+)", code)}
    assert rows("Of a link") == {str(status.value) for status in used if status >= HTTPStatus.BAD_REQUEST}


def test_every_exit_code_is_explained() -> None:
    codes = {watch.APPROVED, watch.REJECTED, watch.UNDECIDED, group.FAILED, group.USAGE, group.INTERRUPTED}
    assert rows("Of the command line") == {str(code) for code in codes}
