"""Lambda entry points, one file per function: parse, call the domain, answer."""
