"""Intel's collateral on its way to the parentchain: asked from Intel's service, or read from files.

Source: Intel SGX Provisioning Certification Service API v4 (worker `cli/src/base_cli/commands/register_tcb_info.rs`):
``/fmspcs``, ``/tcb?fmspc=…`` and ``/qe/identity``; the chain of the signer is percent-encoded in a header.

Signatures cover a document byte for byte, so it is cut out of the answer as it stands. Nothing is verified here: that
is what the parentchain does.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from integritee.attestation import SignedDocument, collateral_from_json
from integritee.attestation.errors import CollateralMalformed

from .errors import BadCollateral, NoCollateral

INTEL: Final = "https://api.trustedservices.intel.com/sgx/certification/v4"
"""Where Intel publishes collateral; a caching service (PCCS) has the same paths below its own address."""

MAX_ANSWER: Final = 1024 * 1024
"""Bytes of an answer or a file."""
MAX_FILES: Final = 1000
"""Files that are read from a folder."""
FOUND: Final = 200


class Kind(enum.Enum):
    """What is asked for: member of the answer, header with the chain, path."""

    TCB_INFO = ("tcbInfo", "TCB-Info-Issuer-Chain", "tcb?fmspc={}")
    QE_IDENTITY = ("enclaveIdentity", "SGX-Enclave-Identity-Issuer-Chain", "qe/identity")

    def __init__(self, member: str, header: str, path: str) -> None:
        self.member, self.header, self.path = member, header, path


class Platform(msgspec.Struct, frozen=True):
    """A processor family that Intel publishes TCB info for: 6 bytes in hex, and what it is made for."""

    fmspc: str
    platform: str


# -- Intel's service -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CollateralService:
    """Intel's service or one that caches it. `timeout` in seconds, for each question."""

    url: str = INTEL
    timeout: float = 30.0

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    async def platforms(self) -> list[Platform]:
        """All processor families. Raises NoCollateral or BadCollateral."""
        body, _ = await self._get("fmspcs")
        try:
            return msgspec.json.decode(body, type=list[Platform])
        except msgspec.MsgspecError as broken:
            raise BadCollateral(f"{self.url}/fmspcs", str(broken)) from None

    async def tcb_info(self, fmspc: str) -> SignedDocument:
        """The TCB levels of a processor family; raises as `platforms`."""
        return await self._document(Kind.TCB_INFO, fmspc)

    async def quoting_enclave(self) -> SignedDocument:
        """The identity of the quoting enclave; raises as `platforms`."""
        return await self._document(Kind.QE_IDENTITY)

    async def _document(self, kind: Kind, *arguments: str) -> SignedDocument:
        path = kind.path.format(*arguments)
        body, headers = await self._get(path)
        if kind.header not in headers:
            raise BadCollateral(f"{self.url}/{path}", f"there is no header {kind.header}")
        return cut(kind, body, unquote(headers[kind.header]).encode(), f"{self.url}/{path}")

    async def _get(self, path: str) -> tuple[bytes, Any]:
        from aiohttp import ClientError, ClientSession, ClientTimeout  # slow to import

        url = f"{self.url}/{path}"
        try:
            async with ClientSession(timeout=ClientTimeout(self.timeout)) as session, session.get(url) as answer:
                if answer.status != FOUND:
                    raise NoCollateral(url, f"HTTP {answer.status} {answer.reason}")
                body = b""
                async for part in answer.content.iter_any():
                    body += part
                    if len(body) > MAX_ANSWER:
                        raise BadCollateral(url, f"longer than {MAX_ANSWER} bytes")
                return body, answer.headers
        except (ClientError, OSError, ValueError) as failed:
            raise NoCollateral(url, str(failed) or type(failed).__name__) from None


def cut(kind: Kind, body: bytes, chain: bytes, source: str) -> SignedDocument:
    """The document inside an answer of the service. Raises BadCollateral."""
    form = rb'\s*\{\s*"%s"\s*:\s*(\{.*\})\s*,\s*"signature"\s*:\s*"([0-9A-Fa-f]{128})"\s*\}\s*' % kind.member.encode()
    found = re.fullmatch(form, body, re.DOTALL)
    if found is None:
        raise BadCollateral(source, f"no {kind.member} with a signature of 64 bytes")
    return SignedDocument(found[1], bytes.fromhex(found[2].decode()), chain)


# -- files -----------------------------------------------------------------------------------------------


def read_documents(path: Path, kind: Kind, chain: Path | None = None) -> Iterator[SignedDocument]:
    """The documents of a kind in a file, or in all ``.json`` files of a folder.

    A file is a set of collateral as verifiers take it (`collateral_from_json`), or an answer of the service; the
    chain of an answer is in the PEM file `chain`. Raises BadCollateral, also if there is none, and OSError.
    """
    certificates = None if chain is None else _read(chain)
    count = 0
    for file in _files(path):
        document = _document(_read(file), kind, certificates, str(file))
        if document is not None:
            count += 1
            yield document
    if not count:
        raise BadCollateral(str(path), f"no {kind.member} in it")


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.json"))
    if len(files) > MAX_FILES:
        raise BadCollateral(str(path), f"more than {MAX_FILES} files")
    return files


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_ANSWER + 1)
    if len(data) > MAX_ANSWER:
        raise BadCollateral(str(path), f"longer than {MAX_ANSWER} bytes")
    return data


def _document(data: bytes, kind: Kind, chain: bytes | None, source: str) -> SignedDocument | None:
    """None if the file is an answer about something else."""
    member = next((k for k in Kind if data.lstrip(b"{ \t\r\n").startswith(f'"{k.member}"'.encode())), None)
    if member is None:
        try:
            collateral = collateral_from_json(data)
        except CollateralMalformed as broken:
            raise BadCollateral(source, broken.reason) from None
        return collateral.tcb_info if kind is Kind.TCB_INFO else collateral.qe_identity
    if member is not kind:
        return None
    if chain is None:
        raise BadCollateral(source, "the certificates of its signer are needed, too")
    return cut(kind, data, chain, source)


def fmspc_of(document: SignedDocument) -> str:
    """The processor family that TCB info is about, as it is written there. Raises BadCollateral."""
    try:
        return str(msgspec.json.decode(document.text)["fmspc"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        raise BadCollateral("TCB info", "it names no FMSPC") from None
