"""pallet Teeracle: what whitelisted oracle enclaves report of the world.

Source: integritee pallets (branch polkadot-stable2503), `teeracle`. Sources, pairs and names are UTF-8 bytes.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from integritee.frame.declare import Constant, Errors, Events, call, constant, error, event, storage
from integritee.frame.origin import Origin, ensure_root, ensure_signed
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import Blake2_128Concat, StorageDoubleMap, StorageMap
from integritee.frame.weights import weight
from integritee.primitives.ids import H256
from integritee.scale import Bounded, Struct, u32, u64

from .teerex import Teerex

MAX_WHITELISTED_RELEASES: Final = 10
MAX_BLOB_LENGTH: Final = 4096
MAX_TRADING_PAIR_LENGTH: Final = 11
MAX_NAME_LENGTH: Final = 40
"""Bytes of a data source's or an oracle's name."""


class ExchangeRate(Struct, frozen=True):
    """A rate as 32.32 fixed point number: `bits` / 2³² (substrate-fixed `U32F32`)."""

    scale_path: ClassVar[str] = "substrate_fixed::FixedU64"
    bits: u64


Blob = Annotated[bytes, Bounded(MAX_BLOB_LENGTH, "BoundedVec")]
Releases = Annotated[list[H256], Bounded(MAX_WHITELISTED_RELEASES, "WeakBoundedVec")]


class Teeracle(Pallet):
    """Exchange rates and other data by their source; root decides which enclaves may report them."""

    path = "pallet_teeracle"
    storage_version: ClassVar[int | None] = 0
    teerex: Teerex

    exchange_rates: StorageDoubleMap[Blake2_128Concat[bytes], Blake2_128Concat[bytes], ExchangeRate] = storage(
        default=ExchangeRate(0)
    )
    oracle_data: StorageDoubleMap[Blake2_128Concat[bytes], Blake2_128Concat[bytes], Blob]
    whitelists: StorageMap[Blake2_128Concat[bytes], Releases]

    max_whitelisted_releases: Constant[u32] = constant(MAX_WHITELISTED_RELEASES)
    max_oracle_blob_len: Constant[u32] = constant(MAX_BLOB_LENGTH)

    class Event(Events):
        ExchangeRateUpdated = event(0, data_source=bytes, trading_pair=bytes, exchange_rate=ExchangeRate)
        ExchangeRateDeleted = event(1, data_source=bytes, trading_pair=bytes)
        OracleUpdated = event(2, oracle_data_name=bytes, data_source=bytes)
        AddedToWhitelist = event(3, data_source=bytes, enclave_fingerprint=H256)
        RemovedFromWhitelist = event(4, data_source=bytes, enclave_fingerprint=H256)

    class Error(Errors):
        FingerprintWhitelistOverflow = error("the whitelist of the data source is full")
        FingerprintNotWhitelisted = error("the enclave is not whitelisted for the data source")
        FingerprintAlreadyWhitelisted = error("the enclave is whitelisted for the data source already")
        TradingPairStringTooLong = error("the trading pair is longer than 11 bytes")
        OracleDataNameStringTooLong = error("the oracle's name is longer than 40 bytes")
        DataSourceStringTooLong = error("the data source is longer than 40 bytes")
        OracleBlobTooBig = error("the data are longer than max_oracle_blob_len")

    # -- who may report ------------------------------------------------------------------------------

    @call(0, weight=weight(13_020_000, 1, 1))
    def add_to_whitelist(self, origin: Origin, data_source: bytes, enclave_fingerprint: H256) -> None:
        """Let enclaves of a fingerprint report for a source (root)."""
        ensure_root(origin)
        if len(data_source) > MAX_NAME_LENGTH:
            raise self.Error.DataSourceStringTooLong()
        releases = self.whitelists.get(data_source)
        if enclave_fingerprint in releases:
            raise self.Error.FingerprintAlreadyWhitelisted()
        if len(releases) >= self.max_whitelisted_releases:
            raise self.Error.FingerprintWhitelistOverflow()
        self.whitelists.put(data_source, [*releases, enclave_fingerprint])
        self.deposit(self.Event.AddedToWhitelist(data_source, enclave_fingerprint))

    @call(1, weight=weight(14_790_000, 1, 1))
    def remove_from_whitelist(self, origin: Origin, data_source: bytes, enclave_fingerprint: H256) -> None:
        """Stop enclaves of a fingerprint from reporting for a source (root)."""
        ensure_root(origin)
        self._ensure_whitelisted(data_source, enclave_fingerprint)
        releases = self.whitelists.get(data_source)
        self.whitelists.put(data_source, [r for r in releases if r != enclave_fingerprint])
        self.deposit(self.Event.RemovedFromWhitelist(data_source, enclave_fingerprint))

    def _ensure_whitelisted(self, data_source: bytes, fingerprint: bytes) -> None:
        if fingerprint not in self.whitelists.get(data_source):
            raise self.Error.FingerprintNotWhitelisted()

    # -- reports -------------------------------------------------------------------------------------

    @call(2, weight=weight(25_638_000, 2, 1))
    def update_oracle(self, origin: Origin, oracle_data_name: bytes, data_source: bytes, new_blob: Blob) -> None:
        """Report data of any form."""
        enclave = self.teerex.sovereign_enclave(ensure_signed(origin))
        self._ensure_whitelisted(data_source, enclave.mr_enclave)
        if len(oracle_data_name) > MAX_NAME_LENGTH:
            raise self.Error.OracleDataNameStringTooLong()
        if len(new_blob) > self.max_oracle_blob_len:
            raise self.Error.OracleBlobTooBig()
        self.oracle_data.put(oracle_data_name, data_source, new_blob)
        self.deposit(self.Event.OracleUpdated(oracle_data_name, data_source))

    @call(3, weight=weight(33_584_000, 3, 1))
    def update_exchange_rate(
        self, origin: Origin, data_source: bytes, trading_pair: bytes, new_value: ExchangeRate | None
    ) -> None:
        """Report the rate of a trading pair; none, or 0, deletes it."""
        enclave = self.teerex.sovereign_enclave(ensure_signed(origin))
        if len(trading_pair) > MAX_TRADING_PAIR_LENGTH:
            raise self.Error.TradingPairStringTooLong()
        self._ensure_whitelisted(data_source, enclave.mr_enclave)
        if new_value is None or not new_value.bits:
            self.exchange_rates.remove(trading_pair, data_source)
            self.deposit(self.Event.ExchangeRateDeleted(data_source, trading_pair))
        else:
            self.exchange_rates.put(trading_pair, data_source, new_value)
            self.deposit(self.Event.ExchangeRateUpdated(data_source, trading_pair, new_value))
