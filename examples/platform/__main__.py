"""`python -m examples.platform`: serve the platform until Ctrl-C."""

import logging
import os
import sys

import uvicorn

from .app import create_app
from .settings import Settings


def main() -> None:
    """Entry point."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.of(os.environ)
    except KeyError as error:
        sys.exit(f"{error.args[0]} is not set")
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None)


if __name__ == "__main__":
    main()
