"""A group member as a process: python -m tests.contract.bus_member KIND ADDRESS TOPIC GROUP INSTANCE.

It joins, then obeys lines of its standard input: "read N" polls until N records came, "commit" stores their offsets.
"""

import asyncio
import sys

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus, BusUnavailable, CommitLost, TopicPartition


async def main(kind: str, address: str, topic: str, group: str, instance: str) -> None:
    """Obey until the input ends."""
    bus: Bus = KafkaBus(address) if kind == "kafka" else EmbeddedBus(address)
    member = bus.subscribe(group, [topic], instance=instance)
    await member.start()
    print("joined", flush=True)
    offsets: dict[TopicPartition, int] = {}
    while command := (await asyncio.to_thread(sys.stdin.readline)).split():
        if command[0] == "read":
            found = 0
            while found < int(command[1]):
                for place, batch in (await member.poll(500, 0.2)).items():
                    offsets[place] = batch[-1].offset + 1
                    found += len(batch)
            print("read", found, flush=True)
            continue
        try:
            await member.commit(offsets)
            print("committed", flush=True)
        except (CommitLost, BusUnavailable) as error:
            print(type(error).__name__, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
