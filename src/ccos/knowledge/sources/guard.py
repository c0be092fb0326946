"""Which addresses a source may be fetched from: an address of the outside must not lead to the inside."""

from __future__ import annotations

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ccos.domain.errors import AddressForbidden

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PrivateAnswer(OSError):
    """A name that leads to a private address."""


class Guard:
    """Lets public addresses pass, and of private ones only the `told` host and port."""

    def __init__(self, told: URL | None = None) -> None:
        self._told = (_host(told), told.port) if told is not None else None

    def check(self, url: URL) -> None:
        """Raises `AddressForbidden` for what is no plain web address, or is a private one by its figures."""
        if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
            raise AddressForbidden("The address is no plain http or https address; give one without a login.")
        try:
            literal = ipaddress.ip_address(_host(url))
        except ValueError:
            return
        if not self.allows(_host(url), url.port) and not public(str(literal)):
            raise AddressForbidden

    def allows(self, host: str, port: int | None) -> bool:
        """Whether this very host and port may be private."""
        return (host.rstrip(".").lower(), port) == self._told


class GuardedResolver(AbstractResolver):
    """Answers of the name service, refused when one of them is private: the connection goes to what was
    checked, so that no second answer can be another."""

    def __init__(self, guard: Guard, inner: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._inner = inner or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not self._guard.allows(host, port) and not all(public(each["host"]) for each in found):
            raise PrivateAnswer("private address")
        return found

    async def close(self) -> None:
        await self._inner.close()


def public(address: str) -> bool:
    """Whether anybody may have it: not of this machine, its network, or a range that only means others."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _host(url: URL) -> str:
    return (url.host or "").rstrip(".").lower()
