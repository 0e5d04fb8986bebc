"""The bundle, deployed in each way of docs/deploy.md: a whole stack comes out, and it serves an approval."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from demo import aws, deploy
from demo.executions import Executions
from demo.person import Person, links
from demo.stack import EMAIL
from scripts import bundle as bundles
from tests.support import sam_transform
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.polling import seen
from tests.support.ways_to_deploy import by_cdk, by_pattern, by_sam, by_terraform, outputs_of

Deployer = Callable[[Path, str, Mapping[str, str]], dict[str, str]]
needs_terraform = pytest.mark.skipif(
    not os.environ.get("REQUIRE_TERRAFORM"),
    reason="needs terraform and its AWS provider: install both, set REQUIRE_TERRAFORM",
)
needs_node = pytest.mark.skipif(
    not (shutil.which("node") or os.environ.get("REQUIRE_CDK")), reason="needs Node.js for CDK: install it"
)


@pytest.fixture
def bundle(aws_port: int, tmp_path: Path) -> Path:
    """The bundle, made of what the session built."""
    folder = tmp_path / "human-approval-stack"
    bundles.write(deploy.BUILT, folder)
    return folder


def kinds(stack: str) -> Counter[str]:
    """Return how many resources of each type a stack has."""
    found = aws.session().client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return Counter(each["ResourceType"] for each in found)


def expected_kinds() -> Counter[str]:
    """Return how many resources of each type the template has without any option."""
    return Counter(each["Type"] for each in sam_transform.resources().values() if "Condition" not in each)


@pytest.mark.parametrize(
    ("name", "deployer", "slack"),
    [
        pytest.param("terraform", by_terraform, False, marks=needs_terraform),
        pytest.param("sam", by_sam, True),
        pytest.param("cdk", by_cdk, True, marks=needs_node),
    ],
)
def test_each_way_deploys_the_whole_stack_and_it_serves(
    bundle: Path, leak_detector: LeakDetector, aws_port: int, name: str, deployer: Deployer, slack: bool
) -> None:
    with deployed(leak_detector, aws_port, name, slack=slack, deployer=partial(deployer, bundle)) as stack:
        whole = stack.outputs["ApprovalTableName"].rpartition("-ApprovalTable")[0]
        assert kinds(whole) == expected_kinds()
        person = Person(stack.url)
        execution = person.start(f"{name}-approval", {"Comment": "from the bundle"})
        if slack:
            assert person.click(person.message(execution), "approve").status == 200
        else:
            assert person.confirm(person.open(links(person.mail(execution))["approve"])).status == 200
        assert person.ended(execution)["states"][-1]["name"] == "ApprovedPassState"


def test_the_pattern_deploys_the_whole_stack_and_a_workflow_that_asks(
    bundle: Path, leak_detector: LeakDetector, aws_port: int
) -> None:
    with deployed(leak_detector, aws_port, "pattern", slack=False, deployer=partial(by_pattern, bundle)) as stack:
        executions = Executions(outputs_of("pattern")["DeploymentArn"])
        started = executions.start("asks", json.dumps({"Version": "2.4.1"}))
        person = Person(stack.url)
        mail = person.wait(
            lambda state: next((each for each in state["inbox"] if "Deploy web 2.4.1" in each["text"]), None), "no mail"
        )
        # Without PublicUrl, the link has the API's address on AWS.
        link = links(mail)["approve"].replace(stack.outputs["ApiGatewayInvokeURL"], stack.api_url)
        assert person.confirm(person.open(link)).status == 200
        seen(lambda: executions.get(started).status != "RUNNING", "the end of the workflow that asks")
        ended = executions.get(started)
        assert [state.name for state in ended.states] == ["Ask", "Approved?", "Deploy"]
        assert ended.output["Approval"] == {"Decision": "APPROVED", "DecidedBy": EMAIL}
