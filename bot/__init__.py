"""The Slack app. Importing the package imports nothing of Bolt: `notify` and `decision` use its views and messenger."""

import gc

gc.set_threshold(100_000)  # 700 by default: cold starts went into looking through imports for garbage.
