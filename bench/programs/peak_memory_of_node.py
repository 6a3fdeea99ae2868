"""Runs the program that the first argument names; prints the peak memory of jsii's Node in MB (10^6 bytes).

Of its two processes it is the larger one, which loads the assemblies; the other passes on what it prints.
"""

import atexit
import resource
import runpy
import sys


def tell() -> None:
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6)


# What is registered first runs last: jsii has ended Node by then.
atexit.register(tell)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
