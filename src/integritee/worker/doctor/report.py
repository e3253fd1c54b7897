"""The doctor's report, for people or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import base58

from integritee.boundary.messages import Examination

from .blocks import Census
from .finding import Finding
from .layout import Layout


@dataclass(frozen=True)
class Report:
    """All that was seen. `examination` is None if the enclave could not look."""

    data_dir: Path
    layout: Layout | None
    examination: Examination | None
    census: Census
    findings: list[Finding]

    @property
    def is_healthy(self) -> bool:
        return not any(finding.counts for finding in self.findings)


def to_json(report: Report) -> str:
    """One object; bytes as ``0x`` hex, sizes in bytes."""
    view: dict[str, Any] = {
        "dataDir": str(report.data_dir),
        "healthy": report.is_healthy,
        "sizes": report.layout.sizes if report.layout else {},
        "free": report.layout.free if report.layout else None,
        "enclave": _enclave(report.examination) if report.examination else None,
        "blocks": {"count": report.census.blocks, "first": report.census.first, "last": report.census.last},
        "findings": [
            {
                "severity": finding.severity.value,
                "code": finding.code,
                "message": finding.message,
                "facts": finding.facts,
                "advice": finding.advice,
                "repair": finding.repair,
                "repaired": finding.is_repaired,
            }
            for finding in report.findings
        ],
    }
    return json.dumps(view, indent=2)


def _enclave(seen: Examination) -> dict[str, Any]:
    return {
        "measurement": base58.b58encode(seen.fingerprint).decode(),
        "kind": seen.kind,
        "sealedBy": seen.kinds,
        "files": seen.files,
        "records": seen.sequence,
        "snapshot": seen.snapshot,
        "shard": base58.b58encode(seen.shard).decode() if seen.shard else None,
        "block": seen.head_number,
        "blockHash": "0x" + seen.head_hash.hex(),
    }


def to_text(report: Report) -> str:
    """A few lines of facts, then each finding with what to do."""
    return "\n".join(
        [*_facts(report), *(line for finding in report.findings for line in _lines(finding)), _verdict(report)]
    )


def _facts(report: Report) -> list[str]:
    lines = [f"data directory  {report.data_dir}"]
    if report.layout is not None:
        sizes = ", ".join(f"{name} {_size(size)}" for name, size in report.layout.sizes.items())
        lines.append(f"sizes           {sizes or 'empty'}; {_size(report.layout.free)} free")
    seen = report.examination
    if seen is not None:
        sealed = f", sealed by {', '.join(seen.kinds)}" if seen.kinds else ""
        lines.append(f"this code       {base58.b58encode(seen.fingerprint).decode()} ({seen.kind}){sealed}")
        if seen.shard is not None:
            shard = base58.b58encode(seen.shard).decode()
            lines.append(f"shard           {shard} at block {seen.head_number}")
        if seen.sequence:
            snapshot = f"snapshot {seen.snapshot}" if seen.snapshot is not None else "no snapshot"
            lines.append(f"journal         {seen.sequence} records, {snapshot}")
    if report.census.blocks:
        lines.append(f"blocks          {report.census.blocks}, {report.census.first} to {report.census.last}")
    return lines


def _lines(finding: Finding) -> list[str]:
    lines = [f"{finding.severity.value:<7}  {finding.code}: {finding.message}"]
    if finding.is_repaired:
        return [*lines, f"         repaired: {finding.repair}"]
    if finding.repair is not None:
        lines.append(f"         --repair would {finding.repair}")
    if finding.advice is not None:
        lines.append(f"         {finding.advice}")
    return lines


def _verdict(report: Report) -> str:
    if report.is_healthy:
        return "healthy"
    count = sum(finding.counts for finding in report.findings)
    return f"{count} finding{'s' if count > 1 else ''}"


def _size(size: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} GiB"
