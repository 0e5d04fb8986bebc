"""The app's messages in Slack: requests with their progress and outcome, replies, ephemeral messages, and the Home."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from slack_sdk import WebClient
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View
from slack_sdk.web import SlackResponse

from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.model import Approval, Delivery
from approvals.domain.parts import Text
from approvals.domain.replies import DeferredReply
from approvals.services.tasks import for_each
from bot.addresses import SLACK, is_slack_user
from bot.client import SLACK_API, TIMEOUT, ResponseUrls, SlackApi, SlackRefusalError, webhook_client
from bot.credentials import SlackSecret
from bot.deliveries import channel_message, messages
from bot.directory import SlackDirectory
from bot.refusals import GONE, NO_THREAD
from bot.views.approval import message_of, outcome_reply, requester_of
from bot.views.comparison import readers_see_values
from bot.views.text import sentence, with_quotes


class SlackMessenger:
    """Posts as the app's bot. Every method raises `DeliveryError` if the call fails.

    `directory` looks people up over the same connection.
    """

    def __init__(
        self, web_client: Callable[[], WebClient], channel: str, response_urls: ResponseUrls | None = None
    ) -> None:
        self._api = SlackApi(web_client)
        self._channel = channel
        self._response_urls = response_urls or ResponseUrls(SLACK_API, webhook_client)
        self.directory = SlackDirectory(self._api)

    def connect(self) -> None:
        """Read the secret now, while the function starts, if that is possible: once for all approvals.

        A token that Slack refuses later is read again.
        """
        self._api.connect()

    def post_request(self, approval: Approval) -> Delivery:
        """Post the request with its buttons in its own channel, or in the stack's. Return the message."""
        return self._post_request(approval, approval.request.channel or self._channel)

    def post_directly(self, approval: Approval, user: str) -> Delivery:
        """Post the request in a direct message, which opens the conversation if there is none. Return the message.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage#channels (a user's ID)
        """
        return replace(self._post_request(approval, user), to=user)

    def update(self, approval: Approval) -> None:
        """Edit the request's messages to show its progress or outcome. A repeat changes nothing that people see."""

        def edit(message: Delivery) -> None:
            self.edit(message, approval)

        for_each(messages(approval), edit)

    def edit(self, message: Delivery, approval: Approval) -> bool:
        """Edit one message of the request. Return False if it was deleted."""
        text, blocks = message_of(approval, values=readers_see_values(approval, message))
        place, ts = message.place, message.id
        try:
            self._api.call(lambda slack: slack.chat_update(channel=place, ts=ts, text=text, blocks=blocks))
        except SlackRefusalError as refused:
            if refused.code not in GONE:
                raise
            return False
        return True

    def is_in_place(self, message: Delivery, approval: Approval) -> bool:
        """Return True if a message is where the request asks to be posted."""
        wanted = approval.request.channel or self._channel
        # A conversation with one user has an ID of its own.
        return message.place == wanted or (wanted[0] in "UW" and message.place.startswith("D"))

    def reply(
        self, approval: Approval, text: Text | str, mentions: Sequence[str] = (), quoted: Sequence[str] = ()
    ) -> None:
        """Write a text in the request's thread, with mentions of Slack users, and quoted lines below.

        The text must name its request: if the message was deleted or takes no replies, it stands in the channel by
        itself.
        """
        mentioned = [f"<@{user}>" for user in mentions]
        self._reply(_message(approval), with_quotes(" ".join([*mentioned, sentence(text)]), quoted))

    def reply_directly(self, message: Delivery, text: Text | str, quoted: Sequence[str] = ()) -> None:
        """Write a text below the request in the direct message of one user, who is not in its channel."""
        self._reply(message, with_quotes(sentence(text), quoted))

    def reply_outcome(self, approval: Approval) -> None:
        """Reply with the outcome in the request's thread, with a mention of the requester."""
        user = requester_of(approval)
        self._reply(_message(approval), f"<@{user}> {outcome_reply(approval)}" if user else outcome_reply(approval))

    def tell_outcome(self, approval: Approval, user: str) -> None:
        """Write the outcome to one user."""
        self._post(user, outcome_reply(approval))

    def tell(self, user: str, text: Text | str) -> None:
        """Write a text to one user."""
        self._post(user, sentence(text))

    def send_ephemeral(self, reply: DeferredReply, text: str) -> None:
        """Send mrkdwn to one user: where they clicked, or in a direct message if the app is not in that channel.

        The answer to a command, with its buttons, may be in any channel; the app's Home is in none.
        """
        if reply.channel:
            channel, user = reply.channel, reply.user
            with suppress(DeliveryRefusedError):
                self._api.call(lambda slack: slack.chat_postEphemeral(channel=channel, user=user, text=text))
                return
        self._post(reply.user, text)

    def publish_home(self, user: str, view: View) -> None:
        """Publish the app's Home to one user."""
        self._api.call(lambda slack: slack.views_publish(user_id=user, view=view))

    def respond(self, response_url: str, text: str, blocks: Sequence[Block]) -> None:
        """Answer a command to the user alone."""
        self._response_urls.post(response_url, text, blocks, workspace=self.directory.workspace())

    def link(self, message: Delivery) -> str:
        """Return the URL of a message."""
        return self.directory.link(message.place, message.id)

    def _post_request(self, approval: Approval, channel: str) -> Delivery:
        reader = Delivery(channel=SLACK, place=channel, id="", to=channel if is_slack_user(channel) else "")
        answer = self._post(channel, *message_of(approval, values=readers_see_values(approval, reader)))
        # The app's own workspace: in the posted message, or found in a call of its own.
        workspace = (answer.get("message") or {}).get("team") or self.directory.workspace()
        place, ts = str(answer["channel"]), str(answer["ts"])
        return Delivery(channel=SLACK, place=place, id=ts, realm=str(workspace))

    def _reply(self, message: Delivery, text: str) -> None:
        # Slack takes a reply to a deleted message, and posts it in the channel.
        # Source: https://github.com/slack-go/slack/issues/1571
        try:
            self._post(message.place, text, thread=message.id)
        except SlackRefusalError as refused:
            if refused.code not in NO_THREAD:
                raise
            self._post(message.place, text)

    def _post(
        self, channel: str, text: str, blocks: Sequence[Block] | None = None, thread: str | None = None
    ) -> SlackResponse:
        return self._api.call(
            lambda slack: slack.chat_postMessage(
                channel=channel, text=text, blocks=blocks, thread_ts=thread, unfurl_links=False, unfurl_media=False
            )
        )


def connected_messenger(channel: str, read_secret: Callable[[], SlackSecret], api_url: str) -> SlackMessenger:
    """Return the messenger for a channel. It starts without the secret if it can't be read."""

    def web_client() -> WebClient:
        # No retries of its own: a post whose answer was lost may have been taken.
        return WebClient(token=read_secret().bot_token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])

    messenger = SlackMessenger(web_client, channel, ResponseUrls(api_url, webhook_client))
    messenger.connect()
    return messenger


def _message(approval: Approval) -> Delivery:
    message = channel_message(approval)
    if message is None:
        raise ValueError(f"approval {approval.id} has no Slack message")
    return message
