"""Named places where a test may kill the process, to show that nothing is lost there.

`CRASH_AT=D3:2` kills with SIGKILL at the second pass of point D3. It is for tests: without the variable a pass
costs one look into the environment.
"""

import os
import signal
from collections import Counter

VARIABLE = "CRASH_AT"
_passes: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here if the environment says so."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None or wanted.partition(":")[0] != name:
        return
    _passes[name] += 1
    if _passes[name] == int(wanted.partition(":")[2] or 1):
        os.kill(os.getpid(), signal.SIGKILL)
