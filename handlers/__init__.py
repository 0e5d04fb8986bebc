"""Lambda entry points, one file for each function. `wiring` puts them together from `settings`."""

import gc

gc.set_threshold(100_000)  # 700 by default: cold starts went into looking through imports for garbage.
