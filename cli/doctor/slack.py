"""Checks of Slack: the token, its scopes, the channel, and the signing secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, TypeAlias

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import SlackResponse
from urllib3.exceptions import HTTPError

from approvals.domain.parts import pluralize
from bot.client import STALE
from bot.credentials import REFRESH
from bot.request_verification import EVENT_TAKEN, REFUSED
from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok, unknown, warning
from cli.doctor.fixes import again, tail
from cli.slack_app import APPS, NAME, RETRY_EVENTS, SIGNING_SECRET, scopes
from cli.slack_connection import slack_client, stored_secret

Json: TypeAlias = dict[str, Any]

LOOK_BACK = timedelta(days=1)
"""How far back the log is searched for refused requests."""

EVENTS_LOOK_BACK = timedelta(days=7)
"""How far back the log is searched for an event."""

GRACE = 2 * REFRESH
"""Refusals this soon after a change of the secret are expected: warm functions still use the old one."""

_INVITE = f"In Slack, in the channel: /invite @{NAME}"
_INSTALL = f"{APPS} > your app > Install App > Reinstall to Workspace"
_COPY_SECRET = f"{APPS} > your app > Basic Information > App Credentials > Signing Secret > Show, then copy"


def check_slack(context: Context) -> Iterator[Finding]:
    """Check everything about Slack. Without a channel, requests go by email only, which is fine."""
    if not context.slack_channel:
        yield ok(
            Check.CHANNEL,
            f"not connected; requests go by email only. To connect: {context.command('slack', 'connect')}",
        )
        return
    try:
        secret = stored_secret(context)
    except (KeyError, ValueError):
        text = "the stored secret has a form that the functions can't read"
        yield fault(Check.TOKEN, text, context.command("slack", "connect"))
        return
    yield from check_app(context, secret.bot_token, context.slack_channel)
    yield from _signing(context, secret.signing_secret)


def check_events(context: Context) -> Iterator[Finding]:
    """Check that Slack sends events, which it does only once it has verified the address.

    Slack has no API for that: only an event shows it. It verifies the address when the app is created, before the stack
    knows the signing secret, so that attempt fails.
    """
    group = context.resource("BotLogs")
    if not context.slack_channel or group is None:
        return
    since = context.clock() - EVENTS_LOOK_BACK
    if any(_lines(context, group.id, EVENT_TAKEN, since)):
        yield ok(Check.EVENTS, f"Slack sent an event in the last {EVENTS_LOOK_BACK.days} days")
        return
    text = f"no event in the last {EVENTS_LOOK_BACK.days} days: nobody opened the app's Home tab, or it stays empty"
    again_after = f"{context.command('doctor')}   # run again a minute later"
    yield warning(Check.EVENTS, text, f"In Slack: open the Home tab of {NAME}\n{RETRY_EVENTS}\n{again_after}")


def check_app(context: Context, token: str, channel: str) -> Iterator[Finding]:
    """Check token, scopes and channel. Without a valid token the other two can't be checked."""
    connect = context.command("slack", "connect")
    copy = f"{APPS} > your app > OAuth & Permissions > Bot User OAuth Token > Copy\n{connect}"
    if not token:
        yield fault(Check.TOKEN, "SlackChannel is set, but there is no bot token", copy)
        return
    web = slack_client(context, token)
    try:
        who = web.auth_test()
    except SlackApiError as error:
        yield _token_finding(context, error, copy)
        return
    except (SlackRequestError, HTTPException, OSError):
        yield unknown(Check.TOKEN, f"can't reach Slack at {web.base_url}", again(context))
        return
    if not who.get("bot_id"):
        yield fault(Check.TOKEN, "this is a user token; use the bot token", copy)
        return
    if who.get("is_enterprise_install"):
        text = "the app is installed for a whole Enterprise Grid organization, but it supports one workspace only"
        install = f"{APPS} > your app > Install App: uninstall it, then install it to the channel's workspace"
        yield fault(Check.TOKEN, text, f"{install}\n{copy}")
        return
    yield ok(Check.TOKEN, f"valid for @{who.get('user')} in {who.get('team')}")
    yield from _scopes(who)
    yield from _channel(context, web, channel)


def _token_finding(context: Context, error: SlackApiError, copy: str) -> Finding:
    reason = str(error.response.get("error", ""))
    if reason in STALE:
        return fault(Check.TOKEN, f"Slack rejected the token: {reason}", copy)
    text = f"Slack responded with HTTP {error.response.status_code} at {context.parameters['SlackApiUrl']}"
    return unknown(Check.TOKEN, text, again(context))


def _scopes(who: SlackResponse) -> Iterator[Finding]:
    granted = {name.strip() for name in _header(who, "x-oauth-scopes").split(",")}
    if missing := sorted(scopes() - granted):
        manifest = f"{APPS} > your app > OAuth & Permissions > Bot Token Scopes: add {', '.join(missing)}"
        yield fault(Check.SCOPES, f"missing scopes: {', '.join(missing)}", f"{manifest}\n{_INSTALL}")
    else:
        yield ok(Check.SCOPES, f"all {len(scopes())} scopes are granted")


def _channel(context: Context, web: WebClient, channel: str) -> Iterator[Finding]:
    if channel.startswith("D"):
        yield ok(Check.CHANNEL, f"{channel} is a direct message, where the app can always post")
        return
    another = (
        f"{context.command('slack', 'connect', '--channel', 'ID')}   # ID: at the bottom of the channel's details\n"
        f"{_INVITE}   # if the channel is private"
    )
    try:
        found: Json = web.conversations_info(channel=channel)["channel"]
    except SlackApiError as error:
        reason = str(error.response.get("error", ""))
        if reason == "channel_not_found":
            yield fault(
                Check.CHANNEL,
                f"channel {channel} does not exist, or it is private and the app is not a member",
                another,
            )
        else:
            yield unknown(Check.CHANNEL, f"Slack responded with {reason}", f"See {Check.SCOPES}")
        return
    except (SlackRequestError, HTTPException, OSError):
        yield unknown(Check.CHANNEL, f"can't reach Slack at {web.base_url}", again(context))
        return
    name = f"#{found.get('name', channel)}"
    if found.get("is_archived"):
        yield fault(
            Check.CHANNEL, f"{name} is archived", f"In Slack: {name} > Unarchive; or use another channel:\n{another}"
        )
    elif not found.get("is_member"):
        yield fault(Check.CHANNEL, f"the app is not a member of {name}, so it can't post", _INVITE)
    else:
        yield ok(Check.CHANNEL, f"the app is a member of {name}")


def _signing(context: Context, secret: str) -> Iterator[Finding]:
    """Check that the function accepts the stored secret's signature and has not refused any of Slack's.

    Slack has no API to verify a signing secret: only a request that Slack signs shows whether it is right.
    """
    fix = f"{_COPY_SECRET}\n{context.command('slack', 'connect')}"
    if not secret:
        yield fault(Check.SIGNING, "not set, so every click in Slack is refused", fix)
        return
    try:
        status = _signed_no_op(context, secret)
    except HTTPError:
        url = context.output("SlackRequestUrl")
        yield unknown(Check.SIGNING, f"can't reach SlackRequestUrl {url} from this machine", again(context))
        return
    if status != HTTPStatus.OK:
        yield _not_accepted(context, status)
        return
    if refused := _count_refused(context):
        requests = pluralize(refused, "signed request")
        text = f"refused {requests} in the last day, so the stored secret is not this app's"
        yield fault(Check.SIGNING, text, fix)
    elif not SIGNING_SECRET.fullmatch(secret):
        yield warning(Check.SIGNING, "unusual format: signing secrets have 32 lowercase letters and digits", fix)
    else:
        yield ok(Check.SIGNING, "the stack accepts the stored secret and refused no signed request in the last day")


def _signed_no_op(context: Context, secret: str) -> int:
    """Send the signed request with which Slack verifies a URL. Return the status of the response.

    Without a right signature it gets 401. Source: https://docs.slack.dev/reference/events/url_verification
    """
    body = json.dumps({"type": "url_verification", "challenge": "approvals-doctor"})
    timestamp = str(int(context.clock().timestamp()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature or "",
    }
    return context.http.request(
        "POST", context.api_url(context.output("SlackRequestUrl")), body=body, headers=headers
    ).status


def _not_accepted(context: Context, status: int) -> Finding:
    log = tail(context, "BotLogs")
    if status == HTTPStatus.UNAUTHORIZED:
        text = (
            "the stack refuses a request signed with the stored secret: the secret changed in the last minute, "
            "or the time of this machine is wrong"
        )
        again = f"{context.command('doctor')}   # run again in a minute: functions read a new secret once a minute"
        return fault(Check.SIGNING, text, f"{again}\ndate -u   # must be the correct time, to within 5 minutes\n{log}")
    return fault(Check.SIGNING, f"SlackRequestUrl responds with HTTP {status}", log)


def _count_refused(context: Context) -> int:
    """Count the signed requests that the function refused since its last response and since the secret changed."""
    group = context.resource("BotLogs")
    if group is None:
        return 0
    described = context.client("secretsmanager").describe_secret(SecretId=context.output("SlackSecretArn"))
    since = max(context.clock() - LOOK_BACK, described["LastChangedDate"].astimezone(UTC) + GRACE)
    refused = [at for at, line in _lines(context, group.id, REFUSED, since) if line.get("signed")]
    if not refused:
        return 0
    accepted = [at for at, _ in _lines(context, group.id, "in slack", min(refused))]
    return sum(at > max(accepted, default=datetime.min.replace(tzinfo=UTC)) for at in refused)


def _lines(context: Context, group: str, phrase: str, since: datetime) -> Iterator[tuple[datetime, Json]]:
    """Yield the log lines whose message contains a phrase, each with its time."""
    pages = (
        context.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group, filterPattern=json.dumps(phrase), startTime=int(since.timestamp() * 1000))
    )
    for page in pages:
        for event in page["events"]:
            line = _parsed(event["message"])
            if phrase in str(line.get("message")):
                yield datetime.fromtimestamp(event["timestamp"] / 1000, UTC), line


def _parsed(message: str) -> Json:
    try:
        line = json.loads(message)
    except ValueError:  # Lambda's own lines
        return {}
    return line if isinstance(line, dict) else {}


def _header(answer: SlackResponse, name: str) -> str:
    found = {str(key).lower(): value for key, value in answer.headers.items()}.get(name, "")
    return str(found[0] if isinstance(found, list) else found)
