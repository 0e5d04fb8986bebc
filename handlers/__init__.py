"""Lambda entry points, one file per function: parse, call the domain, answer."""

import gc

gc.set_threshold(100_000)  # 700 by default: a tenth of a cold start went into looking through imports for garbage.
