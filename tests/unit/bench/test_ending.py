"""bench leaves nothing running when it is told to end, at whatever moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Each starts a child that would stay, tells its number, and stops it at the end, which is cut short nowhere.
LOOP = """
import asyncio, subprocess
from contextlib import AsyncExitStack
from bench.ending import finished, run

async def started(stack):
    child = subprocess.Popen(["sleep", "60"])
    print(child.pid, flush=True)
    await asyncio.sleep(SLOW)
    stack.callback(child.wait)
    stack.callback(child.terminate)

async def main():
    async with AsyncExitStack() as stack:
        await finished(started(stack))
        await asyncio.sleep(60)

run(main())
"""
PLAIN = """
import subprocess, time
from bench.ending import exit_on_signals

exit_on_signals()
child = subprocess.Popen(["sleep", "60"])
try:
    print(child.pid, flush=True)
    time.sleep(60)
finally:
    time.sleep(0.3)
    child.terminate()
    child.wait()
"""


def begin(program: str) -> tuple["subprocess.Popen[str]", int]:
    """The running program and its child's number."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("program", [LOOP.replace("SLOW", "0"), LOOP.replace("SLOW", "0.5"), PLAIN])
def test_what_was_started_is_stopped_and_the_exit_code_tells_of_the_signal(program: str, number: int) -> None:
    process, child = begin(program)
    try:
        time.sleep(0.1)
        process.send_signal(number)
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        assert not is_there(child)
    finally:
        process.kill()
        process.communicate()
        if is_there(child):
            os.kill(child, signal.SIGKILL)
