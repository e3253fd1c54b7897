"""Projects of apps as their authors write them, and what they look like once they are installed.

Every project has a package name of its own: a process imports a package once.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Final

_numbers = count(1)

SOURCE: Final = '''
from integritee.frame.declare import Events, event
from integritee.frame.pallet import Pallet
from integritee.frame.runtime import use
from integritee.frame.storage_items import Blake2_128Concat, StorageMap
from integritee.primitives.ids import AccountId
from integritee.scale import u32
from integritee.stf.declare import App, Context, trusted_call, trusted_getter


class Tally(Pallet):
    path = "pallet_tally"
    counts: StorageMap[Blake2_128Concat[AccountId], u32]

    class Event(Events):
        Counted = event(0, who=AccountId)


class Counter(App):
    name = "{name}"
    index = {index}
    pallets = {{"{attribute}": use({pallet_index}, Tally)}}

    @trusted_call(0)
    def count(self, ctx: Context, sender: AccountId, by: u32) -> None:
        """Count."""
        tally = self.runtime.pallet(Tally)
        tally.counts.put(sender, tally.counts.get(sender) + by * 1)
        tally.deposit(tally.Event.Counted(sender))

    @trusted_getter(0)
    def counted(self, who: AccountId) -> u32:
        return self.runtime.pallet(Tally).counts.get(who)
'''


def new_name() -> str:
    """A name that no other app in this process has."""
    return f"app{next(_numbers)}"


def source(name: str, *, index: object = 200, pallet_index: int = 200, attribute: str | None = None) -> str:
    """Python of an app that counts."""
    return SOURCE.format(name=name, index=index, pallet_index=pallet_index, attribute=attribute or name)


def write_package(directory: Path, package: str, code: str) -> Path:
    """A regular package of one module."""
    folder = directory / package
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code)
    return folder


def write_project(
    folder: Path, name: str, code: str | None = None, *, target: str | None = None, layout: str = "src"
) -> Path:
    """A project folder whose entry point is ``name = target``; `layout` says where its package is."""
    write_package(folder / layout, name, source(name) if code is None else code)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\n\n'
        f'[project.entry-points."integritee.apps"]\n{name} = "{target or f"{name}:Counter"}"\n'
    )
    return folder


def install(
    directory: Path, name: str, target: str, code: str | None = None, distribution: str | None = None
) -> None:
    """A distribution in a directory that is on the path of modules."""
    if code is not None:
        write_package(directory, target.partition(":")[0].partition(".")[0], code)
    facts = directory / f"{distribution or name}-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[integritee.apps]\n{name} = {target}\n")
