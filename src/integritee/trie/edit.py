"""Path copying: changes make new nodes along their paths and share everything beside these.

A node that the same run of changes has made is changed in place, for nobody else has seen it yet: so a node near the
root is copied once, not once for each change below it.

All loops keep an explicit path instead of recursing, so the depth of a trie (up to one branch per nibble of
its longest key) never meets the interpreter's recursion limit.
"""

from __future__ import annotations

from typing import TypeAlias

from integritee.trie.nibbles import shared
from integritee.trie.node import Children, Node, Value, same_value
from integritee.trie.source import NodeSource, child_at

_Path: TypeAlias = list[tuple[Node, Children, int]]  # branch, its slots, the slot taken


class Edit:
    """A run of changes to the trie below `root`; what `root` was before stays as it is. Keys are nibble strings.

    Changes that change nothing leave the same `root`.
    """

    __slots__ = ("_own", "_source", "root")

    def __init__(self, root: Node | None, source: NodeSource) -> None:
        self.root, self._source = root, source
        self._own: set[Node] = set()
        """Branches whose slots nobody else has, and leaves. Above one there are only such."""

    def insert(self, key: bytes, value: Value) -> None:
        """Put `value` at the key."""
        if self.root is None:
            self.root = self._made(Node(key, value))
            return
        path: _Path = []
        node, depth = self.root, 0
        while key.startswith(node.partial, depth):
            depth += len(node.partial)
            if depth == len(key):
                if not same_value(node.value, value):
                    self._put(path, node, value)
                return
            slot = key[depth]
            depth += 1
            slots: Children = [None] * 16 if node.children is None else node.children
            path.append((node, slots, slot))
            child = child_at(self._source, slots, slot)
            if child is None:
                self._attach(path, self._made(Node(key[depth:], value)))
                return
            node = child
        self._attach(path, self._made(_split(node, key[depth:], value)))

    def remove(self, key: bytes) -> None:
        """Have nothing at the key; the trie may become None."""
        path: _Path = []
        node, depth = self.root, 0
        while node is not None and key.startswith(node.partial, depth):
            depth += len(node.partial)
            if depth == len(key):
                if node.value is not None:
                    self._vanish(path, node)
                return
            if node.children is None:
                return
            slot = key[depth]
            depth += 1
            path.append((node, node.children, slot))
            node = child_at(self._source, node.children, slot)

    def _made(self, node: Node) -> Node:
        self._own.add(node)
        return node

    def _put(self, path: _Path, node: Node, value: Value) -> None:
        if node in self._own:
            node.value = value
        else:
            children = None if node.children is None else node.children.copy()
            self._attach(path, self._made(Node(node.partial, value, children)))

    def _vanish(self, path: _Path, node: Node) -> None:
        """The value of a node goes, and the node unless it is a branch with children enough."""
        fresh: Node | None = None
        if node.children is not None:
            fresh = _collapse(Node(node.partial, None, node.children), self._source)
        elif path:  # only the branch right above a vanished leaf can be left with too little
            branch, slots, slot = path.pop()
            fresh = _collapse(_replace(branch, slots, slot, None), self._source)
        self._attach(path, fresh)

    def _attach(self, path: _Path, fresh: Node | None) -> None:
        """Have another node at the end of the path."""
        for branch, slots, slot in reversed(path):
            if branch in self._own and slots is branch.children:
                if fresh is None or slots[slot] is None:
                    branch.references = b""
                slots[slot] = fresh
                branch.changed |= 1 << slot
                return
            fresh = self._made(_replace(branch, slots, slot, fresh))
        self.root = fresh


def _replace(branch: Node, children: Children, slot: int, child: Node | None) -> Node:
    """A copy of the branch with another child in one slot."""
    copy = children.copy()
    copy[slot] = child
    fresh = Node(branch.partial, branch.value, copy)
    if child is not None and children[slot] is not None:
        fresh.references, fresh.changed = branch.references, branch.changed | 1 << slot
    return fresh


def _split(node: Node, key: bytes, value: Value) -> Node:
    """A branch where `key` (the rest from this node on) leaves the node's partial key."""
    partial = node.partial
    common = shared(partial, key)
    children: Children = [None] * 16
    children[partial[common]] = Node(partial[common + 1 :], node.value, node.children)
    if common == len(key):
        return Node(key, value, children)
    children[key[common]] = Node(key[common + 1 :], value)
    return Node(key[:common], None, children)


def _collapse(branch: Node, source: NodeSource) -> Node:
    """The canonical form of a branch that has lost its value or a child."""
    children = branch.children
    assert children is not None
    slots = [slot for slot in range(16) if children[slot] is not None]
    if not slots:
        return Node(branch.partial, branch.value)
    if branch.value is None and len(slots) == 1:
        only = child_at(source, children, slots[0])
        assert only is not None
        return Node(branch.partial + bytes(slots) + only.partial, only.value, only.children)
    return branch
