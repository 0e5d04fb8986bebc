"""Block Kit views: messages, dialogs and the app's Home."""
