"""Checks of the stack itself: its state, its version, its functions, rules, alarms and dead letters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from approvals.domain.parts import pluralize
from approvals.domain.working_hours import EXAMPLE, find_zone, parse_working_hours
from cli.context import Context, NoStackError, Resource
from cli.doctor.findings import Check, Finding, fault, ok, warning
from cli.doctor.fixes import aws, deploy, tail
from cli.times import format_time
from cli.version import installed, is_older

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

_PRODUCT_OUTPUT = "StateMachineHumanApprovalArn"
"""The output by which stacks of this product are recognized."""

_QUICK = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
_THREADS = 10

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"})
_RUNBOOK = "See the runbook in docs/reliability.md"


def check_presence(context: Context) -> Iterator[Finding]:
    """Check that the stack exists and its last deployment succeeded."""
    try:
        status = context.description["StackStatus"]
    except NoStackError:
        yield _missing(context)
        return
    where = f"{context.stack} in {context.session.region_name}"
    if status in _GOOD:
        yield ok(Check.STACK, f"{where} is {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield warning(Check.STACK, f"{where}: an update is in progress ({status})", "Run again when it is done")
    else:
        yield fault(Check.STACK, f"{where}: the last deployment failed ({status})", _redeploy(context, status))


def check_version(context: Context) -> Iterator[Finding]:
    """Check that the stack and the command line have the same version."""
    ours, theirs = installed(), context.outputs.get("Version", "")
    if ours == theirs:
        yield ok(Check.VERSION, f"stack and command line have version {ours}")
    elif is_older(ours, theirs):
        text = f"command line {ours} is older than the stack ({theirs})"
        yield fault(Check.VERSION, text, f"git checkout v{theirs}   # in the checkout that `approvals` comes from")
    else:
        text = f"the stack ({theirs or 'a version before 0.2.0'}) is older than command line {ours}"
        yield fault(Check.VERSION, text, f"{deploy(context)}   # in a checkout of {ours}")


def check_functions(context: Context) -> Iterator[Finding]:
    """Check that every function can run and its event sources are enabled."""
    found = _of_type(context, "AWS::Lambda::Function")
    faults = [problem for each in found for problem in _function_faults(context, each.name, each.id)]
    yield from faults or [ok(Check.FUNCTIONS, f"all {len(found)} functions and their triggers are active")]


def check_scheduler(context: Context) -> Iterator[Finding]:
    """Check that the scheduler's rules are enabled, and that working hours delay its reminders.

    Without the rules nothing expires and nobody is reminded.
    """
    found = _of_type(context, "AWS::Events::Rule")
    off = [each for each in found if context.client("events").describe_rule(Name=each.id)["State"] == "DISABLED"]
    for rule in off:
        fix = aws(context, "events", "enable-rule", "--name", rule.id)
        yield fault(
            Check.SCHEDULER,
            f"rule {rule.name} is disabled, so deadlines, reminders or cancellations are not processed",
            fix,
        )
    yield from _working_hours(context)
    if not off:
        yield ok(Check.SCHEDULER, f"all {len(found)} rules are enabled")


def _working_hours(context: Context) -> Iterator[Finding]:
    """Yield what makes the stack's working hours delay nothing. CloudFormation has checked their form alone."""
    written = context.parameters.get("RemindDuring", "")
    hours = parse_working_hours(written)
    if hours is None:
        return
    fix = deploy(context, "--parameter-overrides", f'RemindDuring="{EXAMPLE}"')
    if find_zone(hours.zone) is None:
        text = f'RemindDuring: "{hours.zone}" is not an IANA time zone, so reminders come at any time'
        yield warning(Check.SCHEDULER, text, fix)
    elif hours.start == hours.end:
        text = f'RemindDuring: "{written}" ends when it begins, so reminders come at any time'
        yield warning(Check.SCHEDULER, text, fix)


def check_alarms(context: Context) -> Iterator[Finding]:
    """Check that no alarm of the stack is in state ALARM."""
    names = {each.id: each.name for each in _of_type(context, "AWS::CloudWatch::Alarm")}
    paginator = context.client("cloudwatch").get_paginator("describe_alarms")
    pages = paginator.paginate(AlarmNames=list(names), StateValue="ALARM")
    ringing = [alarm for page in pages for alarm in page["MetricAlarms"]]
    for alarm in ringing:
        name = names[alarm["AlarmName"]]
        text = f"{name} is in ALARM since {format_time(alarm['StateUpdatedTimestamp'])}: {alarm['AlarmDescription']}"
        yield fault(Check.ALARMS, text, _alarm_fix(context, name))
    if not ringing:
        yield ok(Check.ALARMS, f"all {len(names)} alarms are OK")


def check_dead_letters(context: Context) -> Iterator[Finding]:
    """Check that the dead-letter queue is empty."""
    queue = context.resource("DeadLetterQueue")
    url = queue.id if queue else ""
    found = context.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    # A message that was received just now is not visible for a while.
    waiting = int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])
    if not waiting:
        yield ok(Check.DEAD_LETTERS, "empty")
        return
    shown = ("--max-number-of-messages", "10", "--visibility-timeout", "0", "--query", "Messages[].Body")
    look = aws(context, "sqs", "receive-message", "--queue-url", url, *shown)
    back = aws(context, "sqs", "start-message-move-task", "--source-arn", found["QueueArn"])
    yield fault(
        Check.DEAD_LETTERS,
        f"{pluralize(waiting, 'message')} failed after all retries",
        f"{look}   # lists the approvals; to find the cause, see docs/reliability.md\n"
        f"{back}   # run after you fix the cause; repeating is safe",
    )


def _missing(context: Context) -> Finding:
    """Return the finding for a missing stack. Most often it was deployed to another region."""
    text = f"no stack named {context.stack}"
    where = context.session.region_name
    if context.local:
        return fault(Check.STACK, f"{text} on this machine", "make demo")
    if elsewhere := _regions_with(context):
        fix = "\n".join(context.command("doctor", region=region) for region in elsewhere)
        return fault(Check.STACK, f"{text} in {where}, but in {', '.join(elsewhere)}", fix)
    if others := _others_here(context):
        named = "\n".join(context.command("doctor", stack=name) for name in others)
        return fault(Check.STACK, f"{text}; {where} has {', '.join(others)}", named)
    elsewhere_fix = context.command("doctor", region="REGION")
    return fault(
        Check.STACK,
        f"{text} in {where} or in another region of this account",
        f"{elsewhere_fix}   # with your region; for another account, add --profile\n"
        "sam build && sam deploy --guided   # if you have not deployed it yet",
    )


def _regions_with(context: Context) -> list[str]:
    """Return the other regions that have a stack with this name. Errors count as none."""
    session, here = context.session, context.session.region_name
    partition = session.get_partition_for_region(here)
    names = [each for each in session.get_available_regions("cloudformation", partition) if each != here]
    # Made in this thread: a session is not thread-safe, its clients are.
    clients = [session.client("cloudformation", region_name=name, config=_QUICK) for name in names]
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda client: _has(client, context.stack), clients)
        return [name for name, has in zip(names, found, strict=True) if has]


def _of_type(context: Context, kind: str) -> list[Resource]:
    return [each for each in context.resources if each.type == kind]


def _has(client: CloudFormationClient, stack: str) -> bool:
    try:
        return bool(client.describe_stacks(StackName=stack)["Stacks"])
    except (ClientError, BotoCoreError):
        return False


def _others_here(context: Context) -> list[str]:
    """Return the names of the product's other stacks in this region."""
    return [
        stack["StackName"]
        for page in context.client("cloudformation").get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if any(output.get("OutputKey") == _PRODUCT_OUTPUT for output in stack.get("Outputs", []))
    ]


def _redeploy(context: Context, status: str) -> str:
    failed = "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]"
    events = ("describe-stack-events", "--stack-name", context.stack, "--query", failed, "--output", "table")
    why = f"{aws(context, 'cloudformation', *events)}   # why"
    match status:
        case "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED":
            first = aws(context, "cloudformation", "delete-stack", "--stack-name", context.stack)
        case "UPDATE_ROLLBACK_FAILED":
            first = aws(context, "cloudformation", "continue-update-rollback", "--stack-name", context.stack)
        case _:
            first = ""
    return "\n".join(line for line in (why, first, deploy(context)) if line)


def _function_faults(context: Context, name: str, function: str) -> Iterator[Finding]:
    found = context.client("lambda").get_function(FunctionName=function)
    if problem := _state_problem(found):
        yield fault(Check.FUNCTIONS, f"{name} {problem}", deploy(context))
    if found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
        fix = aws(context, "lambda", "delete-function-concurrency", "--function-name", function)
        yield fault(Check.FUNCTIONS, f"{name} can't run: its reserved concurrency is 0", fix)
    for mapping in context.client("lambda").list_event_source_mappings(FunctionName=function)["EventSourceMappings"]:
        if mapping["State"] in {"Disabled", "Disabling"}:
            source = re.split(r"[:/]", mapping["EventSourceArn"])[-1 if ":sqs:" in mapping["EventSourceArn"] else -3]
            fix = aws(context, "lambda", "update-event-source-mapping", "--uuid", mapping["UUID"], "--enabled")
            yield fault(Check.FUNCTIONS, f"{name} receives nothing: its trigger {source} is disabled", fix)


def _state_problem(found: GetFunctionResponseTypeDef) -> str:
    """Return what is wrong with a function. An idle one is Inactive until it is called, which is fine."""
    configuration = found["Configuration"]
    if configuration.get("State") == "Failed":
        return f"can't run: {configuration.get('StateReasonCode', 'no reason given')}"
    if configuration.get("LastUpdateStatus") == "Failed":
        reason = configuration.get("LastUpdateStatusReasonCode", "no reason given")
        return f"still runs the previous code: its last update failed ({reason})"
    return ""


def _alarm_fix(context: Context, alarm: str) -> str:
    match alarm:
        case "DeadLetterAlarm":
            return f"See {Check.DEAD_LETTERS} below"
        case "FailedMailAlarm":
            return f"See {Check.EMAIL} below. SNS suspends an address after more than 10 emails in a second"
    logs = context.resource(re.sub(r"(Error)?Alarm$", "", alarm).replace("UndeliveredDecision", "Decision") + "Logs")
    if logs is None:
        return _RUNBOOK
    return f"{tail(context, logs.name)}   # why; then see the runbook in docs/reliability.md"
