"""Runs in the emulator's virtual environment: judges requests by policies, with the emulator's evaluator of IAM.

Reads from stdin `{"resources": {arn: policy}, "cases": [{"role": name, "policies": [...], "requests": [...]}]}`, where
a request is an action, a resource and its condition keys. Writes for each case whether each request is allowed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "demo"))

import emulated_iam  # type: ignore[import-not-found]
from ministack.core import iam_evaluator as iam  # type: ignore[import-not-found]

ACCOUNT, REGION = "123456789012", "eu-west-1"


def allowed(role: str, policies: list[Any], request: list[Any], resources: dict[str, Any]) -> bool:
    """Return whether a session of the role may do what is requested."""
    action, resource, keys = request
    asked = iam.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context={name.lower(): value for name, value in keys.items()},
    )
    if iam.evaluate(asked, policies).decision != "Allow":
        return False
    own = resources.get(resource)
    return own is None or iam.evaluate_resource_policy(own, asked).decision != "Deny"


def main() -> None:
    """Judge every case."""
    emulated_iam.install()
    world = json.load(sys.stdin)
    verdicts = []
    for case in world["cases"]:
        policies = [iam.parse_policy_document(policy) for policy in case["policies"]]
        resources = {**world["resources"], **case.get("resources", {})}
        verdicts.append([allowed(case["role"], policies, each, resources) for each in case["requests"]])
    json.dump(verdicts, sys.stdout)


if __name__ == "__main__":
    main()
