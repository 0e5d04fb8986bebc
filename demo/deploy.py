"""The real `sam build` and `sam deploy` of the real template, onto the emulator."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from demo import aws
from demo.process import ROOT, WORK, run

BUILT = WORK / "build"
_BUCKET = "human-approval-artifacts"
_SAM = str(ROOT / ".venv-sam/bin/sam")


@contextmanager
def locked(how: int) -> Iterator[None]:
    """Hold the build results, so that no other run in this folder replaces them meanwhile: each run builds again."""
    with (WORK / "build.lock").open("w") as file:
        fcntl.flock(file, how)
        yield


def build() -> None:
    """Run `sam build`. Raise `DemoError` if it fails."""
    # The layer's Makefile calls python3 -m pip: the virtual environment has it, the machine's python3 may not.
    path = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    command = [_SAM, "build", "--template", "template.yaml", "--build-dir", str(BUILT)]
    # The emulator runs the functions with its own Python: the layer is compiled for that one.
    compile_with = str(ROOT / ".venv-emulator/bin/python")
    with locked(fcntl.LOCK_EX):
        run(command, WORK / "sam-build.log", {"PATH": path, "COMPILE_WITH": compile_with})


def deploy(stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Run `sam deploy` and return the stack's outputs. Raise `DemoError` if it fails."""
    s3 = aws.session().client("s3", config=aws.CONFIG)
    s3.create_bucket(Bucket=_BUCKET)
    command = [_SAM, "deploy", "--template-file", str(BUILT / "template.yaml"), "--stack-name", stack]
    command += ["--config-env", "local", "--s3-bucket", _BUCKET, "--capabilities", "CAPABILITY_IAM"]
    command += ["--region", aws.REGION, "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    with locked(fcntl.LOCK_SH):
        run(command, WORK / f"sam-deploy-{stack}.log")
    cloudformation = aws.session().client("cloudformation", config=aws.CONFIG)
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}
