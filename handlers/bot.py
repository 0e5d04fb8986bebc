"""`bot`: the Slack app. It records responses. `notify` sends its replies, since it has the rights to do so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from approvals.adapters import clients
from approvals.store.items import LISTED
from approvals.store.replies import Replies
from approvals.store.table import ApprovalTable
from bot.app import BotHandler, create_app
from bot.credentials import SecretSource, load_secret
from bot.request_verification import RequestVerifier
from handlers.settings import BotSettings
from handlers.wiring import Wiring


def build(environ: Mapping[str, str]) -> BotHandler:
    """Build the handler from the environment."""
    config = BotSettings(environ)
    wiring = Wiring(config)
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (reserved variables)
    snapped = environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    read_secret = partial(load_secret, clients.session().client("secretsmanager"), config.slack_secret_arn)
    secret = SecretSource(read_secret, wiring.clock, snapped=snapped)
    replies = Replies(wiring.dynamodb, config.slack_reply_table_name)
    table = ApprovalTable(wiring.dynamodb, config.table_name, replies=replies, attributes=LISTED)
    app = create_app(table=table, secret=secret, api_url=config.slack_api_url, clock=wiring.clock, logger=wiring.logger)
    return BotHandler(app, RequestVerifier(secret, wiring.clock), wiring.logger)


handler = build(os.environ)
