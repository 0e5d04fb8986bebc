"""Checks of the stack itself: is it there and whole, is it of this version, and does all of it run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.aws_errors import code
from cli.doctor.findings import Check, Finding, fault, ok, warning
from cli.doctor.patient import Patient
from cli.version import installed, is_older

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

OURS = "StateMachineHumanApprovalArn"
"""The output that tells our stacks from others."""

_QUICK = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
_AT_ONCE = 10
"""Regions that are asked at the same time."""

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"})
_RUNBOOK = "Look it up in the runbook of docs/reliability.md"


def presence(patient: Patient) -> Iterator[Finding]:
    """The stack is there, and its last deployment went well."""
    try:
        status = patient.description["StackStatus"]
    except ClientError as error:
        if code(error) != "ValidationError":
            raise
        yield _absent(patient)
        return
    where = f"{patient.name} in {patient.region}"
    if status in _GOOD:
        yield ok(Check.STACK, f"{where} is {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield warning(Check.STACK, f"{where} is being changed: {status}", "Look again when that is done")
    else:
        yield fault(Check.STACK, f"{where} is {status}: its last deployment failed", _redeploy(patient, status))


def version(patient: Patient) -> Iterator[Finding]:
    """Stack and command line are of one version."""
    ours, theirs = installed(), patient.outputs.get("Version", "")
    if ours == theirs:
        yield ok(Check.VERSION, f"stack and command line are both {ours}")
    elif is_older(ours, theirs):
        text = f"the command line is {ours}, older than the stack, which is {theirs}"
        yield fault(Check.VERSION, text, f"git checkout v{theirs}   # in the checkout that `approvals` comes from")
    else:
        text = f"the stack is {theirs or 'of a version before 0.2.0'}, older than the command line, which is {ours}"
        yield fault(Check.VERSION, text, f"{patient.deploy()}   # in a checkout of {ours}")


def functions(patient: Patient) -> Iterator[Finding]:
    """Every function can run, and what calls it is switched on."""
    found = patient.of_type("AWS::Lambda::Function")
    faults = [problem for each in found for problem in _function_faults(patient, each.name, each.id)]
    yield from faults or [ok(Check.FUNCTIONS, f"all {len(found)} are ready, and so is what calls them")]


def clock(patient: Patient) -> Iterator[Finding]:
    """The rules that call the clock are switched on: without them nothing expires and nobody is reminded."""
    found = patient.of_type("AWS::Events::Rule")
    off = [each for each in found if patient.events.describe_rule(Name=each.id)["State"] == "DISABLED"]
    for rule in off:
        mend = patient.aws("events", "enable-rule", "--name", rule.id)
        yield fault(Check.CLOCK, f"the rule {rule.name} is switched off, so what is due does not happen", mend)
    if not off:
        yield ok(Check.CLOCK, f"all {len(found)} rules are switched on")


def alarms(patient: Patient) -> Iterator[Finding]:
    """No alarm of the stack is ringing."""
    names = {each.id: each.name for each in patient.of_type("AWS::CloudWatch::Alarm")}
    pages = patient.cloudwatch.get_paginator("describe_alarms").paginate(AlarmNames=list(names), StateValue="ALARM")
    ringing = [alarm for page in pages for alarm in page["MetricAlarms"]]
    for alarm in ringing:
        name = names[alarm["AlarmName"]]
        text = f"{name} rings since {alarm['StateUpdatedTimestamp']:%Y-%m-%d %H:%M} UTC: {alarm['AlarmDescription']}"
        yield fault(Check.ALARMS, text, _of_alarm(patient, name))
    if not ringing:
        yield ok(Check.ALARMS, f"all {len(names)} are quiet")


def dead_letters(patient: Patient) -> Iterator[Finding]:
    """Nothing was given up on."""
    queue = patient.resource("DeadLetterQueue")
    url = queue.id if queue else ""
    found = patient.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    # What somebody is looking at is not visible to others for a while.
    waiting = int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])
    if not waiting:
        yield ok(Check.DEAD_LETTERS, "empty")
        return
    what = "1 thing" if waiting == 1 else f"{waiting} things"
    shown = ("--max-number-of-messages", "10", "--visibility-timeout", "0", "--query", "Messages[].Body")
    look = patient.aws("sqs", "receive-message", "--queue-url", url, *shown)
    back = patient.aws("sqs", "start-message-move-task", "--source-arn", found["QueueArn"])
    yield fault(
        Check.DEAD_LETTERS,
        f"{what} could not be delivered after every retry",
        f"{look}   # which approvals; docs/reliability.md says how to find the reason\n"
        f"{back}   # once it is mended: tries again, which is safe to repeat",
    )


def _absent(patient: Patient) -> Finding:
    """What to say of a stack that is not there: most often the region is not the one it was deployed to."""
    text = f"there is no stack {patient.name} in {patient.region}"
    if patient.context.local:
        return fault(Check.STACK, f"{text} of the AWS that is emulated here", "make demo")
    if elsewhere := _regions_with(patient):
        mend = "\n".join(patient.approvals("doctor", region=region) for region in elsewhere)
        return fault(Check.STACK, f"{text}; there is one in {', '.join(elsewhere)}", mend)
    if others := _others_here(patient):
        named = "\n".join(replace(patient.context, stack=name).command("doctor") for name in others)
        return fault(Check.STACK, f"{text}, nor in another region; here is {', '.join(others)}", named)
    mend = f"{patient.approvals('doctor', region='REGION')}   # with your region; name another account with --profile\n"
    return fault(
        Check.STACK,
        f"{text}, nor in another region of this account",
        f"{mend}sam build && sam deploy --guided   # when it was never deployed",
    )


def _regions_with(patient: Patient) -> list[str]:
    """The other regions that have a stack of this name; those that can't be asked count as having none."""
    session = patient.context.session
    partition = session.get_partition_for_region(patient.region)
    names = [each for each in session.get_available_regions("cloudformation", partition) if each != patient.region]
    # Made here: a session is for one thread, its clients are for any.
    clients = [session.client("cloudformation", region_name=name, config=_QUICK) for name in names]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda client: _has(client, patient.name), clients)
        return [name for name, has in zip(names, found, strict=True) if has]


def _has(client: CloudFormationClient, stack: str) -> bool:
    try:
        return bool(client.describe_stacks(StackName=stack)["Stacks"])
    except (ClientError, BotoCoreError):
        return False


def _others_here(patient: Patient) -> list[str]:
    """Stacks of ours in this region under other names."""
    return [
        stack["StackName"]
        for page in patient.cloudformation.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if any(output.get("OutputKey") == OURS for output in stack.get("Outputs", []))
    ]


def _redeploy(patient: Patient, status: str) -> str:
    failed = "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]"
    events = ("describe-stack-events", "--stack-name", patient.name, "--query", failed, "--output", "table")
    why = f"{patient.aws('cloudformation', *events)}   # why"
    match status:
        case "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED":
            first = patient.aws("cloudformation", "delete-stack", "--stack-name", patient.name)
        case "UPDATE_ROLLBACK_FAILED":
            first = patient.aws("cloudformation", "continue-update-rollback", "--stack-name", patient.name)
        case _:
            first = ""
    return "\n".join(line for line in (why, first, patient.deploy()) if line)


def _function_faults(patient: Patient, name: str, function: str) -> Iterator[Finding]:
    found = patient.functions.get_function(FunctionName=function)
    if problem := _state(found):
        yield fault(Check.FUNCTIONS, f"{name} {problem}", patient.deploy())
    if found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        mend = patient.aws("lambda", "delete-function-concurrency", "--function-name", function)
        yield fault(Check.FUNCTIONS, f"{name} is held back: its concurrency is 0", mend)
    for mapping in patient.functions.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        if mapping["State"] in {"Disabled", "Disabling"}:
            source = re.split(r"[:/]", mapping["EventSourceArn"])[-1 if ":sqs:" in mapping["EventSourceArn"] else -3]
            mend = patient.aws("lambda", "update-event-source-mapping", "--uuid", mapping["UUID"], "--enabled")
            yield fault(Check.FUNCTIONS, f"{name} gets nothing from {source}: that is switched off", mend)


def _state(found: GetFunctionResponseTypeDef) -> str:
    """What is wrong with a function's state; one that idles is Inactive until it is called, which is fine."""
    configuration = found["Configuration"]
    if configuration.get("State") == "Failed":
        return f"can't run: {configuration.get('StateReasonCode', 'no reason given')}"
    if configuration.get("LastUpdateStatus") == "Failed":
        return f"still has the code before its last update: {configuration.get('LastUpdateStatusReasonCode', '')}"
    return ""


def _of_alarm(patient: Patient, alarm: str) -> str:
    """How to find out why an alarm rings."""
    match alarm:
        case "DeadLetterAlarm":
            return f"See {Check.DEAD_LETTERS} below"
        case "FailedMailAlarm":
            return f"See {Check.EMAIL} below. After more than 10 mails in a second SNS suspends an address"
    logs = patient.resource(re.sub(r"(Error)?Alarm$", "", alarm).replace("UndeliveredDecision", "Decision") + "Logs")
    if logs is None:
        return _RUNBOOK
    return f"{patient.tail(logs.name)}   # why; then look it up in the runbook of docs/reliability.md"
