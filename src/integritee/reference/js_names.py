"""What JavaScript clients call the types of the ledger: by the names of `@encointer/types` where it has one."""

from __future__ import annotations

from typing import Final

TRUSTED_CALL: Final = "IntegriteeTrustedCall"
TRUSTED_GETTER: Final = "IntegriteeTrustedGetter"
PUBLIC_GETTER: Final = "IntegriteePublicGetter"

TYPES: Final = {
    "AccountId32": "AccountId",
    "AssetBalance": "IntegriteeAssetBalance",
    "AssetId": "IntegriteeAssetId",
    "BucketRange": "NotesBucketInfo",
    "FixedI128": "i128",
    "FixedI64": "i64",
    "Getter": "IntegriteeGetter",
    "Guess": "GuessType",
    "GuessTheNumberGuessArgs": "GuessArgs",
    "Meetup": "CeremonyMeetup",
    "MrEnclave": "EnclaveFingerprint",
    "PublicGetter": PUBLIC_GETTER,
    "Reputation": "CeremonyReputation",
    "RelayedNoteRetrievalInfoHere": "RelayedNoteRetrievalHere",
    "RelayedNoteRetrievalInfoIpfs": "RelayedNoteRetrievalIpfs",
    "RelayedNoteRetrievalInfoUndeclared": "RelayedNoteRetrievalUndeclared",
    "TrustedCall": TRUSTED_CALL,
    "TrustedCallSigned": "IntegriteeTrustedCallSigned",
    "TrustedGetter": TRUSTED_GETTER,
    "TrustedGetterSigned": "IntegriteeTrustedGetterSigned",
    "TrustedOperation": "IntegriteeTrustedOperation",
    "bool": "bool",
    "bytes": "Bytes",
    "str": "Text",
}
"""By our names, or by those that derive from the names of calls, getters and variants."""

PARTS: Final = {
    ("BalanceEntry", "last_update"): "lastUpdate",
    ("NotesBucketInfo", "maybe_first"): "first",
    ("NotesBucketInfo", "maybe_last"): "last",
    ("CreditsPublicGetter", "credits_of"): "credits",
}
"""Names of fields and variants by type and our name."""

SNAKE_CASE: Final = frozenset({"IntegriteeGetter", "IntegriteeTrustedOperation"})
"""Enums whose variants are written as ``direct_call``."""

BUILT_IN: Final = frozenset(
    {
        *("AccountId", "AccountInfo", "Balance", "BlockNumber", "H160", "H256", "Moment", "MultiSignature"),
        *("i64", "i128"),
    }
)
"""Types that every registry of polkadot-js has, with our layout."""
