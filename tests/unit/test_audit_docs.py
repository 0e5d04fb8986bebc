"""docs/audit.md says no more than IAM holds, and its command is one that AWS takes."""

from __future__ import annotations

import json
import re
import shlex

from botocore.session import Session
from botocore.validate import validate_parameters

from approvals.domain.events import SOURCE
from approvals.domain.limits import MAX_TIMEOUT_MINUTES
from approvals.store.items import RETENTION
from demo.process import ROOT
from tests.support.template import FUNCTIONS, INTERNET_FACING, actions, statements

TEXT = (ROOT / "docs/audit.md").read_text()
[COMMAND] = [block for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) if block.startswith("aws ")]


def test_the_archives_command_is_one_that_aws_takes() -> None:
    aws, service, operation, *words = shlex.split(COMMAND.replace("\\\n", " "))
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert (aws, service, operation) == ("aws", "events", "create-archive")
    named = {name.removeprefix("--").title().replace("-", ""): value for name, value in options.items()}
    shape = Session().get_service_model("events").operation_model("CreateArchive").input_shape
    assert shape is not None
    validate_parameters({**named, "RetentionDays": int(named["RetentionDays"])}, shape)
    assert json.loads(named["EventPattern"]) == {"source": [SOURCE]}


def test_no_function_may_touch_an_archive_or_delete_a_record() -> None:
    every = {action for function in FUNCTIONS for action in actions(function)}
    assert not {action for action in every if "Archive" in action or "Delete" in action}


def test_the_page_says_what_iam_lets_the_public_functions_change() -> None:
    [said] = re.findall(r"may write the attributes of\s+a\s+response \((.*?) and a few more\)", TEXT, re.DOTALL)
    [kept] = re.findall(r"What IAM does stop:(.*?)The functions behind", TEXT, re.DOTALL)
    for function in INTERNET_FACING:
        [write] = [each for each in statements(function) if each["Action"] == "dynamodb:UpdateItem"]
        written = set(write["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"])
        assert set(re.findall(r"`(\w+)`", said)) <= written
        assert set(re.findall(r"`(\w+)`", kept)).isdisjoint(written)
    assert {"request", "steps", "expires_at"} <= set(re.findall(r"`(\w+)`", kept))


def test_a_record_is_kept_as_long_as_it_says() -> None:
    assert f"at least {RETENTION.days} days after its deadline" in TEXT
    assert f"kept for {RETENTION.days + round(MAX_TIMEOUT_MINUTES / 1440)} days after its request" in TEXT
