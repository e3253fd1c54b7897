"""The persistent trie: immutable handles over shared nodes.

Base-16 Merkle-Patricia trie of Substrate (trie-db's `TrieDB` and `TrieDBMut`, sp-trie's layouts) with
BlakeTwo256. `commit` copies only the paths that change, so a handle per block costs what the block changed,
old handles stay readable and a fork is just another handle.

Nodes are loaded from the node source when they are first needed and stay in memory as long as some handle
reaches them; `Trie.at(root, source)` makes a handle that starts empty again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from integritee.trie.codec import EMPTY_NODE, EMPTY_ROOT, compact, encode, is_hash, root_hash, seal
from integritee.trie.edit import Edit
from integritee.trie.nibbles import pack, unpack
from integritee.trie.node import Children, HashedValue, Layout, Node, Value, value_in
from integritee.trie.source import NodeSource, child_at, load_root, read

_NO_SOURCE: dict[bytes, bytes] = {}
_NO_SUBTRIES: Mapping[bytes, Trie] = {}
_ONE_NIBBLE = [bytes((nibble,)) for nibble in range(16)]
_DESCENDING = range(15, -1, -1)


class Trie:
    """An immutable map from keys to values that knows its Merkle root.

    Reading raises MissingNode, CorruptNode or MalformedNode if the node source fails, KeyTooLong for keys
    that no trie can hold.
    """

    __slots__ = ("_hash", "_layout", "_root", "_source", "_subtries")

    def __init__(
        self,
        root: Node | None,
        hash: bytes | None,
        source: NodeSource,
        layout: Layout = Layout.V0,
        subtries: Mapping[bytes, Trie] = _NO_SUBTRIES,
    ) -> None:
        # One of the two suffices: the hash names a root that is loaded later, the node yields its hash later.
        self._root = root
        self._hash = hash
        self._source = source
        self._layout = layout
        self._subtries = subtries

    @classmethod
    def empty(cls, layout: Layout = Layout.V0) -> Trie:
        return cls(None, EMPTY_ROOT, _NO_SOURCE, layout)

    @classmethod
    def from_items(
        cls, items: Mapping[bytes, bytes] | Iterable[tuple[bytes, bytes]], layout: Layout = Layout.V0
    ) -> Trie:
        """A trie in memory; the last value of a key counts."""
        return cls.empty(layout).commit(dict(items))

    @classmethod
    def at(cls, root: bytes, source: NodeSource, layout: Layout = Layout.V0) -> Trie:
        """The trie of a 32-byte root whose nodes are in `source`. Nothing is read before it is needed.

        Nodes of both layouts are understood; `layout` is that of values written from here on.
        """
        return cls(None, root, source, layout)

    @property
    def layout(self) -> Layout:
        return self._layout

    @property
    def source(self) -> NodeSource:
        """Where nodes come from that are not in memory yet."""
        return self._source

    def in_layout(self, layout: Layout) -> Trie:
        """The same trie; values written from here on are in another layout."""
        return Trie(self._root, self._hash, self._source, layout, self._subtries)

    def subtrie(self, root: bytes) -> Trie:
        """The trie of a root that is a value of this one (child storage): one it carries, or of the same source."""
        return self._subtries.get(root) or Trie.at(root, self._source, self._layout)

    def carrying(self, subtries: Mapping[bytes, Trie]) -> Trie:
        """The same trie, with these subtries by root, and no others, among its `new_nodes()`."""
        return Trie(self._root, self._hash, self._source, self._layout, subtries)

    @property
    def subtries(self) -> Mapping[bytes, Trie]:
        """The subtries it carries, by root."""
        return self._subtries

    def root(self) -> bytes:
        """The 32-byte Merkle root. Hashes what has changed since the last known root, once per handle."""
        if self._hash is None:
            assert self._root is not None
            self._hash = root_hash(seal(self._root))
        return self._hash

    # --- reading

    def get(self, key: bytes) -> bytes | None:
        value = self._find(unpack(key))
        return None if value is None else read(self._source, value)

    def __contains__(self, key: bytes) -> bool:
        return self._find(unpack(key)) is not None

    def items(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Pairs whose key begins with `prefix` and is not below `start`, by ascending key."""
        for key, value in self._walk(unpack(prefix), unpack(start or b"")):
            yield pack(key), read(self._source, value)

    def keys(self, prefix: bytes = b"", start: bytes | None = None) -> Iterator[bytes]:
        """Keys that begin with `prefix` and are not below `start`, ascending; reads no hashed values."""
        for key, _ in self._walk(unpack(prefix), unpack(start or b"")):
            yield pack(key)

    def next_key(self, key: bytes) -> bytes | None:
        """The lowest key above `key`, which need not be in the trie itself."""
        for found, _ in self._walk(b"", unpack(key) + b"\0"):
            return pack(found)
        return None

    def prove(self, keys: Iterable[bytes]) -> list[bytes]:
        """Encoded nodes that show the values, or the absence, of the keys under `root()`.

        Each node once, in the order of the first visit; inline nodes come with their parents.
        """
        proof: dict[bytes, bytes] = {}
        for key in keys:
            proof.setdefault(self.root(), EMPTY_NODE)  # replaced unless the trie is empty
            self._trace(unpack(key), proof)
        return list(proof.values())

    # --- writing

    def commit(self, changes: Mapping[bytes, bytes | None]) -> Trie:
        """The trie after the changes; None deletes. The same handle if they change nothing.

        Raises KeyTooLong or ValueTooLong, and what reading raises. This trie stays as it is in every case.
        """
        before = self._top()
        edit = Edit(before, self._source)
        for key, data in sorted(changes.items()):
            self._change(edit, key, data)
        return self if edit.root is before else self._with(edit.root)

    def grow(self, changes: Mapping[bytes, bytes | None]) -> tuple[Trie, int]:
        """As `commit`; and by how many bytes of keys and values the trie has grown."""
        growing = Growing(self, hashes=False)
        growing.take(sorted(changes.items()))
        return growing.after(), growing.growth

    def _change(self, edit: Edit, key: bytes, data: bytes | None) -> Value | None:
        """What was there."""
        return edit.remove(unpack(key)) if data is None else edit.put(unpack(key), value_in(self._layout, data))

    def _with(self, root: Node | None) -> Trie:
        return Trie(root, EMPTY_ROOT if root is None else None, self._source, self._layout, self._subtries)

    def new_nodes(self) -> dict[bytes, bytes]:
        """Encoded nodes and hashed values, by hash, that no node database is known to have.

        Written to the database together with the block, followed by `mark_persisted()`, they make
        `Trie.at(root(), database)` work; the next call on a descendant then holds only what is newer.
        """
        found: dict[bytes, bytes] = {}
        for subtrie in self._subtries.values():
            found |= subtrie.new_nodes()
        top = self._root
        if top is None:  # empty, or never touched since `at`
            return found
        root = self.root()
        for node in _unstored(top):
            if node is top:
                found[root] = encode(node)
            elif is_hash(node.reference):
                found[node.reference[1:]] = encode(node)
            value = node.value
            if isinstance(value, HashedValue) and not value.stored:
                found[value.hash] = read(self._source, value)
        return found

    def mark_persisted(self) -> None:
        """State that all of `new_nodes()` is in the node database, durably."""
        for subtrie in self._subtries.values():
            subtrie.mark_persisted()
        self._subtries = _NO_SUBTRIES
        # Children first: whoever finds a node stored may skip everything below it.
        for node in reversed(_unstored(self._root)) if self._root else ():
            if isinstance(node.value, HashedValue):
                node.value.stored = True
            node.stored = True

    # --- paths

    def _top(self) -> Node | None:
        """The root node, loaded if necessary."""
        if self._root is None and self._hash != EMPTY_ROOT:
            assert self._hash is not None
            self._root = load_root(self._source, self._hash)
        return self._root

    def _find(self, key: bytes) -> Value | None:
        node = self._top()
        depth, end = 0, len(key)
        while node is not None:
            partial = node.partial
            if partial:
                if not key.startswith(partial, depth):
                    return None
                depth += len(partial)
            if depth == end:
                return node.value
            children = node.children
            if children is None:
                return None
            child = children[key[depth]]
            node = child if isinstance(child, Node) else child_at(self._source, children, key[depth])
            depth += 1
        return None

    def _trace(self, key: bytes, proof: dict[bytes, bytes]) -> None:
        """Add what `_find` meets on the way to `key`. Every node has its reference by now."""
        node, hash = self._top(), self.root()
        depth = 0
        while node is not None:
            if hash:
                proof[hash] = encode(node)
            if not key.startswith(node.partial, depth):
                return
            depth += len(node.partial)
            if depth == len(key):
                if isinstance(node.value, HashedValue):
                    proof[node.value.hash] = read(self._source, node.value)
                return
            if node.children is None:
                return
            node = child_at(self._source, node.children, key[depth])
            hash = node.reference[1:] if node is not None and is_hash(node.reference) else b""
            depth += 1

    def _walk(self, prefix: bytes, start: bytes) -> Iterator[tuple[bytes, Value]]:
        """Ascending (nibble key, value) from `start` on under `prefix`; loads no node beside the way."""

        def relevant(path: bytes) -> bool:
            """Whether a key that begins with `path` can be in the range."""
            size = len(path)
            return path[: len(prefix)] == prefix[:size] and path >= start[:size]

        bound = max(len(prefix), len(start))  # below a relevant path so long, all is in the range
        top = self._top()
        waiting: list[tuple[Children, int, bytes]] = [([top], 0, b"")]
        while waiting:
            children, slot, path = waiting.pop()
            node = child_at(self._source, children, slot)
            if node is None:
                continue
            is_within = len(path) >= bound
            path += node.partial
            if not is_within and not relevant(path):
                continue
            if node.value is not None and (is_within or (path >= start and path.startswith(prefix))):
                yield path, node.value
            if (below := node.children) is not None:
                for slot in _DESCENDING:
                    if below[slot] is not None and (is_within or relevant(path + _ONE_NIBBLE[slot])):
                        waiting.append((below, slot, path + _ONE_NIBBLE[slot]))


class Growing:
    """A commit in portions, of which each hashes what the next ones will not change: so none takes long, and the root
    of `after` is there at once. Raises as `commit`, and is of no use then."""

    def __init__(self, before: Trie, hashes: bool = True) -> None:
        self._before = before
        self._edit = Edit(before._top(), before._source, leave=seal if hashes else None)
        self.growth = 0
        """By how many bytes of keys and values the trie has grown."""

    def take(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """By ascending key, each above those of before; None deletes."""
        trie, edit = self._before, self._edit
        for key, data in changes:
            old = trie._change(edit, key, data)
            if old is not None:
                self.growth -= len(key) + len(read(trie.source, old))
            if data is not None:
                self.growth += len(key) + len(data)

    def after(self) -> Trie:
        """The trie after all changes; the same handle if they change nothing."""
        trie, root = self._before, self._edit.root
        return trie if root is trie._top() else trie._with(root)


def _unstored(top: Node) -> list[Node]:
    """Nodes the database lacks, parents first. Below a stored node all is stored."""
    found = [] if top.stored else [top]
    for node in found:
        if node.children is not None:
            found += [child for child in node.children if isinstance(child, Node) and not child.stored]
    return found


def ordered_root(values: Sequence[bytes], layout: Layout = Layout.V0) -> bytes:
    """Root of the trie of a list: key i is the SCALE compact integer i.

    `extrinsics_root` of a header is that of the block's encoded extrinsics in layout V0.
    """
    return Trie.from_items(((compact(i), value) for i, value in enumerate(values)), layout).root()
