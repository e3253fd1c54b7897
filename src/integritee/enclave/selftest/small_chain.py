"""A parentchain of one authority for the self-test, so that no node is needed.

Its blocks are real: headers, extrinsics and state roots, read proofs, GRANDPA justifications; the enclave verifies
them like any others. Its state is written instead of executed: what pallets would note is put where they note it.
Everything but the time is fixed, so that two machines make the same genesis.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from integritee.boundary.messages import ParentchainBlock, ParentchainParams, RuntimeFacts
from integritee.crypto import Ed25519Pair, blake2_256
from integritee.frame.pallets.system import AccountData, AccountInfo, LastRuntimeUpgradeInfo
from integritee.metadata import RuntimeMetadata
from integritee.primitives.enclave_bridge import ShardConfig, ShardSignerStatus, ShardStatus, UpgradableShardConfig
from integritee.primitives.grandpa import (
    Authority,
    Commit,
    GrandpaJustification,
    Precommit,
    SignedPrecommit,
    precommit_payload,
)
from integritee.primitives.header import Digest, Header, aura_slot_digest
from integritee.primitives.ids import ParentchainId
from integritee.primitives.sidechain import SidechainBlockConfirmation
from integritee.primitives.storage import blake2_map_key, pallet_version_key
from integritee.primitives.teerex import (
    MultiEnclave,
    Sgx,
    SgxBuildMode,
    SgxEnclave,
    SgxReportData,
    SgxStatus,
    Skip,
)
from integritee.scale import encode, encode_compact, u16, u64, u128
from integritee.trie import Trie, ordered_root

from ..parentchain.contract import EVENTS_KEY, RUNTIME_UPGRADE_KEY
from ..parentchain.light_client import AUTHORITIES_KEY, GENESIS_KEYS, SET_ID_KEY
from ..parentchain.onboarding import ProxyDefinition
from .known_answers import solo_metadata

BLOCK_MS: Final = 6000
SPEC_VERSION: Final = 410
TRANSACTION_VERSION: Final = 8
TEER: Final = 10**12
FUNDS: Final = 35 * TEER
"""What an enclave account is asked to hold, beside the vault's part."""
VAULT_FUNDS: Final = 25 * TEER
ROUND: Final = 1
SET_ID: Final = 0

AUTHORITY: Final = Ed25519Pair.from_seed(blake2_256(b"self-test/authority"))


@cache
def metadata() -> RuntimeMetadata:
    return RuntimeMetadata.parse(solo_metadata())


class SmallChain:
    """Grows by `grow`, from Unix time `now` (ms) on; what is written shows in the next block."""

    def __init__(self, now: int) -> None:
        self.now = now
        runtime = LastRuntimeUpgradeInfo(SPEC_VERSION, "integritee-solo")
        self._written: dict[bytes, bytes | None] = {}
        self._states = [
            Trie.from_items(
                {
                    AUTHORITIES_KEY: encode(list[Authority], [(AUTHORITY.public, 1)]),
                    SET_ID_KEY: encode(u64, SET_ID),
                    RUNTIME_UPGRADE_KEY: encode(LastRuntimeUpgradeInfo, runtime),
                    EVENTS_KEY: b"\0",
                    pallet_version_key("EnclaveBridge"): encode(u16, 1),
                    pallet_version_key("Sidechain"): encode(u16, 0),
                }
            )
        ]
        self._headers = [Header(bytes(32), 0, self._states[0].root(), ordered_root([]), Digest([]))]
        self._bodies: list[list[bytes]] = [[]]

    @property
    def height(self) -> int:
        return len(self._headers) - 1

    @property
    def genesis(self) -> Header:
        return self._headers[0]

    def grow(self, count: int = 1) -> None:
        """So many blocks, each with its time and nothing else."""
        for _ in range(count):
            self.now += BLOCK_MS
            state = self._states[-1].commit(self._written)
            self._written = {}
            body = [_timestamp(self.now)]
            digest = Digest([aura_slot_digest(self.now // BLOCK_MS)])
            parent = self._headers[-1].hash()
            self._headers.append(Header(parent, len(self._headers), state.root(), ordered_root(body), digest))
            self._states.append(state)
            self._bodies.append(body)

    # -- what pallets note ---------------------------------------------------------------------------

    def endow(self, account: bytes, amount: int) -> None:
        record = AccountInfo(providers=1, data=AccountData(free=amount))
        self._written[blake2_map_key("System", "Account", account)] = encode(AccountInfo, record)

    def register(self, account: bytes, mrenclave: bytes, url: str) -> None:
        """Put an enclave on record."""
        enclave = SgxEnclave(
            SgxReportData(account + bytes(32)),
            mrenclave,
            bytes(32),
            self.now,
            url.encode(),
            SgxBuildMode.Debug,
            Skip(False),
            SgxStatus.Invalid,
        )
        self._written[blake2_map_key("Teerex", "SovereignEnclaves", account)] = encode(MultiEnclave, Sgx(enclave))

    def serve(self, shard: bytes, mrenclave: bytes, signers: Iterable[bytes]) -> None:
        """Have a shard with these validateers, the primary first."""
        status = [ShardSignerStatus(signer, mrenclave, self.height) for signer in signers]
        config = UpgradableShardConfig(ShardConfig(mrenclave))
        self._written[blake2_map_key("EnclaveBridge", "ShardStatus", shard)] = encode(ShardStatus, status)
        self._written[blake2_map_key("EnclaveBridge", "ShardConfigRegistry", shard)] = encode(
            UpgradableShardConfig, config
        )

    def delegate(self, account: bytes, proxy: bytes) -> None:
        """Let `proxy` do anything in the name of `account`."""
        proxies = encode(tuple[list[ProxyDefinition], u128], ([ProxyDefinition(proxy, 0, 0)], 0))
        self._written[metadata().storage_key("Proxy", "Proxies", account)] = proxies

    def confirm(self, shard: bytes, number: int, block_hash: bytes) -> None:
        """Note the latest confirmation of a sidechain block; its `number` on the chain is 50 ahead of the block's."""
        confirmation = SidechainBlockConfirmation(number, block_hash)
        key = blake2_map_key("Sidechain", "LatestSidechainBlockConfirmation", shard)
        self._written[key] = encode(SidechainBlockConfirmation, confirmation)

    # -- what a host hands over ----------------------------------------------------------------------

    def facts(self) -> RuntimeFacts:
        return RuntimeFacts(solo_metadata(), SPEC_VERSION, TRANSACTION_VERSION)

    def params(self) -> ParentchainParams:
        proof = self._states[0].prove(GENESIS_KEYS)
        return ParentchainParams(
            ParentchainId.Integritee, self.genesis, proof, self.facts(), FUNDS + VAULT_FUNDS, VAULT_FUNDS
        )

    def block(self, number: int, keys: Iterable[bytes]) -> ParentchainBlock:
        """A block with its justification and a read proof of `keys`."""
        header = self._headers[number]
        justification, proof = self.justified_by(AUTHORITY, header), self._states[number].prove(keys)
        return ParentchainBlock(header, self._bodies[number], justification, proof)

    @staticmethod
    def justified_by(voter: Ed25519Pair, header: Header) -> bytes:
        """A GRANDPA justification of a block by one voter alone."""
        precommit = Precommit(header.hash(), header.number)
        vote = SignedPrecommit(precommit, voter.sign(precommit_payload(precommit, ROUND, SET_ID)), voter.public)
        return encode(
            GrandpaJustification, GrandpaJustification(ROUND, Commit(header.hash(), header.number, [vote]), [])
        )


def _timestamp(now: int) -> bytes:
    """The inherent with a block's time, length first."""
    extrinsic = b"\x04" + metadata().call_index("Timestamp", "set") + encode_compact(now)
    return encode(bytes, extrinsic)
