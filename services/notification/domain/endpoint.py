"""Where we send to: URLs whose every reader reads them alike, and addresses on the public internet.

A URL is judged when it is subscribed, and again before each try. Its addresses are judged when they are connected to,
because what a name means can change between any two looks (adapters/public_network.py).
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_LONGEST_URL = 2_000
_PLAIN = re.compile(r"[\x21-\x7e]+")
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_NAT64 = IPv6Network("64:ff9b::/96")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"), IPv6Network("64:ff9b:1::/48"))
"""6to4, Teredo, local-use NAT64: each carries an IPv4 address to somewhere we cannot judge."""

_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_LONGEST_MAIL_ADDRESS = 254

Address = IPv4Address | IPv6Address


def may_connect(address: Address, *, allow_loopback: bool) -> bool:
    """Public addresses only; this machine's own where a setting allows it."""
    meant = _meant(address)
    if meant.is_loopback:
        return allow_loopback
    if meant.is_multicast or meant.is_reserved or meant.is_unspecified or meant.is_link_local:
        return False
    if isinstance(meant, IPv6Address) and (meant.is_site_local or any(meant in tunnel for tunnel in _TUNNELS)):
        return False
    return meant.is_global


def _meant(address: Address) -> Address:
    """An IPv4 address that stands inside an IPv6 one is where the packets go."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def url_fault(url: str, *, allow_loopback: bool) -> str | None:
    """What is wrong with `url` as a webhook's, in a sentence; None where nothing is."""
    if len(url) > _LONGEST_URL or not _PLAIN.fullmatch(url) or "\\" in url:
        return f"A URL has at most {_LONGEST_URL} visible ASCII characters, and no backslash."
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "This is not a URL."
    if "@" in parts.netloc:
        return "A URL with a user name or password in it is not taken: the signature says who sends."
    if parts.fragment or "#" in url:
        return "A URL with a fragment is not taken."
    if not host or port == 0:
        return "This is not a URL with a host."
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_loopback and _is_loopback(host)):
        return "A webhook's URL begins with https://."
    return _host_fault(host, allow_loopback=allow_loopback)


def _host_fault(host: str, *, allow_loopback: bool) -> str | None:
    literal = _literal(host)
    if literal is not None:
        return None if may_connect(literal, allow_loopback=allow_loopback) else "This address is not a public one."
    # `2130706433`, `0177.0.0.1`, `0x7f.1`: resolvers take them for addresses, and people do not see which.
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return "An IPv4 address is written as four decimal numbers."
    if not _HOST_NAME.fullmatch(host.removesuffix(".")):
        return "This is not a host name; an international one is written in its xn-- form."
    if host.removesuffix(".") == "localhost" and not allow_loopback:
        return "This address is not a public one."
    return None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" if literal is None else _meant(literal).is_loopback


def is_mail_address(text: str) -> bool:
    """A plain one, as every mail server takes it; nothing that could end a header."""
    return len(text) <= _LONGEST_MAIL_ADDRESS and _MAIL_ADDRESS.fullmatch(text) is not None
