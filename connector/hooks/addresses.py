"""Which addresses may be contacted: an address that somebody wrote, taken apart and judged, without any I/O."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna

from connector.saying import Count, say

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 8_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_FREE_PORT = 1_024
# Programs disagree on what these mean inside an address; half a surrogate pair cannot be sent at all.
_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
# A host whose last label is one of these is meant as an IPv4 address, in whatever form (WHATWG URL, 3.5).
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

# What is not for everybody, by the registries of IANA (special-purpose addresses, IPv6 unicast), and one of Azure's.
_IPV6_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers (CGNAT); Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform, seen from its machines
        "169.254.0.0/16",  # link-local; metadata of nearly every cloud
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3ffe::/16",  # given back
        "3fff::/20",  # documentation
    )
)


class Refused(Exception):
    """An address that must not be contacted; nothing was sent there. `reason` names no part of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """An http or https address, taken apart. `host`: a name in ASCII and lower case, or an IP address as it is written
    ordinarily; `path`: with the query, which may be a secret."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, so that there is nothing to look up."""
        return ":" in self.host or _NUMBER.fullmatch(self.host) is not None

    @property
    def authority(self) -> str:
        """What the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address again, from its judged parts: nobody reads it in another way."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def __repr__(self) -> str:
        return f"Place({self.scheme}://{self.authority}/…)"


@dataclass(frozen=True, slots=True)
class Opened:
    """What an operator opened although it is private: hosts at one port or at any (None), and networks."""

    places: frozenset[tuple[str, int | None]]
    networks: tuple[Network, ...]

    def names(self, place: Place) -> bool:
        """Whether the place is opened by its name."""
        return not self.places.isdisjoint({(place.host, place.port), (place.host, None)})

    def covers(self, address: Address) -> bool:
        """Whether the address is in an opened network."""
        return any(address in network for network in self.networks)


def opened(entries: Iterable[str]) -> Opened:
    """Reads `host:port`, `host`, an IP address or a network (`10.0.0.0/8`) each. Raises ValueError for the rest."""
    places: set[tuple[str, int | None]] = set()
    networks: list[Network] = []
    for entry in entries:
        try:
            networks.append(ip_network(entry, strict=False))
        except ValueError:
            places.add(_opened_host(entry))
    return Opened(frozenset(places), tuple(networks))


def _opened_host(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        if parts.netloc == entry and "@" not in entry and parts.hostname:
            return _host(parts.hostname), parts.port
    except (ValueError, Refused):
        pass
    raise ValueError(f"{entry!r} is neither host:port nor a host nor a network such as 10.0.0.0/8")


def place(url: str) -> Place:
    """The address taken apart. Raises `Refused` for what is no http or https address, or could be read in two ways."""
    if len(url) > _LONGEST:
        raise Refused(say("it is longer than {count} characters", count=Count(_LONGEST)))
    if _AMBIGUOUS.search(url):
        raise Refused(say("it holds a backslash or a control character"))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(say("it is not a valid address")) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise Refused(say("it does not begin with https://"))
    if "@" in parts.netloc:
        raise Refused(say("it holds a user name or a password"))
    return Place(
        parts.scheme, _host(parts.hostname or ""), _DEFAULT_PORTS[parts.scheme] if port is None else port, _path(parts)
    )


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _host(written: str) -> str:
    """The host in the one form that is judged and sent."""
    if not written:
        raise Refused(say("it has no host"))
    if ":" in written:
        return _ipv6(written)
    try:
        name = written.lower() if written.isascii() else idna.encode(written, uts46=True).decode()
    except UnicodeError:  # as every refusal of idna is
        raise Refused(say("its host is not a valid name")) from None
    name = name.removesuffix(".")
    if _NUMBER.fullmatch(name):
        return _ipv4(name)
    if not _NAME.fullmatch(name):
        raise Refused(say("its host is not a valid name"))
    return name


def _ipv4(written: str) -> str:
    """Four decimal numbers only: what else is taken for an address (`127.1`, `0x7f000001`, `017…`) hides what it is."""
    try:
        return str(IPv4Address(written))
    except ValueError:
        raise Refused(say("its host is a number in an unusual form")) from None


def _ipv6(written: str) -> str:
    try:
        address = IPv6Address(written)
    except ValueError:
        raise Refused(say("its host is not a valid name")) from None
    if address.scope_id is not None:
        raise Refused(say("its host names an interface of this machine"))
    return str(address)


def public(address: Address) -> bool:
    """Whether the address is one machine's that everybody can reach: global unicast, in no tunnel and no reserve."""
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in _IPV6_UNICAST):
        return False  # IPv4-mapped, IPv4-compatible, NAT64, unique local and multicast addresses among them
    return not any(address in network for network in _NOT_PUBLIC)


def judge(place: Place, answers: Sequence[str], allow: Opened, *, allow_http: bool) -> None:
    """Raises `Refused` unless the place may be contacted at whichever of the addresses that its host has.

    What the operator opened may have any port, and http too: a network of one's own seldom has certificates.
    """
    addresses = [_address(each) for each in answers]
    if allow.names(place) or (addresses and all(allow.covers(each) for each in addresses)):
        return
    if place.scheme == "http" and not allow_http:
        raise Refused(say("it does not begin with https://"))
    if place.port < _FIRST_FREE_PORT and place.port not in _DEFAULT_PORTS.values():
        raise Refused(say("its port is not one for the web"))
    if not all(public(each) or allow.covers(each) for each in addresses):
        raise Refused(say("its host is in a private or reserved network"))


def _address(written: str) -> Address:
    try:
        return ip_address(written)
    except ValueError:
        raise Refused(say("its host has an address that cannot be judged")) from None
