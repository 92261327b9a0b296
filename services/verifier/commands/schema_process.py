"""The process in which schemas are evaluated: `python -m services.verifier.commands.schema_process CPU_SECONDS`.

It reads a schema and a document and writes what the one says of the other, until its input ends. One evaluation that
asks for more processor time or memory than it may have ends the process; whoever asked starts another. It knows no
secrets, opens no file and no connection.
"""

import dataclasses
import resource
import signal
import sys
from typing import BinaryIO

import orjson

from services.verifier.domain.json_schema import evaluate

MEMORY_BYTES = 256 * 1024 * 1024
HEAD_BYTES = 4


def frame(content: bytes) -> bytes:
    """Content with its length before it, as both sides send it."""
    return len(content).to_bytes(HEAD_BYTES) + content


def main() -> None:
    """Answer until the input ends."""
    cpu_seconds = float(sys.argv[1])
    _confine()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (schema := _receive(source)) is not None:
        document = _receive(source)
        if document is None:
            return
        # Processor time, not the clock's: a busy machine makes no schema costly. The signal ends the process.
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        found = evaluate(schema, document)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(frame(orjson.dumps(dataclasses.asdict(found))))
        sink.flush()


def _confine() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the service, which then closes this one's input
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),  # the three that are open
    ):
        resource.setrlimit(limit, (most, most))


def _receive(source: BinaryIO) -> bytes | None:
    head = source.read(HEAD_BYTES)
    return source.read(int.from_bytes(head)) if len(head) == HEAD_BYTES else None


if __name__ == "__main__":
    main()
