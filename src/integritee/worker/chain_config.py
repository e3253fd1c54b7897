"""Which parentchains the worker follows, over which endpoints, from where: what the command line says of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from integritee.primitives.ids import ParentchainId

from .errors import InvalidOption

if TYPE_CHECKING:  # a parsed command line starts the enclave, which should not wait for what this would load
    from integritee.boundary.messages import Checkpoint, MetadataToken

MAX_ENDPOINTS: Final = 16
"""Endpoints of one chain."""

CHAIN_NAMES: Final[dict[str, ParentchainId]] = {
    "integritee": ParentchainId.Integritee,
    "target-a": ParentchainId.TargetA,
    "target-b": ParentchainId.TargetB,
}
"""As options and checkpoints name them."""

MAX_DECIMALS: Final = 255

RELAY_SUFFIX: Final = "-relay"
"""Behind a chain's name: the relay chain that finalizes it."""


@dataclass(frozen=True)
class RelayConfig:
    """The relay chain of a parachain. Without `para_id` the parachain is asked for it."""

    urls: tuple[str, ...]
    para_id: int | None = None
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True)
class ChainConfig:
    """One parentchain. `urls` are complete, in the order in which they are used."""

    id: ParentchainId
    urls: tuple[str, ...]
    checkpoint: Checkpoint | None = None
    relay: RelayConfig | None = None
    token: MetadataToken | None = None

    @property
    def name(self) -> str:
        return self.id.name


def endpoint_urls(option: str, text: str, port: int | None) -> tuple[str, ...]:
    """URLs, separated by commas; those without a port get `port`. Raises InvalidOption."""
    urls = tuple(dict.fromkeys(_endpoint(option, part.strip(), port) for part in text.split(",")))
    if len(urls) > MAX_ENDPOINTS:
        raise InvalidOption(option, f"{len(urls)} URLs", f"at most {MAX_ENDPOINTS}")
    return urls


def _endpoint(option: str, url: str, port: int | None) -> str:
    parts = urlsplit(url)
    try:
        own_port, host = parts.port, parts.hostname
    except ValueError:
        raise InvalidOption(option, url, "a URL with a port from 0 to 65535") from None
    if parts.scheme not in ("ws", "wss") or not host:
        raise InvalidOption(option, url, "ws://host[:port] or wss://host[:port]")
    if own_port is not None:
        return url
    if port is None:
        raise InvalidOption(option, url, "a URL with a port, or the port in its own option")
    return parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{port}").geturl()


def target(
    name: str, url: str | None, port: int | None, relay_url: str | None, para_id: int | None
) -> ChainConfig | None:
    """A target chain, or None if there is none. Raises InvalidOption for a port or relay chain of no chain."""
    if url is None:
        if port is not None:
            raise InvalidOption(f"--{name}-parentchain-rpc-port", str(port), f"--{name}-parentchain-rpc-url as well")
        if relay_url is not None:
            raise InvalidOption(f"--{name}-relay-url", relay_url, f"--{name}-parentchain-rpc-url as well")
        return None
    urls = endpoint_urls(f"--{name}-parentchain-rpc-url", url, port)
    return ChainConfig(CHAIN_NAMES[name], urls, relay=relay(name, relay_url, para_id))


def relay(name: str, url: str | None, para_id: int | None) -> RelayConfig | None:
    """The relay chain of a chain, or None if there is none. Raises InvalidOption."""
    if url is None:
        if para_id is not None:
            raise InvalidOption(f"--{name}-para-id", str(para_id), f"--{name}-relay-url as well")
        return None
    return RelayConfig(endpoint_urls(f"--{name}-relay-url", url, None), para_id)


def with_checkpoints(chains: tuple[ChainConfig, ...], found: dict[str, Checkpoint]) -> tuple[ChainConfig, ...]:
    """The chains, each to begin at its checkpoint. Raises InvalidOption for one of a chain that is not followed."""
    left = dict(found)
    result = []
    for chain in chains:
        name = next(name for name, id in CHAIN_NAMES.items() if id is chain.id)
        relay = chain.relay
        if relay is not None:
            relay = RelayConfig(relay.urls, relay.para_id, left.pop(name + RELAY_SUFFIX, None))
        result.append(replace(chain, checkpoint=left.pop(name, None), relay=relay))
    if left:
        raise InvalidOption("--checkpoint", next(iter(left)), "only chains that are configured")
    return tuple(result)


def with_tokens(chains: tuple[ChainConfig, ...], stated: Iterable[str]) -> tuple[ChainConfig, ...]:
    """The chains with the tokens of their runtimes, each as ``CHAIN=SYMBOL/DECIMALS``. Raises InvalidOption."""
    from integritee.boundary.messages import MetadataToken

    tokens: dict[ParentchainId, MetadataToken] = {}
    for text in stated:
        name, _, token = text.partition("=")
        symbol, _, decimals = token.partition("/")
        id = CHAIN_NAMES.get(name)
        if id is None or not symbol or not decimals.isdecimal() or int(decimals) > MAX_DECIMALS:
            raise InvalidOption("--metadata-token", text, "CHAIN=SYMBOL/DECIMALS, e.g. integritee=ERT/12")
        if all(chain.id is not id for chain in chains):
            raise InvalidOption("--metadata-token", text, "a chain that is followed")
        tokens[id] = MetadataToken(symbol, int(decimals))
    return tuple(replace(chain, token=tokens.get(chain.id)) for chain in chains)
