"""A ceremony of three who found a community and one who does not come, through the command line (encointer worker, bootstrap demo)."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from integritee.crypto import Sr25519Pair, ss58_encode

from .processes import Cli, Node, Service, Worker, eventually, run_here

FOUNDERS = ("//Alice", "//Bob", "//Charlie")
NO_SHOW = "//Dave"


def address(uri: str) -> str:
    return ss58_encode(Sr25519Pair.from_uri(uri).public)


def write_specification(path: Path) -> None:
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-40.25, 35.5]}}
    meta = {"name": "test", "bootstrappers": [address(founder) for founder in FOUNDERS]}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [point], "currency_meta": meta}))


class Community:
    """The command line, about the only community there is."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli

    def __call__(self, *command: str) -> str:
        return self._cli.trusted("encointer", *command)

    def act(self, *command: str) -> None:
        assert "is InSidechainBlock(0x" in self(*command).splitlines()[-1]

    def refused(self, *command: str) -> str:
        """Standard error of a call that the ledger refuses."""
        return self._cli.run("--strict", "trusted", "--direct", "encointer", *command).stderr

    @property
    def facts(self) -> dict[str, str]:
        return dict(line.split(": ") for line in self("info").splitlines())

    def enter(self, phase: str) -> None:
        assert self._cli("next-phase") == phase
        eventually(lambda: self.facts["phase"] == phase, f"the phase {phase} in the ledger")

    def attest_all(self, participants: tuple[str, ...]) -> None:
        for who in participants:
            claim = self("new-claim", who, str(len(participants)))
            signed = [self("sign-claim", other, claim) for other in participants if other != who]
            self.act("register-attestations", who, *signed)


def test_a_community_begins(own: Callable[[Service], Service], directory: Path) -> None:
    node = Node(directory / "node", chain="encointer-dev")
    own(node)
    node.start()
    worker = Worker(directory / "worker", node.port, apps=("encointer",))
    own(worker)
    worker.start()
    cli = Cli(directory, node, worker, run_here)
    write_specification(directory / "spec.json")

    cid = cli("new-community", "spec.json", "//Alice")
    assert cli("list-communities").splitlines() == [cid]
    assert cli("get-phase") == "REGISTERING"
    community = Community(cli)
    eventually(lambda: not community.refused("info"), "that the ledger knows the community")
    assert community.facts["participant count"] == "secret while accounts register"

    everybody = (*FOUNDERS, NO_SHOW)
    for number, who in enumerate(everybody, 1):
        community.act("register-participant", who)
        assert community("get-registration", who) == str(number)
    assert "encointer.already_registered" in community.refused("register-participant", NO_SHOW)

    community.enter("ASSIGNING")
    assert community.facts["participant count"] == "4"
    assert [community("get-meetup", who) for who in everybody] == ["1"] * 4
    assert "client.value_not_present" in community.refused("get-meetup", "//Eve")
    community.enter("ATTESTING")
    community.attest_all(FOUNDERS)
    assert community("get-attestations", "//Alice").splitlines() == [address("//Charlie"), address("//Bob")]

    community.enter("REGISTERING")
    assert community.facts["total issuance"] == "3"
    assert community.facts["ceremony index"] == "2"
    for who in everybody:
        melted = Decimal(community("balance", who))
        assert melted == 0 if who == NO_SHOW else Decimal("0.9999") < melted < 1
    community.act("register-participant", "//Alice", "--reputation")
    assert "encointer.attendance_unverified" in community.refused("register-participant", NO_SHOW, "-r")
    community.act("transfer", "//Alice", NO_SHOW, "0.25")
    got = Decimal(community("balance", NO_SHOW))
    assert Decimal("0.2499") < got <= Decimal("0.25")  # it melts from the next block of the parentchain on

    worker.kill()
    worker.start()
    assert community("get-registration", "//Alice") == "1"
    assert community.facts["total issuance"] == "3"
    community.enter("ASSIGNING")
