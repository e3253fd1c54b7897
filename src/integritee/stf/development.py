"""Who is rich in a development ledger (worker `app-libs/stf/src/test_genesis.rs`).

Scripts, demos and benchmarks of the original count on these accounts. Production ledgers begin empty.
"""

from __future__ import annotations

from typing import Final

from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_256

ROOT: Final = Sr25519Pair.from_uri("//Alice").public
"""The sudo key."""

ALICE_ON_EVM: Final = blake2_256(b"evm:" + ROOT[:20])
"""The account behind //Alice's address in the EVM."""

ENDOWMENTS: Final = {
    Ed25519Pair.from_seed(b"12345678901234567890123456789012").public: 2_000_000_000_000,
    Ed25519Pair.from_seed(b"22345678901234567890123456789012").public: 1_000_000_000_000,
    ROOT: 10_000_000_000_000_000,
    ALICE_ON_EVM: 10_000_000_000_000_000,
}
"""Base units by account."""

TOKENS_OF_EACH_ASSET: Final = 1_000_000
"""What the sudo key holds of every asset, which no script of the original knows: so that wallets can be tried."""

ENDOWED: Final = sum(ENDOWMENTS.values())
