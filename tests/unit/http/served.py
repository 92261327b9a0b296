"""A process that serves a quick route, a slow one and three components, and says on standard output what happens."""

import asyncio
import sys

from fastapi import FastAPI

from shared.http.server import run_loop, serve


class Recorder:
    """A component that says when it runs and stops; `slow` never returns from `stop`."""

    def __init__(self, name: str, *, slow: bool = False, crash: bool = False) -> None:
        self.name = name
        self.slow, self.crash = slow, crash
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        print(f"{self.name} runs", flush=True)
        if self.crash:
            self.crash = False
            raise RuntimeError("it fell over")
        await self.stopping.wait()

    async def stop(self) -> None:
        print(f"{self.name} stops", flush=True)
        self.stopping.set()
        if self.slow:
            await asyncio.Event().wait()


async def main(port: int, *, hanging: bool) -> None:
    app = FastAPI()
    app.state.stopping, app.state.held = False, 0

    @app.get("/")
    async def answer(seconds: float = 0) -> dict[str, int]:
        """`held` is how many requests to the other route have been accepted."""
        await asyncio.sleep(seconds)
        return {"held": app.state.held}

    @app.get("/held")
    async def held(seconds: float) -> dict[str, bool]:
        """Answered so many seconds after the service was told to stop."""
        app.state.held += 1
        while not app.state.stopping:
            await asyncio.sleep(0.01)
        await asyncio.sleep(seconds)
        return {"stopping": app.state.stopping}

    components = [Recorder("relay", crash=True), Recorder("consumer", slow=hanging), Recorder("worker")]
    await serve(app, host="127.0.0.1", port=port, components=components)
    print("served", flush=True)


if __name__ == "__main__":
    run_loop(main(int(sys.argv[1]), hanging="hanging" in sys.argv), uvloop="uvloop" in sys.argv)
