"""Free ports on 127.0.0.1."""

import random
import socket

# Below the ranges that Linux and macOS hand to outgoing connections. A client that tries again and
# again to reach a stopped server on a port of that range can in the end connect to itself, and then
# holds the port that the server wants back.
_RANGE = range(20_000, 30_000)
_TRIES = 200
_given: set[int] = set()


def free_port(preferred: int | None = None) -> int:
    """`preferred` where nobody listens there, else any port that is free now and keeps for a server.

    No other is given twice: who was given one may not listen there yet, or just not now.
    """
    for port in (preferred, *random.sample(_RANGE, _TRIES)):
        if port is not None and (port == preferred or port not in _given) and is_free(port):
            _given.add(port)
            return port
    message = f"no free port among {_TRIES} tried between {_RANGE.start} and {_RANGE.stop}"
    raise OSError(message)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection in TIME_WAIT, left by the last run, is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
