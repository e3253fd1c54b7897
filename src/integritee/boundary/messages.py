"""What host and enclave say to each other: one struct per request and answer.

Nothing here is trusted by its receiver: the enclave verifies what it relies on, the host only moves bytes.
Everything that crosses is public or already encrypted to an end point inside the enclave.
"""

from __future__ import annotations

import enum
from typing import Annotated, Final

from integritee.primitives.grandpa import Authority
from integritee.primitives.header import Header
from integritee.primitives.ids import H256, AccountId, Balance, ParentchainId, ShardIdentifier
from integritee.primitives.ipfs import MAX_CID_LENGTH, MAX_CONTENT_BYTES, MAX_DETAIL
from integritee.primitives.sidechain import SignedBlock
from integritee.scale import Bounded, Bytes32, Struct, u8, u16, u32, u64

MAX_BLOCKS_PER_IMPORT = 1000
MAX_LEAPS = 4096
"""Changes of authorities that one warp passes: one a day makes eleven years."""
MAX_HEADERS_PER_LEAP = 4096
MAX_EXTRINSICS_PER_BLOCK = 65_536
MAX_PROOF_NODES = 65_536
MAX_SIDECHAIN_BLOCKS = 256
"""Sidechain blocks that one message carries."""
MAX_LOCATOR = 32
MAX_SEALED_OPERATIONS = 4 * 1024 * 1024
"""Bytes of one message of trusted operations between enclaves."""
MAX_HOST_NAME = 255
MAX_CUSTODIANS = 32
"""Holders of shares of a shard's recovery key."""
MAX_OBSERVATIONS = 64
MAX_RELEASE = 4096
"""Bytes of what a custodian hands over."""
MAX_CHECKS = 1024
"""Of one area of the self-test."""
DEFAULT_PARENTCHAIN_AGE_MS = 600_000
DEFAULT_MAX_CONNECTIONS = 10_000


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
    shielding_target: ParentchainId | None = None
    """The parentchain that the shard's vault is on; unsaid, a new shard's is on Integritee."""
    max_parentchain_age_ms: u64 = DEFAULT_PARENTCHAIN_AGE_MS
    """How old the latest proven block of Integritee may be while blocks are produced."""
    mu_ra_host: str = "127.0.0.1"
    mu_ra_port: u16 | None = None
    """Where to listen for enclaves that want keys and state; 0 for any free port, None for nowhere."""
    custodians: Annotated[list[Bytes32], Bounded(MAX_CUSTODIANS)] = []
    """X25519 public keys of those who can recover the shard together; measured."""
    custodian_threshold: u8 = 0
    """How many of them it takes; measured."""
    has_ipfs: bool = False
    """Whether the host has an IPFS daemon at hand."""
    max_connections: u32 = DEFAULT_MAX_CONNECTIONS
    """Clients that the trusted RPC serves at a time."""


class LedgerChoice(Struct, frozen=True):
    """A ledger to be measured, as in `InitParams`."""

    apps: list[str]
    development: bool
    custodians: Annotated[list[Bytes32], Bounded(MAX_CUSTODIANS)] = []
    custodian_threshold: u8 = 0


class SealedPlace(Struct, frozen=True):
    """Where an enclave's sealed state is, and which code can open it; as in `InitParams`."""

    data_dir: str
    ledger: LedgerChoice
    seal_to_signer: bool


class Measurement(Struct, frozen=True):
    """The MRENCLAVE that the enclave's code has with a ledger."""

    fingerprint: H256


class EnclaveIdentity(Struct, frozen=True):
    """Who the enclave is. `kind` is the TEE backend; `account` signs on the parentchain, `ledger_account` in the
    ledger; the vault is, or will be, on `shielding_target`; `trusted_port` is where the trusted RPC listens (0 if
    not yet)."""

    fingerprint: H256
    kind: str
    version: str
    account: AccountId
    ledger_account: AccountId
    shard: ShardIdentifier
    vault: AccountId
    shielding_target: ParentchainId
    shielding_key: str
    trusted_port: u16
    mu_ra_port: u16 = 0
    """Where other enclaves are provisioned; 0 if nowhere."""


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


class Checkpoint(Struct, frozen=True):
    """A finalized block that an operator vouches for: a light client may begin there instead of at genesis.

    `authorities` is the GRANDPA set (public key, weight) in force after it, empty for a chain without GRANDPA."""

    header: Header
    set_id: u64
    authorities: list[Authority]


class RelayParams(Struct, frozen=True):
    """The relay chain that finalizes a parachain, as in `ParentchainParams`; `para_id` is the parachain's there."""

    genesis: Header
    authorities_proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]
    para_id: u32
    leaps: Annotated[list[Leap], Bounded(MAX_LEAPS)] = []
    checkpoint: Checkpoint | None = None


class MetadataToken(Struct, frozen=True):
    """Symbol and decimals of the token that a runtime was built with, which its metadata hash covers (RFC-78)."""

    symbol: str
    decimals: u8


class ParentchainParams(Struct, frozen=True):
    """First contact with a parentchain. `authorities_proof` proves GRANDPA's authority set, or that there is none,
    against the genesis state root; the two amounts say how much the host wants the enclave account and the vault to
    hold. `leaps` spare an enclave that has never been on the chain the headers between changes of authorities;
    `checkpoint` is where it begins instead. With `relay`, a parachain's blocks count once the relay chain proves
    them final."""

    id: ParentchainId
    genesis: Header
    authorities_proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]
    runtime: RuntimeFacts
    required_funds: Balance
    vault_funding: Balance
    leaps: Annotated[list[Leap], Bounded(MAX_LEAPS)] = []
    checkpoint: Checkpoint | None = None
    relay: RelayParams | None = None
    token: MetadataToken | None = None
    """With it every extrinsic is valid only on a chain whose calls are those of the metadata it was told of."""


class RuntimeUpdate(Struct, frozen=True):
    """A parentchain's runtime has another version now."""

    id: ParentchainId
    runtime: RuntimeFacts


class RelayFinality(Struct, frozen=True):
    """Why a parachain's block is final: a block of the relay chain, the GRANDPA justification of it, and a proof of
    the parachain's head in its state.

    `leaps` lie between the relay-chain block the enclave knows and this one: one for each change of authorities.
    The justification is not looked at if this is the block already known, or that of the last leap."""

    leaps: Annotated[list[Leap], Bounded(MAX_LEAPS)]
    header: Header
    justification: bytes
    proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]


class ParentchainBlock(Struct, frozen=True):
    """A finalized block: its extrinsics, the GRANDPA justification if the node has one for it, and one storage
    proof of the watched keys at this block. Values are read out of the proof, never beside it."""

    header: Header
    extrinsics: Annotated[list[bytes], Bounded(MAX_EXTRINSICS_PER_BLOCK)]
    justification: bytes | None
    proof: Annotated[list[bytes], Bounded(MAX_PROOF_NODES)]


class ImportBlocks(Struct, frozen=True):
    """Consecutive finalized blocks, justified at the end and wherever the authorities change; or, of a parachain,
    up to the one that `relay` proves final."""

    id: ParentchainId
    blocks: Annotated[list[ParentchainBlock], Bounded(MAX_BLOCKS_PER_IMPORT)]
    relay: RelayFinality | None = None


class SyncState(Struct, frozen=True):
    """How far the enclave's light client is, and which storage keys it wants proven from here on.

    `trust` is the level in force: ``grandpa``, ``relay`` (finality proven on the relay chain) or ``unproven``
    (a chain of headers only). `relay_number` is how far the relay chain's light client is, if there is one."""

    number: u32
    hash: H256
    watched_keys: list[bytes]
    trust: str
    relay_number: u32 | None = None


class ChainStatus(Struct, frozen=True):
    """One parentchain: what its finality rests on (as in `SyncState`), the latest block verified and the latest one
    whose effects are in the ledger, base units the enclave account lacks, extrinsics that wait for inclusion."""

    id: ParentchainId
    trust: str
    number: u32
    processed: u32
    needed_funds: Balance
    outbox: u32
    refused: u64
    """Extrinsics of ours that were included and failed, since the start."""
    is_stale: bool
    """Whether its latest proven block is too old for producing blocks."""
    checkpoint: H256 | None = None
    """The block that the enclave began at on its operator's word; None if that was genesis."""
    relay_number: u32 | None = None
    """How far the relay chain's light client is, if there is one."""


class EnclaveStatus(Struct, frozen=True):
    """What operators see. `phase` names the step of onboarding, ``running`` at the end; amounts in base units,
    sizes in bytes. `chains` are those the enclave is connected to, Integritee first."""

    phase: str
    chains: list[ChainStatus]
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
    authorities: u32 = 0
    """Validateers of the shard, as proven."""
    is_primary: bool = False
    """Whether this one leads the shard: it confirms blocks and pays."""
    unconfirmed: u32 = 0
    """Sidechain blocks behind the last one that is final."""
    reverted: u64 = 0
    """Blocks given up for others since the start."""
    waiting_blocks: u32 = 0
    """Blocks of peers that cannot be used yet."""

    def chain(self, id: ParentchainId) -> ChainStatus | None:
        """Status of one parentchain; None if the enclave has not met it."""
        return next((chain for chain in self.chains if chain.id is id), None)

    @property
    def needed_funds(self) -> dict[ParentchainId, int]:
        """Base units the enclave account lacks, by chain; only where it lacks any."""
        return {chain.id: chain.needed_funds for chain in self.chains if chain.needed_funds}


class SubmitExtrinsics(Struct, frozen=True):
    """Extrinsics to hand to a parentchain's node. Repeated until the enclave sees them included or expired."""

    id: ParentchainId
    extrinsics: list[bytes]


class StoreBlocks(Struct, frozen=True):
    """New sidechain blocks of the enclave's chain, own and imported, for the host's block store.

    Stored blocks above number `after`, if it is said, are not of the chain any more: a fork was left."""

    blocks: list[SignedBlock]
    after: u64 | None = None


class GossipBlocks(Struct, frozen=True):
    """Own blocks for the other validateers (`sidechain_importBlock`)."""

    blocks: list[SignedBlock]


class GossipOperations(Struct, frozen=True):
    """Trusted operations for the other validateers (`sidechain_importOperations`), sealed from enclave to enclave."""

    sealed: Annotated[bytes, Bounded(MAX_SEALED_OPERATIONS)]


class FetchBlocks(Struct, frozen=True):
    """Blocks the enclave misses: those of any peer behind the first hash of `locator` that it knows, which go from
    the enclave's latest block back to the last one it would not give up. `until` is the hash of a block that the
    enclave has and cannot connect; None for all there are."""

    locator: Annotated[list[H256], Bounded(MAX_LOCATOR)]
    until: H256 | None = None


class SidechainBlocks(Struct, frozen=True):
    """Consecutive blocks of a peer, as asked for with `FetchBlocks`. `is_complete` says that nobody who could be
    asked has later ones; then an enclave that was away need not wait any longer before it produces blocks. With
    `nobody_answered` there was nobody, so that nothing is known of what others have."""

    blocks: Annotated[list[SignedBlock], Bounded(MAX_SIDECHAIN_BLOCKS)]
    is_complete: bool = False
    nobody_answered: bool = False


class SidechainState(Struct, frozen=True):
    """The enclave's latest sidechain block (all zero before the first), and how many wait that it cannot use yet."""

    number: u64
    hash: H256
    waiting: u32


class Provisioning(Struct, frozen=True):
    """Have the enclave fetch keys and state from another one, whose provisioning port this is.

    With `succeed` it takes over the other's identity, too: the other runs code that the shard has moved on from."""

    host: Annotated[str, Bounded(MAX_HOST_NAME)]
    port: u16
    succeed: bool = False


class Provisioned(Struct, frozen=True):
    """What was received and is sealed: state behind block `number`. The enclave has to be started again."""

    number: u64
    hash: H256
    entries: u64
    state_bytes: u64


class ProvisioningProgress(Struct, frozen=True):
    """Bytes of state received so far, of about so many."""

    received: u64
    expected: u64


class Examine(Struct, frozen=True):
    """Look into the sealed state without serving it. Only with `repair` is anything on the disk changed."""

    place: SealedPlace
    repair: bool


class Observation(Struct, frozen=True):
    """What is wrong with the sealed state: an error's stable code, its text and its facts as JSON."""

    code: str
    message: str
    data: str
    can_repair: bool
    is_repaired: bool


class Examination(Struct, frozen=True):
    """What the enclave that was asked finds; nothing of it is secret.

    `kinds` are the TEE kinds that the files name. `sequence` counts records, `torn` bytes of a record that a crash
    interrupted. Shard and head are those of a state that could be read to its end."""

    fingerprint: H256
    kind: str
    exists: bool
    kinds: list[str]
    files: u32
    bytes: u64
    temporary_files: u32
    sequence: u64
    snapshot: u64 | None
    torn: u64
    shard: ShardIdentifier | None
    head_number: u64
    head_hash: H256
    observations: Annotated[list[Observation], Bounded(MAX_OBSERVATIONS)]


class ExportShard(Struct, frozen=True):
    """Write keys and state into a bundle at `path` that only the custodians can open; `now` is unix ms, `slot_ms` the
    shard's slot."""

    place: SealedPlace
    path: str
    slot_ms: u32
    now: u64


class ShardExported(Struct, frozen=True):
    """What the bundle holds: the state behind block `number`. Its identity is what custodians compare."""

    identity: H256
    number: u64
    hash: H256
    entries: u64
    state_bytes: u64


class ImportShard(Struct, frozen=True):
    """Begin to open the bundle at `path` on a data directory without state; `now` is unix ms."""

    place: SealedPlace
    path: str
    now: u64


class ShareRequest(Struct, frozen=True):
    """What custodians are shown: a key that only this process of the enclave has, and evidence of it."""

    request: bytes
    threshold: u8


class ShareRelease(Struct, frozen=True):
    """What a custodian answered to a `ShareRequest`."""

    release: Annotated[bytes, Bounded(MAX_RELEASE)]


class SharesHeld(Struct, frozen=True):
    held: u8
    threshold: u8


class PhaseChanged(Struct, frozen=True):
    """Onboarding on a chain moved on; `detail` is for people."""

    id: ParentchainId
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


class SelfTestPart(enum.Enum):
    """What can be asked for by itself; all but the last two run in one enclave process."""

    UNIT = "unit"
    ECALL = "ecall"
    PROVISIONING = "provisioning"
    PROVISIONING_SERVER = "provisioning-server"
    PROVISIONING_CLIENT = "provisioning-client"


SELF_TEST_AREAS: Final[dict[SelfTestPart, tuple[str, ...]]] = {
    SelfTestPart.UNIT: (
        "primitives",
        "codecs",
        "trie",
        "ledger",
        "sealing",
        "randomness",
        "clock",
        "evidence",
        "pool",
        "sidechain",
    ),
    SelfTestPart.ECALL: ("boundary",),
    SelfTestPart.PROVISIONING: ("provisioning",),
    SelfTestPart.PROVISIONING_SERVER: ("provisioning-server",),
    SelfTestPart.PROVISIONING_CLIENT: ("provisioning-client",),
}
"""Names of the areas of the enclave's self-test, in the order in which they run."""


class SelfTest(Struct, frozen=True):
    """Run the checks of one area in this process, which must serve no shard and serves none afterwards.

    `directory` is an empty one that they may fill. `host` and `port` are where an enclave provisions others: this
    one in area ``provisioning-server``, the one to ask in ``provisioning-client``; of no meaning elsewhere."""

    area: str
    directory: str
    host: Annotated[str, Bounded(MAX_HOST_NAME)] = ""
    port: u16 = 0


class CheckResult(Struct, frozen=True):
    """One check; `detail` says what was found and what was expected, and is empty if the check passed."""

    name: str
    passed: bool
    detail: str
    microseconds: u64


class SelfTested(Struct, frozen=True):
    """What came of an area's checks, in their order."""

    results: Annotated[list[CheckResult], Bounded(MAX_CHECKS)]


class StoreContent(Struct, frozen=True):
    """Content, already encrypted, to be kept on IPFS. It is `cid`, as the enclave has found itself."""

    cid: Annotated[str, Bounded(MAX_CID_LENGTH)]
    content: Annotated[bytes, Bounded(MAX_CONTENT_BYTES)]


class ContentStored(Struct, frozen=True):
    """What became of content `cid`: `reported` is what the daemon calls it; or `code` says why it is not stored:
    that of a `DaemonError`, with its `detail`."""

    cid: Annotated[str, Bounded(MAX_CID_LENGTH)]
    reported: Annotated[str, Bounded(MAX_CID_LENGTH)] = ""
    code: Annotated[str, Bounded(MAX_CID_LENGTH)] = ""
    detail: Annotated[str, Bounded(4 * MAX_DETAIL)] = ""


class FetchContent(Struct, frozen=True):
    """Bring content from IPFS, of `MAX_CONTENT_BYTES` at most; `number` tells the answer from others."""

    number: u64
    cid: Annotated[str, Bounded(MAX_CID_LENGTH)]


class ContentFetched(Struct, frozen=True):
    """The content that was asked for, as the daemon has it; or why there is none, as in `ContentStored`."""

    number: u64
    content: Annotated[bytes, Bounded(MAX_CONTENT_BYTES)] = b""
    code: Annotated[str, Bounded(MAX_CID_LENGTH)] = ""
    detail: Annotated[str, Bounded(4 * MAX_DETAIL)] = ""
