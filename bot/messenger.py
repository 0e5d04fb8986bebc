"""The app's messages in Slack: requests with their progress and outcome, replies, ephemeral messages, and the Home."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from slack_sdk import WebClient
from slack_sdk.models.blocks import Block, SectionBlock
from slack_sdk.web import SlackResponse

from approvals.domain.errors import DeliveryRefusedError
from approvals.domain.model import Approval, Delivery
from approvals.domain.parts import Text
from approvals.domain.replies import Note
from approvals.domain.summary import Summary
from approvals.domain.wording import quoted_title
from approvals.services.tasks import for_each
from bot.addresses import SLACK
from bot.client import SLACK_API, TIMEOUT, Hook, SlackApi, web_hook
from bot.credentials import SlackSecret
from bot.deliveries import channel_message, messages
from bot.directory import SlackDirectory
from bot.views import approval as view
from bot.views import home, lists
from bot.views.text import escape, mrkdwn, sentence
from bot.visibility import Overview

_YOURS_ALONE = "The link is yours alone: do not forward it."


class SlackMessenger:
    """Posts as the app's bot. Every method raises `DeliveryError` if the call fails.

    `directory` looks people up over the same connection.
    """

    def __init__(self, web_client: Callable[[], WebClient], channel: str, hook: Hook | None = None) -> None:
        self._api = SlackApi(web_client)
        self._channel = channel
        self._hook = hook or Hook(SLACK_API, web_hook)
        self.directory = SlackDirectory(self._api)

    def connect(self) -> None:
        """Read the secret now, while the function starts, if that is possible: once for all approvals.

        A token that Slack refuses later is read again.
        """
        self._api.connect()

    def post_request(self, approval: Approval) -> Delivery:
        """Post the request with its buttons in its own channel, or in the stack's. Return the message."""
        return self._post(approval, approval.request.channel or self._channel)

    def post_directly(self, approval: Approval, user: str) -> Delivery:
        """Post the request in a direct message, which opens the conversation if there is none. Return the message.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage#channels (a user's ID)
        """
        return replace(self._post(approval, user), to=user)

    def _post(self, approval: Approval, channel: str) -> Delivery:
        text, blocks = view.request_text(approval), view.request_blocks(approval)
        answer = self._call(
            lambda slack: slack.chat_postMessage(
                channel=channel, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        )
        place, ts = str(answer["channel"]), str(answer["ts"])
        return Delivery(channel=SLACK, place=place, id=ts, realm=self._workspace(answer))

    def show_progress(self, approval: Approval) -> None:
        """Edit the messages of an open request to show its progress and deadline."""
        self._edit(approval, view.request_text(approval), view.request_blocks(approval))

    def show_outcome(self, approval: Approval) -> None:
        """Edit the request's messages to show its outcome. A repeat changes nothing that people see."""
        self._edit(approval, view.outcome_text(approval), view.outcome_blocks(approval))

    def reply(self, approval: Approval, text: Text | str, mentions: Sequence[str] = ()) -> None:
        """Writes a text below the request, in its thread. The Slack users in `mentions` are told of it."""
        self._reply(_message(approval), " ".join([*(f"<@{user}>" for user in mentions), sentence(text)]))

    def reply_directly(self, message: Delivery, text: Text | str) -> None:
        """Writes a text below the request in the direct message of one user, who is not in its channel."""
        self._reply(message, sentence(text))

    def reply_outcome(self, approval: Approval) -> None:
        """Reply with the outcome in the request's thread, with a mention of the requester."""
        self._reply(_message(approval), view.outcome_reply(approval))

    def _reply(self, message: Delivery, said: str) -> None:
        self._call(
            lambda slack: slack.chat_postMessage(
                channel=message.place,
                thread_ts=message.id,
                text=said,
                unfurl_links=False,
                unfurl_media=False,
            )
        )

    def whisper(self, note: Note) -> None:
        """Post an ephemeral message where the user clicked, or a direct message if the app is not in that channel.

        The answer to a command, with its buttons, may be in any channel.
        """
        self._whisper(note, sentence(note.text))

    def hand_out(self, note: Note, approval: Approval, url: str) -> None:
        """Send a link to the approval's page to one user. It is a right to respond: nobody else may see it."""
        page = f"<{escape(url)}|Open the page>"
        self._whisper(note, f"{sentence(quoted_title(approval))} {page}. {_YOURS_ALONE}")

    def _whisper(self, note: Note, text: str) -> None:
        def directly(slack: WebClient) -> SlackResponse:
            return slack.chat_postMessage(channel=note.user, text=text, unfurl_links=False, unfurl_media=False)

        if not note.channel:  # They were in the app's Home.
            self._call(directly)
            return
        try:
            self._call(lambda slack: slack.chat_postEphemeral(channel=note.channel, user=note.user, text=text))
        except DeliveryRefusedError:
            self._call(directly)

    def publish_home(
        self, user: str, overview: Overview, waiting: Iterable[Approval], *, now: datetime, said: Text | str = ""
    ) -> None:
        """Shows the app's Home to one user anew; `waiting` are those that wait, in full. `said` stands above it."""
        shown = home.home_view(overview, waiting, self._link, now=now, said=said)
        self._call(lambda slack: slack.views_publish(user_id=user, view=shown))

    def say(self, response_url: str, text: str) -> None:
        """Answer a command with a sentence."""
        self._respond(response_url, text, [SectionBlock(text=mrkdwn(sentence(text)))])

    def help(self, response_url: str) -> None:
        """Answer a command with its help."""
        self._respond(response_url, "What /approvals knows", [SectionBlock(text=mrkdwn(lists.HELP))])

    def list(self, response_url: str, parts: Sequence[tuple[str, Sequence[Summary]]], *, nothing: str) -> None:
        """Answer a command with lists that have headings, or with a sentence if all are empty."""
        self._respond(response_url, "Approvals", lists.list_blocks(parts, self._link, nothing))

    def show(self, response_url: str, approval: Approval, *, answerable: bool) -> None:
        """Answer a command with one approval, as its message shows it."""
        if approval.decision:
            self._respond(response_url, view.outcome_text(approval), view.outcome_blocks(approval))
        else:
            blocks = view.request_blocks(approval, answerable=answerable)
            self._respond(response_url, view.request_text(approval), blocks)

    def _respond(self, response_url: str, text: str, blocks: Sequence[Block]) -> None:
        self._hook.post(response_url, text, blocks, workspace=self.directory.workspace())

    def _link(self, message: Delivery) -> str:
        return self.directory.link(message.place, message.id)

    def _edit(self, approval: Approval, text: str, blocks: Sequence[Block]) -> None:
        def edit(message: Delivery) -> None:
            self._call(lambda slack: slack.chat_update(channel=message.place, ts=message.id, text=text, blocks=blocks))

        _message(approval)
        for_each(messages(approval), edit)

    def _workspace(self, answer: SlackResponse) -> str:
        """Return the app's own workspace: from the posted message, or in a call of its own."""
        team = (answer.get("message") or {}).get("team")
        return str(team) if team else self.directory.workspace()

    def _call(self, method: Callable[[WebClient], SlackResponse]) -> SlackResponse:
        answer = self._api.call(method)
        if answer is None:
            raise RuntimeError("no code was said to mean that there is none")
        return answer


def connected_messenger(channel: str, read_secret: Callable[[], SlackSecret], api_url: str) -> SlackMessenger:
    """Return the messenger for a channel. It starts without the secret if it can't be read."""

    def web_client() -> WebClient:
        # No retries of its own: a post whose answer was lost may have been taken.
        return WebClient(token=read_secret().bot_token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])

    messenger = SlackMessenger(web_client, channel, Hook(api_url, web_hook))
    messenger.connect()
    return messenger


def _message(approval: Approval) -> Delivery:
    message = channel_message(approval)
    if message is None:
        raise ValueError(f"approval {approval.id} has no Slack message")
    return message
