"""The domain: what an approval is and how it changes. Knows no HTTP, no Slack and no Lambda."""
