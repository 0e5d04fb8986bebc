"""Every page of the documentation: links lead somewhere, and each command shown exists or is run by a test."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from botocore.session import Session
from click.testing import CliRunner

from cli.__main__ import main
from demo.process import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()

RUN = {
    "git clone <this repository> human-approval && cd human-approval": None,
    "sam build": "e2e/test_demo.py",
    "sam deploy --guided": "e2e/test_guided_deploy.py",
    "pip install .": "functional/test_installation.py",
    "pip install aws-cdk-lib": None,
    "cdk deploy -c email=ann@example.com": "unit/test_cdk_construct.py",
    "terraform init": "e2e/test_ways_to_deploy.py",
    "terraform apply": "e2e/test_ways_to_deploy.py",
    "uv tool install git+https://github.com/YOUR-ORG/human-approval@vVERSION": "functional/test_installation.py",
}
"""Other commands than `make`, `approvals` and `aws`, and the test that runs them."""
OTHER_TESTS = {"examples/README.md", "CONTRIBUTING.md"}
"""Pages whose blocks have other languages between the commands: test_examples.py and test_contributing.py read them."""


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in headings(target))


def commands(page: Path) -> list[str]:
    """Return the commands of a page's shell blocks, each in one line."""
    text = "\n".join(re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)).replace("\\\n", "")
    return [line.strip() for line in text.splitlines() if line.strip()]


SHOWN = [
    (str(page.relative_to(ROOT)), command)
    for page in PAGES
    if str(page.relative_to(ROOT)) not in OTHER_TESTS
    for command in commands(page)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^) ]+)", page.read_text())
    assert [link for link in links if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.MULTILINE))
    assert [target for target in targets if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)] == []


def test_every_other_command_is_run_by_a_test() -> None:
    known = re.compile(r"(make|approvals|aws|version=\$\(jq) ")
    assert {command for _page, command in SHOWN if not known.match(command)} <= set(RUN)
    assert [test for test in RUN.values() if test and not (ROOT / "tests" / test).exists()] == []


@pytest.mark.parametrize(("page", "command"), [each for each in SHOWN if each[1].startswith("approvals ")])
def test_every_command_of_approvals_is_one_that_it_takes(page: str, command: str) -> None:
    """With `--help` after its options, click parses a command, refuses unknown options and values, and runs nothing."""
    del page
    words = shlex.split(re.split(r" (?:&&|>) ", command)[0], comments=True)[1:]
    end = words.index("--") if "--" in words else len(words)
    parsed = CliRunner().invoke(main, [*words[:end], "--help", *words[end:]])
    assert parsed.exit_code == 0, parsed.output


@pytest.mark.parametrize(("page", "command"), [each for each in SHOWN if each[1].startswith("aws ")])
def test_every_command_of_aws_is_one_that_it_takes(page: str, command: str) -> None:
    del page
    service, operation, *words = shlex.split(command)[1:]
    model = Session().get_service_model(service)
    shape = model.operation_model(operation.title().replace("-", "")).input_shape
    assert shape is not None
    words = ["--endpoint" if word == "--notification-endpoint" else word for word in words]  # the AWS CLI's own name
    named = {word.removeprefix("--").replace("-", "").lower() for word in words if word.startswith("--")}
    assert named <= {name.lower() for name in shape.members}
