"""Free ports of this machine."""

import secrets
import socket

_FIRST, _AFTER = 20_000, 32_768
"""Below those that Linux gives to connections that go out: one of these would take a port that was chosen and waits."""


def free_ports(count: int) -> list[int]:
    """So many different TCP ports that nobody listens on now, all of 127.0.0.1.

    They are held open together until all are chosen, so that no two are the same. Another process may still take one
    before the server does; its start then fails with the server's own words, and nothing is left running.
    """
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            holder = socket.socket()
            try:
                holder.bind(("127.0.0.1", _FIRST + secrets.randbelow(_AFTER - _FIRST)))
            except OSError:  # somebody's
                holder.close()
            else:
                held.append(holder)
        return [int(holder.getsockname()[1]) for holder in held]
    finally:
        for holder in held:
            holder.close()


def free_port() -> int:
    """One TCP port of 127.0.0.1 that nobody listens on now."""
    return free_ports(1)[0]


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
