"""What host and enclave say to each other: one struct per request and answer.

Nothing here is trusted by its receiver: the enclave verifies what it relies on, the host only moves bytes.
Everything that crosses is public or already encrypted to an end point inside the enclave.
"""

from __future__ import annotations

from typing import Annotated

from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId, Balance, ParentchainId, ShardIdentifier
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import Bounded, Struct, u16, u32, u64

MAX_BLOCKS_PER_IMPORT = 1000
MAX_LEAPS = 4096
"""Changes of authorities that one warp passes: one a day makes eleven years."""
MAX_HEADERS_PER_LEAP = 4096
MAX_EXTRINSICS_PER_BLOCK = 65_536
MAX_PROOF_NODES = 65_536


class Nothing(Struct, frozen=True):
    """An empty request or answer."""


class Failure(Struct, frozen=True):
    """Why a request failed: the error's stable code, its text and its facts as JSON."""

    code: str
    message: str
    data: str


class InitParams(Struct, frozen=True):
    """Start of the enclave. URLs are what it advertises; `slot_ms` is the sidechain slot in milliseconds."""

    data_dir: str
    shard: ShardIdentifier | None
    trusted_host: str
    trusted_port: u16
    trusted_url: str
    untrusted_url: str
    mu_ra_url: str
    slot_ms: u32
    apps: list[str]
    """Apps of the ledger beside its own; measured."""
    development: bool
    """Whether the ledger is for development: rich accounts, a sudo key; measured."""
    seal_to_signer: bool
    """Whether other code of the same signer can open the state as well; refused outside of development."""
    skip_ra: bool
    clean_reset: bool
    check_invariants: bool
    """Whether the laws of the ledger are checked with every block."""


class LedgerChoice(Struct, frozen=True):
    """A ledger to be measured, as in `InitParams`."""

    apps: list[str]
    development: bool


class Measurement(Struct, frozen=True):
    """The MRENCLAVE that the enclave's code has with a ledger."""

    fingerprint: H256


class EnclaveIdentity(Struct, frozen=True):
    """Who the enclave is. `kind` is the TEE backend; `account` signs on the parentchain, `ledger_account` in the
    ledger; `trusted_port` is where the trusted RPC listens (0 if not yet)."""

    fingerprint: H256
    kind: str
    version: str
    account: AccountId
    ledger_account: AccountId
    shard: ShardIdentifier
    vault: AccountId
    shielding_key: str
    trusted_port: u16


class RuntimeFacts(Struct, frozen=True):
    """Metadata and versions of a parentchain's runtime, as its node reports them."""

    metadata: bytes
    spec_version: u32
    transaction_version: u32


class Leap(Struct, frozen=True):
    """Consecutive headers from one that announces a change of authorities to the one with which it takes effect,
    and the GRANDPA justification of the last."""

    headers: Annotated[list[Header], Bounded(MAX_HEADERS_PER_LEAP)]
    justification: bytes


class ParentchainParams(Struct, frozen=True):
    """First contact with a parentchain. `authorities_proof` proves GRANDPA's authority set against the genesis
    state root; the two amounts say how much the host wants the enclave account and the vault to hold. `leaps`
    spare an enclave that has never been on the chain the headers between changes of authorities."""

    id: ParentchainId
    genesis: Header
    authorities_proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]
    runtime: RuntimeFacts
    required_funds: Balance
    vault_funding: Balance
    leaps: Annotated[list[Leap], Bounded(MAX_LEAPS)] = []


class ParentchainBlock(Struct, frozen=True):
    """A finalized block: its extrinsics, the GRANDPA justification if the node has one for it, and one storage
    proof of the watched keys at this block. Values are read out of the proof, never beside it."""

    header: Header
    extrinsics: Annotated[list[bytes], Bounded(MAX_EXTRINSICS_PER_BLOCK)]
    justification: bytes | None
    proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]


class ImportBlocks(Struct, frozen=True):
    """Consecutive finalized blocks, justified at the end and wherever the authorities change."""

    id: ParentchainId
    blocks: Annotated[list[ParentchainBlock], Bounded(MAX_BLOCKS_PER_IMPORT)]


class SyncState(Struct, frozen=True):
    """How far the enclave's light client is, and which storage keys it wants proven from here on."""

    number: u32
    hash: H256
    watched_keys: list[bytes]


class EnclaveStatus(Struct, frozen=True):
    """What operators see. `phase` names the step of onboarding, ``running`` at the end; `trust` is ``grandpa`` or
    ``unproven``; amounts in base units, sizes in bytes."""

    phase: str
    trust: str
    needed_funds: Balance
    parentchain_number: u32
    parentchain_processed: u32
    sidechain_number: u64
    sidechain_hash: H256
    confirmed_number: u64
    pool_ready: u32
    pool_future: u32
    connections: u32
    rpc_requests: u64
    trusted_calls: u64
    total_issuance: Balance
    state_bytes: u64
    outbox: u32


class SubmitExtrinsics(Struct, frozen=True):
    """Extrinsics to hand to a parentchain's node. Repeated until the enclave sees them included or expired."""

    id: ParentchainId
    extrinsics: list[bytes]


class StoreBlocks(Struct, frozen=True):
    """New sidechain blocks for the host's block store."""

    blocks: list[SignedBlock]


class PhaseChanged(Struct, frozen=True):
    """Onboarding moved on; `detail` is for people."""

    phase: str
    detail: str
    needed_funds: Balance


class SlotReport(Struct, frozen=True):
    """One authored slot: counts, and times in microseconds."""

    block_number: u64
    executed: u32
    failed: u32
    queued_before: u32
    execution_us: u64
    remaining_before_us: u64
    remaining_after_us: u64
