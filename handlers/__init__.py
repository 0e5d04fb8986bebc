"""Lambda entry points, one file for each function. `wiring` builds their parts from `settings`.

May import everything but `cli` and `demo`.
"""

import gc

gc.set_threshold(100_000)  # Instead of 700: with it, cold starts spend their time searching imports for garbage.
