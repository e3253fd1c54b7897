"""What a community keeps on disk: its name, its statistics, the keys of its agents."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from integritee.bots.agents import Agents
from integritee.bots.errors import FileUnreadable, NoCommunity
from integritee.bots.files import Files
from integritee.bots.founding import location
from integritee.bots.geometry import Point, grid
from integritee.cli.communities import read_specification
from integritee.client.keystore import SR25519
from integritee.crypto import ss58_encode

CID = bytes(range(32))
SHARD = bytes(32)


def test_the_name_of_a_community(tmp_path: Path) -> None:
    Files(tmp_path).write_cid(CID)
    assert (tmp_path / "cid.txt").read_text() == "1thX6LZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE"
    assert Files(tmp_path).cid() == CID


def test_without_a_name_one_has_to_be_founded(tmp_path: Path) -> None:
    with pytest.raises(NoCommunity, match="init"):
        Files(tmp_path).cid()


@pytest.mark.parametrize("content", [b"", b"0OIl", b"2", b"\xff\xfe", b"1" * 2000])
def test_names_that_are_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cid.txt").write_bytes(content)
    with pytest.raises(FileUnreadable):
        Files(tmp_path).cid()


def test_statistics(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert files.statistics() == []
    for population, total in ((10, Fraction(0)), (10, Fraction(10)), (12, Fraction(89, 4))):
        files.add_statistics(population, total)
    assert (tmp_path / "bot-stats.csv").read_text() == "10, 0.0\n10, 10.0\n12, 22.25\n"
    assert files.statistics() == [(10, 0), (10, 10), (12, Fraction(89, 4))]
    files.clear_statistics()
    assert files.statistics() == []


@pytest.mark.parametrize("line", ["10", "10,0.0", "ten, 0.0", "10, -1.0", "10, 0.0, 3", "10, 1e5", ""])
def test_lines_that_are_no_statistics(line: str, tmp_path: Path) -> None:
    (tmp_path / "bot-stats.csv").write_text(f"10, 0.0\n{line}\n")
    with pytest.raises(FileUnreadable, match="line 2"):
        Files(tmp_path).statistics()


def test_the_specification_is_geojson(tmp_path: Path) -> None:
    Files(tmp_path).write_specification([Point(41.5, -30.25)], [CID])
    written = json.loads((tmp_path / "currencyspec.json").read_text())
    assert written["type"] == "FeatureCollection"
    assert written["features"][0]["geometry"] == {"type": "Point", "coordinates": [-30.25, 41.5]}
    assert written["currency_meta"] == {"name": "currencyspec", "bootstrappers": [ss58_encode(CID)]}


def test_agents_follow_from_the_seed_and_are_found_again(tmp_path: Path) -> None:
    store = Files(tmp_path).keys(SHARD)
    agents = Agents(1, store)
    agents.grow(2)
    newcomers = agents.grow(1)
    assert [agent.number for agent in agents] == [0, 1, 2]
    assert list(Agents(1, store)) == list(agents)
    assert len(Agents(2, store)) == 0
    assert store.pair(newcomers[0].account).public == newcomers[0].account


def test_a_community_that_begins_anew_dismisses_the_others_keys(tmp_path: Path) -> None:
    store = Files(tmp_path).keys(SHARD)
    agents = Agents(1, store)
    first, *_ = agents.grow(3)
    agents.dismiss(1)
    assert store.public_keys(SR25519) == [first.account]
    assert list(Agents(1, store)) == [first] == list(agents)


def test_the_specification_is_that_of_the_community_that_was_founded(tmp_path: Path) -> None:
    points = grid(1)
    Files(tmp_path).write_specification(points, [CID])
    community = read_specification(tmp_path / "currencyspec.json")
    assert community.locations == [location(point) for point in points]
    assert community.bootstrappers == [CID]
