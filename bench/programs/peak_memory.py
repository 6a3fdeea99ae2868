"""Runs the program named by the argument; prints the peak memory of this Python process in MB (10^6 bytes).

The Node process that jsii starts is a child and not counted.
"""

import resource
import runpy
import sys

runpy.run_path(sys.argv[1], run_name="__main__")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
unit = 1 if sys.platform == "darwin" else 1024
print(peak * unit / 1e6)
