"""Arguments and results of the tools of `approvals mcp`. Their descriptions are what an agent's model reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from approvals.requests.schema import suggestion
from cli.request_input import parse_document

MAX_SECONDS = 50
"""The longest wait of one call. Clients give up a call after 60 seconds unless they are set up otherwise.

Source: https://github.com/modelcontextprotocol/typescript-sdk (DEFAULT_REQUEST_TIMEOUT_MSEC)
"""


def _object_in_text(value: Any, info: ValidationInfo) -> Any:
    """Return the object in a text: some clients send objects as text. Raises click's `UsageError`.

    It is never ambiguous, because a text is not valid where this is used.
    """
    is_text = isinstance(value, str) and value.lstrip().startswith("{")
    return parse_document(value, str(info.field_name)) if is_text else value


JsonObject = Annotated[dict[str, Any], BeforeValidator(_object_in_text)]


class Arguments(BaseModel):
    """Arguments of a tool. An unknown one is an error: a misspelt `approvers` must not ask everyone."""

    model_config = ConfigDict(extra="forbid", strict=True)


class RequestArguments(Arguments):
    """Arguments of `request_approval`."""

    title: str = Field(description="The request in one line, at most 300 characters: what happens if it is approved.")
    action: JsonObject = Field(
        description="The exact action as a JSON object, for example the tool and all its arguments. Approvers see it "
        "in full, and the approval is good for it alone."
    )
    details: str | None = Field(None, description="What approvers need to know to decide, in Markdown. Say why.")
    facts: Annotated[dict[str, str | int | float | bool], BeforeValidator(_object_in_text)] | None = Field(
        None, description='The most important facts by label, for example {"Environment": "production"}.'
    )
    approvers: list[str] | None = Field(
        None,
        description="Who can respond: email addresses, Slack user IDs (U…), Slack user group IDs (S…). "
        "Default: anyone who reads the stack's email or Slack channel.",
    )
    requested_by: str | None = Field(
        None, description="The person you act for, who can't approve: an email address or a Slack user ID."
    )
    timeout_minutes: int | None = Field(
        None, description="Minutes until the request expires without a decision. Default: the stack's."
    )
    valid_minutes: int | None = Field(
        None, description="Minutes after the decision in which the approval can be spent. Default: 60."
    )


class WaitArguments(Arguments):
    """Arguments of `wait_for_approval`."""

    approval_id: str = Field(description="The approval_id that request_approval returned.")
    seconds: int = Field(MAX_SECONDS, ge=0, le=MAX_SECONDS, description="Seconds to wait for the decision.")


class SpendArguments(Arguments):
    """Arguments of `spend_approval`."""

    grant_id: str = Field(description="The grant_id that wait_for_approval returned.")
    action: JsonObject = Field(description="The action that you execute next: exactly as it was approved.")


class Requested(BaseModel):
    """Result of `request_approval`."""

    approval_id: str
    status: str = Field(description="PENDING, unless the request has already ended.")
    deadline: str | None = Field(description="When the request expires, ISO 8601 in UTC.")
    next: str = Field(description="What to do next.")


class Waited(BaseModel):
    """Result of `wait_for_approval`."""

    approval_id: str
    status: str = Field(description="PENDING, APPROVED, REJECTED, EXPIRED, CANCELLED or REFUSED.")
    decided_by: str | None = Field(description="The person who decided.")
    comment: str | None = Field(description="The comment of that person, or the cause of an end without a decision.")
    grant_id: str | None = Field(description="For spend_approval. Secret: pass it to nothing else.")
    valid_until: str | None = Field(description="When the grant expires, ISO 8601 in UTC.")
    next: str = Field(description="What to do next.")


class Spent(BaseModel):
    """Result of `spend_approval`."""

    ok: bool = Field(description="True: you may execute the action once, now.")
    approval_id: str
    decided_by: str | None = Field(description="The person who approved it.")
    use: int = Field(description="Which use of the grant this is.")
    uses: int = Field(description="How many uses were approved.")
    next: str = Field(description="What to do next.")


def problems(error: ValidationError, arguments: type[Arguments]) -> list[str]:
    """Return a sentence for each wrong argument. Values are not repeated: one may be a grant id."""
    return [_problem(each, arguments) for each in error.errors(include_url=False, include_input=False)]


def _problem(error: Mapping[str, Any], arguments: type[Arguments]) -> str:
    path = ".".join(map(str, error["loc"])) or "arguments"
    match error["type"]:
        case "missing":
            return f"{path}: required."
        case "extra_forbidden":
            return f"{path}: unknown argument.{suggestion(path, list(arguments.model_fields))}"
        case "dict_type":
            return f"{path}: use a JSON object."
        case _:
            return f"{path}: {error['msg']}."
