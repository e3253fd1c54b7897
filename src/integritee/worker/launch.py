"""Starting the enclave's process, as early as possible: it boots while the host still loads its own libraries.

Imports nothing heavy, for that reason.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from typing import Final

ENCLAVE_MODULE: Final = "integritee.enclave.main"


@dataclass(frozen=True)
class Launched:
    """A started enclave and the host's end of the stream to it."""

    process: asyncio.subprocess.Process
    stream: socket.socket

    async def abandon(self) -> None:
        """End a process that nobody talks to; does nothing if it has ended."""
        if self.process.returncode is None:
            self.stream.close()
            self.process.kill()
            await self.process.wait()


async def launch() -> Launched:
    """Start the enclave; nothing is said to it yet."""
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", ENCLAVE_MODULE, "--fd", str(theirs.fileno()), pass_fds=(theirs.fileno(),)
    )
    theirs.close()
    return Launched(process, ours)
