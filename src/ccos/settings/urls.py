"""URLs of model servers as people write them: right, or refused in words that hold nothing of them."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_HOST = re.compile(r"(?!-)[\w-]+(\.[\w-]+)*\.?")
_NEXT = re.compile(r",(?=\s*https?://)", re.IGNORECASE)
_BEGINNING = re.compile(r"https?://", re.IGNORECASE)


def _url(value: str) -> str:
    value = value.strip()
    if not _BEGINNING.match(value):
        raise ValueError("must begin with http:// or https://")
    if value.count("://") > 1 and "@" not in value:
        raise ValueError("is more than one URL; in a list put a comma between them")
    scheme, _, rest = value.partition("://")
    try:
        parts = urlsplit(f"{scheme.lower()}://{rest}")
        whole = bool(parts.hostname) and _is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not value.isprintable() or " " in value or "#" in value:
        raise ValueError("is not a whole URL such as http://10.0.0.5:8000/v1")
    return f"{scheme.lower()}://{rest}".rstrip("/")


def _is_host(name: str) -> bool:
    """An address or a name; one that ends in a number would be an address and is none."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(_HOST.fullmatch(name)) and not name.rstrip(".").rpartition(".")[2].isdigit()
    return True


def _urls(value: str) -> str:
    return ",".join(_url(part) for part in value.split(",") if part.strip())


def without_secrets(text: str) -> str:
    """One or several URLs, whole or not, without what may be a password: logins, queries and fragments."""
    return ",".join(_bare(part) for part in _NEXT.split(text))


def _bare(url: str) -> str:
    """Whatever stands before the last @ may be of a login that was not written as one must be."""
    return re.sub(r"[?#].*", "?...", re.sub(r"(?s)^(\s*\w+://)?.*@", r"\1...@", url))


Url = Annotated[str, AfterValidator(_url)]
Urls = Annotated[str, AfterValidator(_urls)]
