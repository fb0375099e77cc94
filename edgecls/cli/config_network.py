"""`edgecls config network`: a drop-in that lets the service reach what the file names, no more."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from edgecls.cli import output
from edgecls.errors import ConfigError

if TYPE_CHECKING:
    from edgecls.config import Config

RESOLVER = Path("/etc/resolv.conf")
HOME = ("link-local", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Who may open a page that listens beyond this machine; systemd's words and private networks."""

Resolve = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody the service talks to. Args: what: why.   addresses: as systemd takes them."""

    what: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """The drop-in. The first empty line of the list takes back what the unit allows."""

    peers: tuple[Peer, ...]
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "peers": [{"what": peer.what, "addresses": list(peer.addresses)} for peer in self.peers]
        }

    def as_text(self) -> Text:
        lines = ["[Service]", "IPAddressAllow=", "IPAddressAllow=localhost"]
        for peer in self.peers:
            lines += [f"# {peer.what}", f"IPAddressAllow={' '.join(peer.addresses)}"]
        return Text("\n".join(lines))


def network(
    file: Annotated[Path, typer.Argument(help="The TOML file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a systemd drop-in that names the camera, the broker and whatever else the file names.

    Names are looked up now: write it anew when an address changes.
    """
    from edgecls import config

    checked = config.load(file)
    output.emit(NetworkResult(peers_of(checked, _looked_up, _resolvers())), as_json=json)


def peers_of(config: Config, resolve: Resolve, resolvers: Sequence[str]) -> tuple[Peer, ...]:
    """Return everybody a configuration names, but this machine itself.

    Args:    resolve: gives a host name's addresses.   resolvers: the machine's name servers.
    Raises:  ConfigError for a name that nobody knows.
    """
    named = [(f"camera {camera.name}", _host_of(camera)) for camera in config.cameras]
    named += [(f"trigger {trigger.name}", _host_of(trigger)) for trigger in config.triggers]
    named += [(f"sink {sink.name}", _host_of(sink)) for sink in config.sinks]
    peers, looked_up = [], False
    for what, host in named:
        if host is None:
            continue
        if _is_address(host):
            addresses: Sequence[str] = [host]
        else:
            addresses, looked_up = resolve(host), True
            what = f"{what}: {host}"
        beyond = tuple(text for text in addresses if not ipaddress.ip_address(text).is_loopback)
        if beyond:
            peers.append(Peer(what, beyond))
    distant = tuple(text for text in resolvers if not ipaddress.ip_address(text).is_loopback)
    if looked_up and distant:
        peers.append(Peer("name servers", distant))
    if config.web.enabled and not config.web.loopback:
        peers.append(Peer("who opens the page", HOME))
    return tuple(peers)


def _host_of(section: object) -> str | None:
    """Return the host that a table names: by `host`, or inside `source` or `url`."""
    host = getattr(section, "host", None)
    if isinstance(host, str):
        return host
    for name in ("source", "url"):
        text = getattr(section, name, None)
        if isinstance(text, str) and "://" in text:
            return urlsplit(text).hostname
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _looked_up(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(
            f"nobody knows an address of {host!r}: {error}",
            hint="run this where the name is known, or write the address into the file",
        ) from error
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


def _resolvers() -> list[str]:
    """Return the name servers of this machine."""
    try:
        lines = RESOLVER.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines if line.startswith("nameserver")]
    return [pair[1] for pair in words if len(pair) > 1 and _is_address(pair[1])]
