"""The Slack app. Importing the package imports nothing of Bolt: `notify` and `decision` use its views and messenger."""
