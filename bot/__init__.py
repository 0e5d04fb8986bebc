"""The Slack channel: Bolt's app for what people do in Slack, and what tells them through Slack's Web API.

It imports the core, Bolt and Slack's SDK. What tells people, its views and `credentials` do not import Bolt.
"""

import gc

# Without it (700 by default) a cold start takes some 30 ms more: it goes through all that is imported, again and again.
gc.set_threshold(100_000)
