"""The layer and the code as `sam build` makes them: small, complete by themselves, no more loaded than is needed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3
import pytest

from layer import trim
from tests.bench.functions import ROOT, Bench, Built

MAX_UNZIPPED, MAX_ZIPPED = 15_000_000, 5_000_000
"""Bytes of the layer and a function's code together."""

HEAVY = {
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.parameters",
    "asyncio",
    "boto3",
    "botocore.docs.service",
    "http.server",
    "importlib.metadata",
    "multiprocessing",
    "s3transfer",
    "slack_bolt",
    "slack_sdk",
    "slack_sdk.socket_mode",
}
"""What takes more than about 5 ms to import."""

LOADED = {
    "callback": set(),
    "bot": {"slack_bolt", "slack_sdk"},
    "request": set(),
    "notify": {"slack_sdk"},
    "decision": {"slack_sdk"},
    "lifecycle": set(),
    "digest": set(),
}
"""What of it each function may load until its first answer, with Slack; without, only the bot loads any."""

_CLIENTS = """
import json, os, sys
task = json.load(sys.stdin)
sys.path[:0] = task["path"]
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_EC2_METADATA_DISABLED="true")
import botocore.handlers, botocore.session
session = botocore.session.Session()
assert botocore.__file__.startswith(task["path"][0])

def described(shape, above=()):
    if shape is None or shape.name in above:
        return shape and shape.name
    inner = dict(getattr(shape, "members", {}))
    inner |= {part: getattr(shape, part) for part in ("member", "key", "value") if hasattr(shape, part)}
    parts = {name: described(each, (*above, shape.name)) for name, each in inner.items()}
    return [shape.name, shape.type_name, shape.serialization, shape.metadata, parts]

clients = {
    (service, region): session.create_client(service, region_name=region)
    for service in task["operations"]
    for region in task["regions"]
}
print(json.dumps({
    "handlers": [event for event, *_ in botocore.handlers.BUILTIN_HANDLERS],
    "services": session.get_available_services(),
    "clients": {
        " ".join(names): [client.meta.endpoint_url, client.meta.service_model.metadata]
        for names, client in clients.items()
    },
    "operations": {
        f"{service} {name}": [
            operation.http,
            operation.metadata,
            *map(described, [operation.input_shape, operation.output_shape, *operation.error_shapes]),
            client.can_paginate(botocore.xform_name(name)),
        ]
        for (service, region), client in clients.items()
        if region == task["regions"][0]
        for name in task["operations"][service]
        for operation in [client.meta.service_model.operation_model(name)]
    },
}))
"""


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


def test_the_layer_has_the_services_and_operations_that_the_code_calls_and_no_other() -> None:
    """A client without its service can't be built, and one without an operation fails at the call."""
    nodes = [
        node
        for folder in ("approvals", "handlers", "bot")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
    ]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    methods = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    methods |= {_argument(node) for node in calls if isinstance(node.func, ast.Attribute) and "_pag" in node.func.attr}
    services = {_argument(node) for node in calls if isinstance(node.func, ast.Name) and node.func.id == "client"}
    session = boto3.Session("x", "x", region_name="eu-west-1")
    assert {
        service: tuple(sorted(name for method, name in api.items() if method in methods))
        for service in sorted(services)
        for api in [session.client(service).meta.method_to_api_mapping]  # type: ignore[call-overload]
    } == trim.OPERATIONS


def _argument(call: ast.Call) -> str:
    return str(call.args[0].value) if isinstance(call.args[0], ast.Constant) else ""


def test_every_client_is_what_the_whole_botocore_makes(built: Built) -> None:
    """Endpoints in all partitions, signatures, handlers, and what each operation takes, answers and fails with."""
    regions = [
        "eu-west-1",
        "us-east-1",
        "ap-southeast-5",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "eusc-de-east-1",
    ]
    ours, whole = (json.loads(_clients(path, regions)) for path in (built.layer, Path(boto3.__file__).parent.parent))
    others = {*whole.pop("services")} - {*ours.pop("services")}
    for made in (ours, whole):  # botocore adds a few to its list when it is imported: they stay.
        made["handlers"] = [event for event in made["handlers"] if not others & {*event.split(".")}]
    assert ours == whole


def _clients(path: Path, regions: Sequence[str]) -> str:
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", _CLIENTS],
        input=json.dumps({"path": [str(path)], "operations": trim.OPERATIONS, "regions": regions}),
        env={},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_every_function_answers_from_layer_and_code_alone(built: Built, bench: Bench) -> None:
    """With no other package at hand; its handler loads nothing heavy that it does not need."""
    slack = bench.pending.slack_message is not None
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


def test_what_is_compiled_is_not_compiled_again(built: Built) -> None:
    sources = [file for folder in built.path for file in folder.rglob("*.py")]
    tag = sys.implementation.cache_tag
    missing = [file for file in sources if not (file.parent / "__pycache__" / f"{file.stem}.{tag}.pyc").exists()]
    assert not missing


def test_a_dependency_that_has_moved_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trim.trim(tmp_path)


def test_code_that_has_moved_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import other\n")
    with pytest.raises(ValueError, match="import http"):
        trim.edit(tmp_path / "app.py", "import http", "")
