"""Errors of the bot community.

BotsError
├── NoCommunity        there is no community here to go on with
├── NoAgents           the key store has no accounts of this seed
├── FileUnreadable     a file of the community that says something else than it should
├── FoundingRefused    the community does not get into the parentchain's register
├── NoWorkerLeft       no worker can be reached any more
├── NotSettled         what was waited for did not happen in time
└── ModelViolated      the ledger and the model of growth say different things
"""

from __future__ import annotations

from pathlib import Path

from integritee.errors import IntegriteeError


class BotsError(IntegriteeError):
    code = "bots"


class NoCommunity(BotsError):
    """`init` founds a community and writes its name to the file."""

    code = "bots.no_community"

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        super().__init__(f"there is no {path}: found a community first (init)")


class NoAgents(BotsError):
    code = "bots.no_agents"

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory, self.seed = str(directory), seed
        super().__init__(f"{directory} has no accounts of seed {seed}: give the seed of init, or found a community")


class FileUnreadable(BotsError):
    code = "bots.file_unreadable"

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")


class FoundingRefused(BotsError):
    """The parentchain refused the community: there is one already, or one too near; `reason` is its error."""

    code = "bots.founding_refused"

    def __init__(self, cid: str, reason: str) -> None:
        self.cid, self.reason = cid, reason
        super().__init__(f"the parentchain does not take community {cid}: {reason}. Another --seed is elsewhere")


class NoWorkerLeft(BotsError):
    """All workers that were named have gone; `reason` is what the last one's connection ended with."""

    code = "bots.no_worker_left"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no worker can be reached any more: {reason}")


class NotSettled(BotsError):
    code = "bots.not_settled"

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, str(seconds)
        super().__init__(f"{what} is still to come after {seconds:g} s")


class ModelViolated(BotsError):
    """What the ledger did is not what the rules of growth say; `difference` is a table of both."""

    code = "bots.model_violated"

    def __init__(self, ceremony: int, difference: str) -> None:
        self.ceremony, self.difference = ceremony, difference
        super().__init__(f"ceremony {ceremony} is not as the model says\n{difference}")
