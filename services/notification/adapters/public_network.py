"""A network on which only public addresses exist: each is judged at the moment it is connected to.

A name is looked up once, all its addresses are judged, and the connection goes to one of exactly those. So a name that
points elsewhere a moment later (DNS rebinding) gains nothing. TLS still asks for the name, not the address.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address

import httpcore2

from services.notification.domain.endpoint import may_connect

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_MOST_ADDRESSES = 4


class AddressNotAllowed(Exception):
    """The name has an address that is not public, or none."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address of the name, as the system's resolver gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    def __init__(self, *, allow_loopback: bool = False, resolve: Resolve = look_up) -> None:
        self._allow_loopback, self._resolve = allow_loopback, resolve
        self._connect = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the name is not known") from error
        # One bad address among good ones is no accident: all must be public.
        if not addresses or not all(self._is_allowed(address) for address in addresses):
            raise AddressNotAllowed
        failure: Exception = httpcore2.ConnectError("no address answers")
        for address in addresses[:_MOST_ADDRESSES]:
            try:
                return await self._connect.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def _is_allowed(self, address: str) -> bool:
        try:
            return may_connect(ip_address(address), allow_loopback=self._allow_loopback)
        except ValueError:
            return False

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        raise AddressNotAllowed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
