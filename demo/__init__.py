"""The one-machine run: emulated AWS, a Slack stand-in and an inbox, on one web page."""
