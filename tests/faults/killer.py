"""Run a module that kills itself at its N-th socket write: `killer.py FILE MODULE`.

SIGUSR1 gives the order: FILE holds `N b` or `N a`, and the N-th write from then on is the process's last act. With `b`
it dies just before the write leaves, with `a` just after. Counting every write of every transport covers Postgres,
Kafka and HTTP alike without a hook in the product. Needs the plain asyncio loop (LAUREL_UVLOOP=off).
"""

import asyncio.selector_events
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

_Transport = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


def install(order: Path) -> None:
    """From SIGUSR1 on, count this process's writes up to the fatal one that `order` names."""
    left, after = 0, False

    def take_order(*_: object) -> None:
        nonlocal left, after
        number, mode = order.read_text().split()
        left, after = int(number), mode == "a"

    def wrap(original: Any) -> Any:
        def write(self: Any, data: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            original(self, data)
            if left == 0 and after:
                os.kill(os.getpid(), signal.SIGKILL)

        return write

    _Transport.write = wrap(_Transport.write)
    _Transport.writelines = wrap(_Transport.writelines)
    signal.signal(signal.SIGUSR1, take_order)


if __name__ == "__main__":
    install(Path(sys.argv[1]))
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
