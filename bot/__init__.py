"""The Slack channel: Bolt's app for clicks and commands, and the client that posts messages.

It imports the core, Bolt and Slack's SDK. `messenger`, `views` and `credentials` do not import Bolt.
"""

import gc

# Without it (700 by default) a cold start takes some 30 ms more: it goes through all that is imported, again and again.
gc.set_threshold(100_000)
