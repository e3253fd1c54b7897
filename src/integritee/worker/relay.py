"""What a relay chain's node can show for the finality of a parachain's blocks.

The relay chain finalizes blocks of its own, and what their state names as the parachain's head is final with them. So
from the relay-chain block that the enclave knows the way leads over proven ones, over each change of authorities
among them, to the last whose parachain head the next import can reach. Nothing here is trusted.

Nodes prove the finality of a block by the last one of its authority set, or the latest one if that set is in force;
some by the next one that is justified. Justifications within past sets are kept every 512 blocks
(polkadot-service, `GRANDPA_JUSTIFICATION_PERIOD`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from integritee.boundary.messages import Leap, RelayFinality
from integritee.client.errors import MalformedAnswer, RpcError
from integritee.client.parentchain import Block
from integritee.primitives.grandpa import ConsensusLog, FinalityProof, ScheduledChange, grandpa_logs
from integritee.primitives.header import Header
from integritee.primitives.parachain import para_head_key
from integritee.scale import DecodeError, decode

from .errors import NoJustification

MAX_STATIONS: Final = 4096
"""Proven blocks to look at for one import; each takes two requests."""

JUSTIFICATION_PERIOD: Final = 512


class RelayChain(Protocol):
    """What is asked of a node of the relay chain."""

    async def prove_finality(self, number: int) -> FinalityProof | None: ...

    async def block_hash(self, number: int) -> bytes | None: ...

    async def header(self, block_hash: bytes | None = None) -> Header: ...

    async def block(self, block_hash: bytes) -> Block: ...

    async def raw_storage(self, key: bytes, at: bytes | None = None) -> bytes | None: ...

    async def read_proof(self, keys: list[bytes], at: bytes) -> list[bytes]: ...


@dataclass(frozen=True)
class ProvenHead:
    """The parachain's header up to which blocks can be imported, and why it is final."""

    head: Header
    finality: RelayFinality


@dataclass(frozen=True)
class Station:
    """A proven relay-chain block on the way, and the leaps over changes of authorities up to it."""

    leaps: tuple[Leap, ...]
    header: Header
    justification: bytes


async def next_proven_head(
    relay: RelayChain, para_id: int, relay_number: int, para_number: int, finalized: int, limit: int
) -> ProvenHead | None:
    """The latest head at most `limit` blocks beyond `para_number`, but not beyond `finalized`, that is proven to who
    knows relay-chain block `relay_number`.

    None if there is no such head yet: the parachain has none beyond, or only some that are not final for the
    parachain's node, which is behind that of the relay chain.

    Raises NoJustification if proven heads are too far apart, or too much of the relay chain lies before the next,
    and ClientError if the node does not have the state.
    """
    wanted = range(para_number + 1, min(para_number + limit, finalized) + 1)
    here = Station((), await relay.header(await _hash(relay, relay_number)), b"")
    best: tuple[Station, Header] | None = None
    forgotten: RpcError | None = None
    for _ in range(MAX_STATIONS):
        station = await _next_station(relay, here)
        if station is None:
            break
        try:
            head = await _head(relay, para_id, station.header.hash())
        except RpcError as lost:  # what comes later may still be in the node's memory
            head, forgotten = None, lost
        if head is not None and head.number >= wanted.stop:
            best = best or await _between(relay, para_id, here, station, wanted)
            if best is None and len(wanted) == limit:
                raise forgotten or NoJustification(here.header.number + 1, station.header.number - 1)
            forgotten = None
            break
        if head is not None and head.number in wanted:
            best = station, head
        here = station
    else:
        if best is None:
            raise NoJustification(relay_number + 1, here.header.number)
    if best is None and forgotten is not None:
        raise forgotten
    return None if best is None else await _proven(relay, para_id, *best)


async def _proven(relay: RelayChain, para_id: int, station: Station, head: Header) -> ProvenHead:
    proof = await relay.read_proof([para_head_key(para_id)], station.header.hash())
    finality = RelayFinality(list(station.leaps), station.header, station.justification, proof)
    return ProvenHead(head, finality)


async def _next_station(relay: RelayChain, last: Station) -> Station | None:
    """The block that proves the next one; None if that is not final yet."""
    number = last.header.number + 1
    try:
        proof = await relay.prove_finality(number)
    except RpcError:  # nodes have no milder word for it
        return None
    if proof is None:
        return None
    headers = [await relay.header(await _hash(relay, number)), *proof.unknown_headers]
    if headers[-1].hash() != proof.block:
        raise MalformedAnswer(
            "grandpa_proveFinality", f"headers from block {number} on do not end with the proven one"
        )
    announced = _announced(headers)
    leap = () if announced is None else (Leap(headers[announced:], proof.justification),)
    return Station((*last.leaps, *leap), headers[-1], proof.justification)


def _announced(headers: list[Header]) -> int | None:
    """Which of the headers announces the change of authorities that takes effect with the last of them, if any."""
    for index, header in enumerate(headers):
        for data in grandpa_logs(header):
            try:
                log = decode(ConsensusLog, data)
            except DecodeError:  # the enclave will say so
                continue
            if isinstance(log, ScheduledChange) and header.number + log.delay == headers[-1].number:
                return index
    return None


async def _between(
    relay: RelayChain, para_id: int, here: Station, far: Station, wanted: range
) -> tuple[Station, Header] | None:
    """The last block between two stations that keeps a justification, with a wanted head."""
    last = (far.header.number - 1) // JUSTIFICATION_PERIOD * JUSTIFICATION_PERIOD
    for number in range(last, here.header.number, -JUSTIFICATION_PERIOD):
        block_hash = await _hash(relay, number)
        head = await _head(relay, para_id, block_hash)
        if head is None or head.number < wanted.start:
            break
        if head.number in wanted:
            block = await relay.block(block_hash)
            if block.justification is not None:
                return Station(here.leaps, block.header, block.justification), head
    return None


async def _head(relay: RelayChain, para_id: int, at: bytes) -> Header | None:
    """The parachain's head as of a block, if it has one."""
    value = await relay.raw_storage(para_head_key(para_id), at)
    if value is None:
        return None
    try:
        head: Header = decode(Header, decode(bytes, value))
    except DecodeError as wrong:
        raise MalformedAnswer("state_getStorage", f"no header of a parachain ({wrong})") from None
    return head


async def _hash(relay: RelayChain, number: int) -> bytes:
    found = await relay.block_hash(number)
    if found is None:
        raise MalformedAnswer("chain_getBlockHash", f"no block {number}, although a later one is final")
    return found
