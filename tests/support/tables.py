"""The tables as the template has them."""

from __future__ import annotations

from copy import copy

from mypy_boto3_dynamodb import DynamoDBClient

from approvals.store.items import LISTED
from approvals.store.table import ApprovalTable
from tests.support.template import RESOURCES

TABLE, TOKENS, REPLIES = "approvals", "task-tokens", "slack-replies"
TABLES = {"ApprovalTable": TABLE, "TaskTokenTable": TOKENS, "SlackReplyTable": REPLIES}
"""The tables' names by their logical ids."""


def create_tables(dynamodb: DynamoDBClient) -> None:
    """Create the tables of the template."""
    schema = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    for logical_id, name in TABLES.items():
        properties = RESOURCES[logical_id]["Properties"]
        dynamodb.create_table(TableName=name, **{each: properties[each] for each in schema if each in properties})


def as_the_bot_has_it(table: ApprovalTable) -> ApprovalTable:
    """Return the table with the attributes that the Slack app may read."""
    bots = copy(table)
    bots._attributes = LISTED
    return bots
