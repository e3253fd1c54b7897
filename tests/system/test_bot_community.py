"""Communities of bots on real set-ups: five ceremonies of one command, and one phase by phase."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integritee.bots.founding import next_phase
from integritee.bots.main import COMMANDS, main
from integritee.bots.model import expected
from integritee.bots.options import Options, parse
from integritee.bots.session import own_network
from integritee.client.parentchain import ParentchainClient
from integritee.devnet.network import run_network

from .processes import Node

CEREMONIES = 5


def test_five_ceremonies_of_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"benchmark --ceremonies {CEREMONIES} --seed 1 --json --dir {tmp_path} --plot {tmp_path}/plot.png"
    code = main(line.split())
    out, err = capsys.readouterr()
    assert code == 0, err
    ceremonies = json.loads(out)["ceremonies"]
    model = [expected(number) for number in range(1, CEREMONIES + 1)]
    assert [c["population"] for c in ceremonies] == [c.population for c in model] == [10, 12, 15, 18, 22]
    assert [c["sizes"] for c in ceremonies] == [[*c.sizes] for c in model]
    assert [c["rewards"] for c in ceremonies] == [c.rewards for c in model]
    assert [c["supply_after"] for c in ceremonies] == ["10.0", "22.0", "37.0", "55.0", "77.0"]
    assert all(seconds > 0 for c in ceremonies for seconds in c["seconds"].values())
    statistics = (tmp_path / "bot-stats.csv").read_text().splitlines()
    assert statistics == ["10, 0.0", "10, 10.0", "12, 22.0", "15, 37.0", "18, 55.0"]
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "my_trusted_keystore").glob("*/*"))) == 22


async def test_phase_by_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`init`, then `run` in each phase, as the original's script is used; then `benchmark` on what is there."""
    async with run_network(own_network(1)) as network:
        ready = await network.ready()
        where = f"--node-url {ready.node_url} --worker-url {ready.worker_url} --dir {tmp_path}"

        def options(command: str) -> Options:
            return parse(f"{command} {where}".split(), "bots")

        await COMMANDS["init"](options("init"))
        assert capsys.readouterr().out.strip() == (tmp_path / "cid.txt").read_text()
        async with await ParentchainClient.connect(ready.node_url) as chain:
            for _ in range(2):
                await COMMANDS["run"](options("run --json"))
                await next_phase(chain)
        registering, assigning = map(json.loads, capsys.readouterr().out.splitlines())
        assert (registering["newbies"], registering["supply"]) == (0, "0.0")
        assert (assigning["population"], assigning["sizes"]) == (10, [10])
        await COMMANDS["benchmark"](options("benchmark --ceremonies 2 --json"))
        first, second = json.loads(capsys.readouterr().out)["ceremonies"]
        assert (first["ceremony"], first["supply_after"]) == (1, "10.0")
        assert (second["population"], second["supply_after"]) == (12, "22.0")


def test_on_a_chain_without_ceremonies(
    node_process: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--node-url", node_process.url, "--dir", str(tmp_path)]) == 1
    assert "cli.no_ceremonies" in capsys.readouterr().err
