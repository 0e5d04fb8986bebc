"""What the functions that face the internet could do if somebody ran code of their own in them: their roles, used.

IAM's evaluator is the emulator's, and what it looks at is made as on AWS by demo/emulated_iam.py. What every line of
the policies does is shown in tests/unit/test_policies.py; here the same requests go to the deployed stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from approvals.store.items import LISTED, READABLE, SPENDABLE, changeable_to_item
from approvals.store.table import ApprovalTable
from demo import aws
from demo.person import Person
from demo.stack import LocalStack
from tests.support.builders import an_approval
from tests.support.polling import seen
from tests.support.stack_contents import table

READ = {
    "CallbackFunction": set(READABLE),
    "BotFunction": set(LISTED),
    "AnswerFunction": set(LISTED),
    "SpendFunction": set(SPENDABLE),
}
RESPONSE = {"id", "waiting", *changeable_to_item(an_approval())}
WRITTEN = {**dict.fromkeys(READ, RESPONSE), "SpendFunction": {"id", "spends", "spend_parity"}}
RETURNED = ("ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
REFUSED = r"AccessDenied|AuthorizationError|not authorized"


@dataclass(frozen=True, slots=True)
class Intruder:
    """Code of somebody else in a function: what it has, and the record of a request that waits."""

    function: str
    session: boto3.Session
    table: str
    tokens: str
    replies: str
    topic: str
    secret: str
    item: dict[str, Any]
    token: str

    @property
    def dynamodb(self) -> Any:
        return self.session.client("dynamodb")

    @property
    def own(self) -> str:
        """Return an attribute that the function may write."""
        return min(WRITTEN[self.function] - {"id"})

    @property
    def which(self) -> dict[str, Any]:
        return {"TableName": self.table, "Key": {"id": self.item["id"]}}

    def setting(self, *names: str, **more: Any) -> dict[str, Any]:
        """Return an update of the record that sets attributes, as another of the same kind."""
        return {
            **self.which,
            "UpdateExpression": f"SET {', '.join(f'#{name} = :value' for name in names)}",
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": {":value": {"S": "forged"}},
            **more,
        }

    def project(self, *names: str) -> dict[str, Any]:
        """Return a look at attributes of the record."""
        return {
            **self.which,
            "ProjectionExpression": ", ".join(f"#{name}" for name in names),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
        }

    @property
    def everything(self) -> set[str]:
        """Every attribute of a record, and of other items that were in the same table once."""
        return {
            *self.item,
            *SPENDABLE,
            *READABLE,
            "spend_parity",
            "task_token",
            "user",
            "kind",
            "text",
            "response_url",
            "left_at",
            "anything",
        }


@pytest.fixture(scope="module")
def asked(stack: LocalStack) -> dict[str, Any]:
    """The record of a request that waits."""
    name = Person(stack.url).start("roles", {})
    arn = f"{stack.outputs['StateMachineHumanApprovalArn'].replace(':stateMachine:', ':execution:')}:{name}"
    name, dynamodb = stack.outputs["ApprovalTableName"], aws.session().client("dynamodb")
    waiting = seen(lambda: next(ApprovalTable(dynamodb, name).waiting(arn), None), "the request")
    return dict(dynamodb.get_item(TableName=name, Key={"id": {"S": waiting}})["Item"])


@pytest.fixture(scope="module", params=READ)
def intruder(request: pytest.FixtureRequest, stack: LocalStack, asked: dict[str, Any]) -> Intruder:
    """Code with a function's own rights."""
    functions = aws.session().client("lambda").list_functions()["Functions"]
    role = next(found["Role"] for found in functions if f"human-approval-{request.param}" in found["FunctionName"])
    lent = aws.session().client("sts").assume_role(RoleArn=role, RoleSessionName="intruder")["Credentials"]
    tokens = table("human-approval", "TaskTokenTable")
    token = aws.session().client("dynamodb").get_item(TableName=tokens, Key={"id": asked["id"]})["Item"]["task_token"]
    return Intruder(
        function=request.param,
        session=boto3.Session(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"]),
        table=stack.outputs["ApprovalTableName"],
        tokens=tokens,
        replies=table("human-approval", "SlackReplyTable"),
        topic=stack.outputs["ApprovalTopicArn"],
        secret=stack.outputs["SlackSecretArn"],
        item=asked,
        token=str(token["S"]),
    )


def refused(attempt: Callable[[], object]) -> None:
    with pytest.raises(ClientError, match=REFUSED):
        attempt()


def test_a_record_has_no_task_token(asked: dict[str, Any]) -> None:
    assert "task_token" not in asked


def test_a_function_can_read_the_attributes_it_needs_and_no_others(intruder: Intruder) -> None:
    get = intruder.dynamodb.get_item
    known = READ[intruder.function]
    assert get(**intruder.project(*sorted(known)))["Item"]["deadline"] == intruder.item["deadline"]
    unknown = sorted(intruder.everything - known)
    assert "task_token" in unknown
    for name in unknown:
        refused(partial(get, **intruder.project("id", name)))
        refused(partial(get, **intruder.which, AttributesToGet=[name]))
    refused(partial(get, **intruder.which))


def test_it_can_write_the_attributes_of_an_answer_and_no_others(intruder: Intruder) -> None:
    write = intruder.dynamodb.update_item
    unwritable = sorted(intruder.everything - WRITTEN[intruder.function])
    assert {"expires_at", "task_token", "link_key", "people", "request", "workflow", "steps"} <= set(unwritable)
    for name in unwritable:
        refused(partial(write, **intruder.setting(name)))
        refused(partial(write, **intruder.setting(intruder.own, name)))
        refused(partial(write, **intruder.which, UpdateExpression=f"REMOVE {name}.nested"))
        refused(partial(write, **intruder.setting(intruder.own, ConditionExpression=f"attribute_exists({name})")))
    allowed = sorted(WRITTEN[intruder.function] - {"id"})
    # No condition of IAM's is in the way: the record is, which has another version.
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        write(**intruder.setting(*allowed, ConditionExpression=f"{intruder.own} = :value"))


def test_no_write_tells_what_the_record_has(intruder: Intruder) -> None:
    for returned in RETURNED:
        refused(partial(intruder.dynamodb.update_item, **intruder.setting(intruder.own, ReturnValues=returned)))


def test_a_write_that_fails_can_tell_it_but_no_token(intruder: Intruder) -> None:
    """IAM has no condition for this. So what must not leave the backend is in another table."""
    named = {"ConditionExpression": f"{intruder.own} = :value", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed") as failed:
        intruder.dynamodb.update_item(**intruder.setting(intruder.own, **named))
    assert intruder.token not in str(failed.value.response)
    if intruder.function == "BotFunction":
        leave = {"TableName": intruder.replies, "Item": {"id": {"S": "reply#U1#x"}}}
        failing = {**leave, "ConditionExpression": "attribute_exists(anything)"}
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            intruder.dynamodb.put_item(**failing, ReturnValuesOnConditionCheckFailure="ALL_OLD")


def test_a_transaction_is_no_way_around(intruder: Intruder) -> None:
    read, write = intruder.dynamodb.transact_get_items, intruder.dynamodb.transact_write_items
    forged, allowed = intruder.setting("link_key"), intruder.setting(intruder.own)
    elsewhere = {**allowed, "Key": {"id": {"S": "x"}}}
    reads: list[list[dict[str, Any]]] = [
        [{"Get": intruder.which}],
        [{"Get": intruder.project("id")}],
        [{"Get": intruder.project("id")}, {"Get": intruder.which}],
        [{"Get": {**intruder.which, "TableName": intruder.tokens}}],
    ]
    writes: list[list[dict[str, Any]]] = [
        [{"Update": forged}],
        [{"Update": elsewhere}, {"Update": forged}],
        [{"Put": {"TableName": intruder.table, "Item": intruder.item}}],
        [{"Put": {"TableName": intruder.tokens, "Item": intruder.item}}],
        [{"Delete": intruder.which}],
        [{"ConditionCheck": {**intruder.which, "ConditionExpression": "attribute_exists(id)"}}],
        [{"Update": elsewhere}, {"Delete": intruder.which}],
    ]
    if intruder.function != "BotFunction":
        writes.append([{"Update": allowed}])
    for items in reads:
        refused(partial(read, TransactItems=items))
    for items in writes:
        refused(partial(write, TransactItems=items))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT link_key FROM \"RECORDS\" WHERE id = 'ID'",
        "SELECT task_token FROM \"TOKENS\" WHERE id = 'ID'",
        "UPDATE \"RECORDS\" SET expires_at = 1 WHERE id = 'ID'",
        "UPDATE \"RECORDS\" SET news = 'no' WHERE id = 'ID'",
        "INSERT INTO \"RECORDS\" VALUE {'id': 'forged'}",
        "DELETE FROM \"RECORDS\" WHERE id = 'ID'",
    ],
)
def test_partiql_is_no_way_around(intruder: Intruder, statement: str) -> None:
    names = {"RECORDS": intruder.table, "TOKENS": intruder.tokens, "ID": intruder.item["id"]["S"]}
    for word, name in names.items():
        statement = statement.replace(word, name)
    dynamodb = intruder.dynamodb
    refused(partial(dynamodb.execute_statement, Statement=statement))
    refused(partial(dynamodb.execute_transaction, TransactStatements=[{"Statement": statement}]))
    refused(partial(dynamodb.batch_execute_statement, Statements=[{"Statement": statement}]))


def test_it_has_no_right_to_the_tasks_tokens(intruder: Intruder) -> None:
    which = {**intruder.which, "TableName": intruder.tokens}
    item = {"TableName": intruder.tokens, "Item": {"id": intruder.item["id"], "task_token": {"S": "forged"}}}
    dynamodb = intruder.dynamodb
    for attempt in (
        partial(dynamodb.get_item, **which),
        partial(dynamodb.get_item, **{**intruder.project("id"), "TableName": intruder.tokens}),
        partial(dynamodb.batch_get_item, RequestItems={intruder.tokens: {"Keys": [which["Key"]]}}),
        partial(dynamodb.scan, TableName=intruder.tokens),
        partial(dynamodb.put_item, **item),
        partial(dynamodb.update_item, **{**intruder.setting("task_token"), "TableName": intruder.tokens}),
        partial(dynamodb.delete_item, **which),
    ):
        refused(attempt)


def test_the_bot_alone_leaves_replies_and_cannot_read_them(intruder: Intruder) -> None:
    dynamodb, key = intruder.dynamodb, {"id": {"S": "reply#U0BOB00002#forged"}}
    leave = partial(dynamodb.put_item, TableName=intruder.replies, Item=key)
    for attempt in (
        partial(dynamodb.get_item, TableName=intruder.replies, Key=key),
        partial(dynamodb.scan, TableName=intruder.replies),
        partial(dynamodb.update_item, **{**intruder.setting("text"), "TableName": intruder.replies, "Key": key}),
        partial(dynamodb.delete_item, TableName=intruder.replies, Key=key),
        *(partial(leave, ReturnValues=returned) for returned in ("ALL_OLD",)),
    ):
        refused(attempt)
    if intruder.function == "BotFunction":
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            leave(ConditionExpression="attribute_exists(id)")
    else:
        refused(leave)


def test_it_can_neither_resume_publish_list_forge_nor_delete(intruder: Intruder) -> None:
    session, dynamodb, records = intruder.session, intruder.dynamodb, intruder.table
    attempts: list[Callable[[], object]] = [
        lambda: session.client("stepfunctions").send_task_success(taskToken=intruder.token, output="{}"),
        lambda: session.client("stepfunctions").send_task_failure(taskToken=intruder.token),
        lambda: session.client("sns").publish(TopicArn=intruder.topic, Message="x"),
        lambda: dynamodb.scan(TableName=records),
        lambda: dynamodb.query(
            TableName=records,
            IndexName="waiting",
            KeyConditionExpression="waiting = :arn",
            ExpressionAttributeValues={":arn": intruder.item["waiting"]},
        ),
        lambda: dynamodb.batch_get_item(RequestItems={records: {"Keys": [{"id": intruder.item["id"]}]}}),
        lambda: dynamodb.put_item(TableName=records, Item=intruder.item),
        lambda: dynamodb.batch_write_item(RequestItems={records: [{"PutRequest": {"Item": intruder.item}}]}),
        lambda: dynamodb.delete_item(**intruder.which),
    ]
    if intruder.function != "BotFunction":
        attempts.append(lambda: session.client("secretsmanager").get_secret_value(SecretId=intruder.secret))
    for attempt in attempts:
        refused(attempt)


def test_a_role_that_may_do_all_else_may_not_publish_to_the_topic(stack: LocalStack) -> None:
    """The topic's policy denies it to all but three roles; subscribing stays what it was."""
    iam, topic = aws.session().client("iam"), stack.outputs["ApprovalTopicArn"]
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'
    )
    anything = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
    role = iam.create_role(RoleName="administrator", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName="administrator", PolicyName="anything", PolicyDocument=anything)
    lent = aws.session().client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="administrator")["Credentials"]
    sns = boto3.Session(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"]).client("sns")
    refused(lambda: sns.publish(TopicArn=topic, Message="x"))
    made = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="eve@example.com", ReturnSubscriptionArn=True)
    sns.unsubscribe(SubscriptionArn=made["SubscriptionArn"])
