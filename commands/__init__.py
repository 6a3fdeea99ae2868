"""The command line: a thin shell for each command, and what the shells share."""

import gc

# What a start imports is not garbage; looking for some after every 700 objects takes a tenth of it.
gc.set_threshold(10_000)
