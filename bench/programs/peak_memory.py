"""Runs the program that the first argument names; prints the peak memory of this Python process in MB (10^6 bytes).

Further arguments are the program's. jsii's Node is a child and not counted: peak_memory_of_node.py does that.
"""

import resource
import runpy
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak() -> float:
    if STATUS.exists():
        # Linux's ru_maxrss begins with that of the process which started this one.
        (line,) = [line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
print(peak())
