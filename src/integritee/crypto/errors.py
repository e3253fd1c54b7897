"""Errors of the crypto area.

    IntegriteeError
    └── CryptoError                      crypto
        ├── InvalidLength                crypto.invalid_length
        ├── KeySourceError               crypto.key_source
        │   ├── InvalidSecretUri         crypto.invalid_secret_uri
        │   ├── InvalidMnemonic          crypto.invalid_mnemonic
        │   └── SoftDerivationUnsupported  crypto.soft_derivation_unsupported
        ├── Ss58Error                    crypto.ss58
        │   ├── InvalidSs58Text          crypto.ss58_text
        │   ├── InvalidSs58Prefix        crypto.ss58_prefix
        │   └── Ss58ChecksumMismatch     crypto.ss58_checksum
        ├── ShieldingError               crypto.shielding
        │   ├── InvalidShieldingKey      crypto.shielding_key
        │   ├── PlaintextTooLong         crypto.shielding_plaintext_length
        │   ├── InvalidCiphertextLength  crypto.shielding_ciphertext_length
        │   └── ShieldingDecryptionFailed  crypto.shielding_decryption_failed
        └── AeadError                    crypto.aead
            ├── AeadMessageTooLong       crypto.aead_length
            └── AeadTampered             crypto.aead_tampered

Facts are lengths, schemes and fixed reasons. Phrases, seeds, keys and plaintexts never become facts, and
errors of underlying libraries, which may quote their input, are not chained.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class CryptoError(IntegriteeError):
    """Any failure of this package."""

    code = "crypto"


class InvalidLength(CryptoError):
    """A key, seed, nonce or account has the wrong number of bytes."""

    code = "crypto.invalid_length"

    def __init__(self, what: str, *, expected: int, found: int) -> None:
        super().__init__(f"{what} must have {expected} bytes, found {found}")
        self.what = what
        self.expected = expected
        self.found = found


class KeySourceError(CryptoError):
    """A text from which a key pair should be made is unusable."""

    code = "crypto.key_source"


class InvalidSecretUri(KeySourceError):
    """The text is not ``[phrase | 0x-seed][//hard | /soft]…[///password]``."""

    code = "crypto.invalid_secret_uri"

    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid secret URI: {reason}")
        self.reason = reason


class InvalidMnemonic(KeySourceError):
    """The phrase is not a BIP-39 phrase in English."""

    code = "crypto.invalid_mnemonic"

    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid mnemonic phrase: {reason}")
        self.reason = reason


class SoftDerivationUnsupported(KeySourceError):
    """The scheme knows hard junctions only."""

    code = "crypto.soft_derivation_unsupported"

    def __init__(self, scheme: str) -> None:
        super().__init__(f"{scheme} has no soft derivation; use // instead of /")
        self.scheme = scheme


class Ss58Error(CryptoError):
    """A text is no SS58 address, or an account cannot be written as one."""

    code = "crypto.ss58"


class InvalidSs58Text(Ss58Error):
    """The text is not base58 of one prefix, 32 account bytes and 2 checksum bytes."""

    code = "crypto.ss58_text"

    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid SS58 address: {reason}")
        self.reason = reason


class InvalidSs58Prefix(Ss58Error):
    """The network prefix is reserved, out of range, or not in its shortest form."""

    code = "crypto.ss58_prefix"

    def __init__(self, found: int) -> None:
        super().__init__(f"invalid SS58 prefix {found}")
        self.found = found


class Ss58ChecksumMismatch(Ss58Error):
    """The address contains a typing mistake."""

    code = "crypto.ss58_checksum"

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__("SS58 checksum mismatch")
        self.expected = expected
        self.found = found


class ShieldingError(CryptoError):
    """A shielding key or a shielded message is unusable."""

    code = "crypto.shielding"


class InvalidShieldingKey(ShieldingError):
    """The JSON does not hold an RSA-3072 key in the expected form."""

    code = "crypto.shielding_key"

    def __init__(self, reason: str) -> None:
        super().__init__(f"invalid shielding key: {reason}")
        self.reason = reason


class PlaintextTooLong(ShieldingError):
    """The plaintext would exceed the largest accepted ciphertext."""

    code = "crypto.shielding_plaintext_length"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"plaintext of {found} bytes exceeds the limit of {limit}")
        self.limit = limit
        self.found = found


class InvalidCiphertextLength(ShieldingError):
    """The ciphertext is over the limit or not a whole number of RSA blocks."""

    code = "crypto.shielding_ciphertext_length"

    def __init__(self, *, block: int, limit: int, found: int) -> None:
        super().__init__(f"ciphertext of {found} bytes: needs whole blocks of {block}, at most {limit}")
        self.block = block
        self.limit = limit
        self.found = found


class ShieldingDecryptionFailed(ShieldingError):
    """Some block is not encrypted for this key. Says no more, so as not to be a padding oracle."""

    code = "crypto.shielding_decryption_failed"

    def __init__(self) -> None:
        super().__init__("the ciphertext does not belong to this shielding key")


class AeadError(CryptoError):
    """Authenticated encryption or decryption failed."""

    code = "crypto.aead"


class AeadMessageTooLong(AeadError):
    """Plaintext or associated data exceeds what one AES-GCM call takes."""

    code = "crypto.aead_length"

    def __init__(self, *, limit: int, found: int) -> None:
        super().__init__(f"message of {found} bytes exceeds the limit of {limit}")
        self.limit = limit
        self.found = found


class AeadTampered(AeadError):
    """Key, nonce, associated data or ciphertext differ from what was sealed."""

    code = "crypto.aead_tampered"

    def __init__(self) -> None:
        super().__init__("authentication tag mismatch")
