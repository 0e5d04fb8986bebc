"""Deploys the stack from the bundle onto the emulator, in each way that docs/deploy.md shows.

A deployer takes the bundle's folder, the stack's name and its parameters, and returns the approval stack's outputs.
The emulator does not apply SAM's transform to a nested template, as CloudFormation does: where the approval stack is
nested, its template is transformed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from demo import aws
from demo.process import ROOT, WORK
from scripts.bundle import FUNCTIONS, LAYER, TEMPLATE
from scripts.terraform_module import snake_case
from tests.support.sam_transform import transformed
from tests.support.stack_contents import resources_of

CDK_PYTHON = ROOT / ".venv-cdk/bin/python"
SECRETS = ("SlackBotToken", "SlackSigningSecret")
_BUCKET = "artifacts"
_PATTERN = ROOT / "examples/sfn-human-approval-sam"


def by_terraform(bundle: Path, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Apply the module with Terraform, and see that nothing is left to change.

    TF_CLI_ARGS_init can say where the AWS provider is.
    """
    _make_bucket(_BUCKET)
    work = bundle.parent / "root-module"
    work.mkdir()
    (work / "main.tf").write_text(_root_module(bundle, name, parameters))
    _run(["terraform", "init", "-input=false", "-no-color"], name, work)
    _run(["terraform", "apply", "-input=false", "-no-color", "-auto-approve"], name, work)
    assert "No changes." in _run(["terraform", "plan", "-input=false", "-no-color"], name, work)
    found = json.loads(_run(["terraform", "output", "-json"], name, work))["approval"]["value"]
    assert found["stack_name"] == name
    outputs = outputs_of(name)
    assert found | {snake_case(key): value for key, value in outputs.items()} == found
    return outputs


def by_sam(bundle: Path, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Run `sam deploy` in the bundle's folder, without a build."""
    _sam_deploy(bundle, name, parameters)
    return outputs_of(name)


def by_cdk(bundle: Path, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Synthesize an app with the construct, and deploy what came out as CDK's command line does."""
    app = bundle.parent / "cdk.out"
    arguments = {snake_case(key): value for key, value in parameters.items() if key not in SECRETS}
    synthesize(bundle, app, name, {**arguments, "bundle": str(bundle)}, [key for key in SECRETS if key in parameters])
    bucket = f"cdk-hnb659fds-assets-{aws.ACCOUNT}-{aws.REGION}"
    aws.session().client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="21", Type="String")
    for asset in json.loads((app / f"{name}.assets.json").read_text())["files"].values():
        [target] = asset["destinations"].values()
        content = (app / asset["source"]["path"]).read_bytes()
        nested = b"AWS::Serverless" in content
        _upload(bucket, target["objectKey"], transformed(content.decode()).encode() if nested else content)
    secrets = {key: value for key, value in parameters.items() if key in SECRETS}
    _upload(bucket, TEMPLATE, (app / f"{name}.template.json").read_bytes())
    _create(name, f"https://s3.amazonaws.com/{bucket}/{TEMPLATE}", secrets)
    found, outputs = outputs_of(name), outputs_of(nested_stack(name))
    assert found.pop("StackName") == nested_stack(name)
    assert found == outputs
    return outputs


def by_pattern(bundle: Path, name: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Deploy the Serverless Land pattern by `sam deploy`, without a build. It takes the address alone."""
    work = bundle.parent / "pattern"
    shutil.copytree(_PATTERN, work)
    (work / "human-approval-stack").mkdir()
    (work / "human-approval-stack" / TEMPLATE).write_text(transformed(_with_addresses(bundle)))
    _sam_deploy(work, name, {"Email": parameters["Email"]})
    return outputs_of(nested_stack(name))


def synthesize(bundle: Path, app: Path, name: str, arguments: Mapping[str, object], secrets: list[str]) -> None:
    """Synthesize a CDK app with one stack into a folder. The stack has a parameter for each secret, and all outputs."""
    template = json.loads((bundle / TEMPLATE).read_text())
    told = {
        "name": name,
        "arguments": dict(arguments),
        "secrets": {secret: snake_case(secret) for secret in secrets},
        "outputs": {output: snake_case(output) for output in template["Outputs"]},
    }
    _run(
        [str(CDK_PYTHON), "-c", _APP, json.dumps(told)],
        name,
        bundle / "cdk",
        CDK_OUTDIR=str(app),
    )


_APP = """
import json, sys
from aws_cdk import App, CfnOutput, CfnParameter, Stack
from human_approval import HumanApproval

told = json.loads(sys.argv[1])
app = App()
stack = Stack(app, told["name"])
for secret, argument in told["secrets"].items():
    told["arguments"][argument] = CfnParameter(stack, secret, no_echo=True).value_as_string
approval = HumanApproval(stack, "Approval", **told["arguments"])
CfnOutput(stack, "StackName", value=approval.stack_name)
for output, attribute in told["outputs"].items():
    if (value := getattr(approval, attribute)) is not None:
        CfnOutput(stack, output, value=value)
app.synth()
"""


def outputs_of(stack: str) -> dict[str, str]:
    """Return the outputs of a stack."""
    [found] = aws.session().client("cloudformation", config=aws.CONFIG).describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def nested_stack(stack: str) -> str:
    """Return the name of the one stack that is nested in a stack."""
    [arn] = resources_of(stack, "AWS::CloudFormation::Stack").values()
    return arn.split("/")[1]


def _sam_deploy(folder: Path, name: str, parameters: Mapping[str, str]) -> None:
    _make_bucket(_BUCKET)
    command = [str(ROOT / ".venv-sam/bin/sam"), "deploy", "--stack-name", name, "--s3-bucket", _BUCKET]
    command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--no-confirm-changeset"]
    command += [
        "--region",
        aws.REGION,
        "--parameter-overrides",
        *(f"{key}={value}" for key, value in parameters.items()),
    ]
    _run(command, name, folder)


def _root_module(bundle: Path, name: str, parameters: Mapping[str, str]) -> str:
    arguments = {"source": f"../{bundle.name}/terraform", "name": name, "artifact_bucket": _BUCKET}
    arguments |= {snake_case(key): value for key, value in parameters.items()}
    settings = ("s3_use_path_style", "skip_credentials_validation", "skip_requesting_account_id")
    return "\n".join(
        [
            'provider "aws" {',
            *(f"  {name} = true" for name in settings),
            "}",
            'module "approval" {',
            *(f"  {name} = {json.dumps(value)}" for name, value in arguments.items()),
            "}",
            'output "approval" {',
            "  value = module.approval",
            "}",
        ]
    )


def _run(command: list[str], name: str, folder: Path, **environ: str) -> str:
    """Run a command and return what it printed, which is also the log of the stack's deployment."""
    environment = {**os.environ, **environ}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    with (WORK / f"sam-deploy-{name}.log").open("a") as log:
        log.write(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _with_addresses(bundle: Path) -> str:
    """Upload the archives, and return the template with their addresses in place of their names."""
    text = (bundle / TEMPLATE).read_text()
    for archive in (FUNCTIONS, LAYER):
        _upload(_BUCKET, archive, (bundle / archive).read_bytes())
        text = text.replace(f'"{archive}"', json.dumps(f"s3://{_BUCKET}/{archive}"))
    return text


def _make_bucket(name: str) -> None:
    aws.session().client("s3", config=aws.CONFIG).create_bucket(Bucket=name)


def _upload(bucket: str, key: str, content: bytes) -> None:
    _make_bucket(bucket)
    aws.session().client("s3", config=aws.CONFIG).put_object(Bucket=bucket, Key=key, Body=content)


def _create(name: str, template_url: str, parameters: Mapping[str, str]) -> None:
    cloudformation = aws.session().client("cloudformation", config=aws.CONFIG)
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=template_url,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 240}
    )
