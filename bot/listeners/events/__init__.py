"""Events that Slack sends without a click."""
