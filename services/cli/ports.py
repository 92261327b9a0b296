"""Ports of this machine: which are free."""

import random
import socket
from collections.abc import Mapping

from services.cli.deployment import SERVICES
from services.cli.output import UserError


def require_free_ports(ports: Mapping[str, int]) -> None:
    """Raise UserError naming the first port that cannot be listened on, or that two services would share."""
    if len(set(ports.values())) < len(ports):
        raise UserError("each service needs a port of its own")
    for service, port in ports.items():
        if not 0 < port < 65536:
            raise UserError(f"{port} is not a port; choose another with --{service}-port")
        if not is_free(port):
            raise UserError(f"port {port} is in use; choose another with --{service}-port")


def free_ports() -> dict[str, int]:
    """A port for each service that nothing listens on now, out of those no outgoing connection is given."""
    candidates = iter(random.sample(range(20000, 32000), 200))
    return {service: next(port for port in candidates if is_free(port)) for service in SERVICES}


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
