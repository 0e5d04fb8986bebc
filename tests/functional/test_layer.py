"""The layer and the code as `sam build` makes them: small, complete by themselves, no more loaded than is needed."""

from __future__ import annotations

import ast
import csv
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import boto3
import pytest
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from layer import trim
from tests.bench.functions import ROOT, Bench, Built
from tests.support.aws import any_client

MAX_UNZIPPED, MAX_ZIPPED = 25_000_000, 10_000_000
"""Bytes of the layer and a function's code together."""

HEAVY = {
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.parameters",
    "asyncio",
    "http.server",
    "slack_bolt",
    "slack_sdk",
    "slack_sdk.socket_mode",
}
"""What takes more than about 5 ms to import, beside boto3."""

LOADED = {
    "callback": set(),
    "bot": {"asyncio", "http.server", "slack_bolt", "slack_sdk"},
    "request": set(),
    "notify": {"asyncio", "slack_sdk"},
    "decision": {"asyncio", "slack_sdk"},
    "lifecycle": set(),
    "digest": set(),
}
"""What of it each function may load until its first answer, with Slack; without, only the bot loads any."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built.make(tmp_path_factory.mktemp("built"))


@pytest.fixture(params=[True, False], ids=["with-slack", "email-only"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(slack=request.param)
    yield bench
    bench.stop()


def test_layer_and_code_are_small(built: Built, tmp_path: Path) -> None:
    files = [file for folder in built.path for file in folder.rglob("*") if file.is_file()]
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file)
    unzipped, zipped = sum(file.stat().st_size for file in files), (tmp_path / "all.zip").stat().st_size
    print(f"layer and code: {unzipped:,} bytes, {zipped:,} zipped")
    assert unzipped <= MAX_UNZIPPED
    assert zipped <= MAX_ZIPPED


def test_the_layer_has_the_services_that_the_code_calls_and_no_other(built: Built) -> None:
    nodes = [
        node
        for folder in ("approvals", "bot", "handlers", "iam", "mail", "web")
        for file in (ROOT / folder).rglob("*.py")
        if ROOT / "approvals/grants" not in file.parents  # runs where the grant is spent
        for node in ast.walk(ast.parse(file.read_text()))
    ]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    services = {
        _argument(node) for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "client"
    }
    assert services == {*trim.SERVICES}
    assert services == {path.name for path in (built.layer / "botocore/data").iterdir() if path.is_dir()}


def _argument(call: ast.Call) -> str:
    return str(call.args[0].value) if isinstance(call.args[0], ast.Constant) else ""


def test_record_files_list_what_is_in_the_layer(built: Built) -> None:
    """An SBOM scanner sees what runs: every file that is left, with its hash, and no other."""
    listed: dict[str, str] = {}
    for record in built.layer.glob("*.dist-info/RECORD"):
        with record.open(newline="") as file:
            listed |= {name: digest for name, digest, _ in csv.reader(file)}
    found = {
        str(path.relative_to(built.layer)): path
        for path in built.layer.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {*found} == {*listed}
    assert {name: digest for name, digest in listed.items() if digest} == {
        name: f"sha256={urlsafe_b64encode(sha256(path.read_bytes()).digest()).decode().rstrip('=')}"
        for name, path in found.items()
        if not name.endswith(".dist-info/RECORD")
    }


def test_every_source_in_the_layer_is_its_releases_own(built: Built) -> None:
    """Data may be shortened; no library's source is edited."""
    whole = Path(boto3.__file__).parent.parent
    sources = [path for path in built.layer.rglob("*.py") if (whole / path.relative_to(built.layer)).exists()]
    assert len(sources) > 300
    assert [path for path in sources if path.read_bytes() != (whole / path.relative_to(built.layer)).read_bytes()] == []


@pytest.mark.parametrize(
    "region",
    ["eu-west-1", "us-east-1", "ap-southeast-5", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"],
)
def test_every_client_calls_the_endpoint_that_the_whole_botocore_knows(built: Built, region: str) -> None:
    loader = Loader(extra_search_paths=[str(built.layer / "botocore/data")], include_default_search_paths=False)
    ours = EndpointResolver(loader.load_data("endpoints"))
    whole = EndpointResolver(Loader().load_data("endpoints"))
    for service in trim.SERVICES:
        prefix = any_client(
            service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x"
        ).meta.service_model.endpoint_prefix
        assert ours.construct_endpoint(prefix, region) == whole.construct_endpoint(prefix, region)


def test_every_function_answers_from_layer_and_code_alone(built: Built, bench: Bench) -> None:
    """With no other package at hand; its handler loads nothing heavy that it does not need."""
    slack = bool(bench.pending.deliveries)
    functions = bench.functions()
    assert functions.keys() == LOADED.keys()
    for name, function in functions.items():
        run = bench.run(function, built.path)
        loaded = HEAVY & set(run.modules)
        assert loaded == (LOADED[name] if slack or name == "bot" else set()), name
    answered = {"UpdateItem", "PutItem", "Publish", "SendTaskSuccess", "GetSecretValue", "ListExecutions"}
    assert answered <= {call.partition(" ")[2] for call in bench.answers.calls}


def test_a_click_is_answered_without_an_error(built: Built, bench: Bench) -> None:
    functions = bench.functions()
    assert bench.run(functions["callback"], built.path).answer["statusCode"] == 303
    assert bench.run(functions["bot"], built.path).answer["statusCode"] == 200
    for name in ("notify", "decision"):
        assert bench.run(functions[name], built.path).answer == {"batchItemFailures": []}
    assert "SendMessage" not in {call.partition(" ")[2] for call in bench.answers.calls}, "something is tried again"


def test_compiled_files_are_not_compiled_again(built: Built) -> None:
    sources = [file for folder in built.path for file in folder.rglob("*.py")]
    tag = sys.implementation.cache_tag
    missing = [file for file in sources if not (file.parent / "__pycache__" / f"{file.stem}.{tag}.pyc").exists()]
    assert not missing


def test_a_dependency_that_has_moved_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trim.trim(tmp_path)
