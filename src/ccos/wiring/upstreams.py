"""What is known of an upstream by its address: whether it is one's own, what it costs, what to call it."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from decimal import Decimal
from urllib.parse import urlsplit

from ccos.providers.prices import Prices
from ccos.settings import Settings

OPENAI_HOST = "api.openai.com"


def openai_seller(settings: Settings) -> str | None:
    """The price table's name for who answers at OPENAI_BASE_URL; None for a gateway."""
    return "openai" if urlsplit(settings.openai_base_url).hostname == OPENAI_HOST else None


def prices_of(
    settings: Settings, seller: str | None, model: str, own: tuple[Decimal, Decimal] | None = None
) -> Prices:
    """Prices for one model: its `own` rate, else the table's, else the configured one."""
    if own is not None:
        return Prices({model: own})
    table = Prices()
    if settings.cloud_price_in is None or settings.cloud_price_out is None or table.knows(seller, model):
        return table
    return Prices({model: (settings.cloud_price_in, settings.cloud_price_out)})


def leaves_network(url: str) -> bool:
    """Whether a base URL points out of the operator's own network, as far as its name tells.

    Private, loopback and link-local addresses stay inside, and so do names without a dot or under a
    domain kept for private use.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        inside = "." not in host or host.endswith((".local", ".internal", ".lan", ".localhost", ".home.arpa"))
        return not inside


def fingerprint(url: str, key: str | None) -> str:
    """Tells one upstream and key from another, and neither of them to anyone.

    A loopback address is another server on every machine, so there the machine's name counts too.
    """
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    machine = socket.gethostname() if _is_loopback(parts.hostname or "") else ""
    return hashlib.sha256("\n".join((where, machine, key or "")).encode()).hexdigest()[:8]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
