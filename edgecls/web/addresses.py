"""Under which names and addresses this machine can be reached, as far as it knows itself."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

INTERFACES = Path("/sys/class/net")
SIOCGIFADDR = 0x8915
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def own_names() -> tuple[str, ...]:
    """Return the machine's name, and the one that mDNS tells to the local network."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return tuple(dict.fromkeys((name, f"{short}.local", short)))


def own_addresses(interfaces: Path = INTERFACES) -> tuple[str, ...]:
    """Return the IPv4 addresses of all interfaces but loopback, in the order of their names.

    The names come from a folder, for socket.if_nameindex() asks by AF_NETLINK, which the systemd
    unit forbids. None are found where the folder is missing.
    """
    found = []
    names = sorted(path.name for path in interfaces.iterdir()) if interfaces.is_dir() else []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        for name in names:
            try:
                answer = fcntl.ioctl(query, SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue  # it has none
            address = ipaddress.IPv4Address(answer[20:24])
            if not address.is_loopback:
                found.append(str(address))
    return tuple(found)


def is_loopback(address: str) -> bool:
    """Tell whether a peer with this address is on this machine."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def host_without_port(host: str) -> str:
    """Cut ":8080" off; an IPv6 address keeps its brackets. Anything odd comes back as it is."""
    name, colon, port = host.rpartition(":")
    return name.lower() if colon and port.isdigit() else host.lower()


class Hosts:
    """Know which Host headers are ours.

    A web site can point a name of its own at this machine (DNS rebinding). So only known names are
    answered; beyond loopback addresses too, for no site can make a browser send one that is ours.

    Args:    loopback: the page listens on this machine only.   names: further names.
    """

    def __init__(self, *, loopback: bool, names: tuple[str, ...] = ()) -> None:
        self._addresses = not loopback
        own = () if loopback else own_names()
        self._names = LOOPBACK_HOSTS | {name.lower() for name in (*own, *names)}

    def known(self, header: str) -> bool:
        """Tell whether a request with this Host header is meant for us."""
        host = host_without_port(header)
        return host in self._names or (self._addresses and _is_address(host))


def _is_address(host: str) -> bool:
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return False
    return (parsed.version == 6) == (bare != host)
