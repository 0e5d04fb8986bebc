"""Lambda entry points, one file per function: parse, call the domain, answer."""

import gc

gc.set_threshold(100_000)  # 700 by default: cold starts went into looking through imports for garbage.
