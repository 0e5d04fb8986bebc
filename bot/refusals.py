"""Slack's error codes for what it refuses until its configuration changes: a retry would change nothing.

Every other code counts as an outage, and is tried again: Slack's own trouble (`internal_error`, `fatal_error`,
`service_unavailable`, `external_channel_migrating`), a rate limit, and a token that Slack does not take, which the
functions read again. Standard library only.

Source: the lists of errors at https://docs.slack.dev/reference/methods/chat.postMessage, .../chat.update,
.../chat.postEphemeral, .../views.publish, .../conversations.members and .../users.info
"""

from __future__ import annotations

GONE = frozenset({"message_not_found"})
"""The message to edit was deleted."""

NO_THREAD = frozenset(
    {
        "cannot_reply_to_message",
        "restricted_action_non_threadable_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
"""The message takes no replies, but its channel may take messages."""

LASTING = frozenset(
    {
        *GONE,
        *NO_THREAD,
        "access_denied",
        "cannot_dm_bot",
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "ekm_access_denied",
        "enterprise_is_restricted",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_enabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "team_access_not_granted",
        "team_not_found",
        "user_disabled",
        "user_not_found",
        "user_not_in_channel",
    }
)
"""All of them. `is_inactive` is what an edit in an archived channel gets, `is_archived` a post."""
