"""Path copying: a change makes new nodes along one path and shares everything beside it.

All loops keep an explicit path instead of recursing, so the depth of a trie (up to one branch per nibble of
its longest key) never meets the interpreter's recursion limit.
"""

from __future__ import annotations

from typing import TypeAlias

from integritee.trie.nibbles import shared
from integritee.trie.node import Children, Node, Value, same_value
from integritee.trie.source import NodeSource, child_at

_Path: TypeAlias = list[tuple[Node, Children, int]]  # branch, its slots, the slot taken


def insert(root: Node | None, key: bytes, value: Value, source: NodeSource) -> Node:
    """The trie with `value` at the nibble string `key`; the same node if it is there already."""
    if root is None:
        return Node(key, value)
    path: _Path = []
    node, depth = root, 0
    while True:
        partial, children = node.partial, node.children
        if not key.startswith(partial, depth):
            fresh = _split(node, key[depth:], value)
            break
        depth += len(partial)
        if depth == len(key):
            if same_value(node.value, value):
                return root
            fresh = Node(partial, value, children)
            break
        slot = key[depth]
        depth += 1
        if children is None:
            children = [None] * 16
        child = child_at(source, children, slot)
        if child is None:
            grown = children.copy()
            grown[slot] = Node(key[depth:], value)
            fresh = Node(partial, node.value, grown)
            break
        path.append((node, children, slot))
        node = child
    for branch, slots, slot in reversed(path):
        fresh = _replace(branch, slots, slot, fresh)
    return fresh


def remove(root: Node | None, key: bytes, source: NodeSource) -> Node | None:
    """The trie without the nibble string `key`; the same node if it is not there, None if nothing is left."""
    if root is None:
        return None
    path: _Path = []
    node, depth = root, 0
    while True:
        if not key.startswith(node.partial, depth):
            return root
        depth += len(node.partial)
        children = node.children
        if depth == len(key):
            break
        if children is None:
            return root
        slot = key[depth]
        depth += 1
        child = child_at(source, children, slot)
        if child is None:
            return root
        path.append((node, children, slot))
        node = child
    if node.value is None:
        return root

    fresh: Node | None = None
    if node.children is not None:
        fresh = _collapse(Node(node.partial, None, node.children), source)
    elif path:  # only the branch right above a vanished leaf can be left with too little
        branch, slots, slot = path.pop()
        fresh = _collapse(_replace(branch, slots, slot, None), source)
    for branch, slots, slot in reversed(path):
        fresh = _replace(branch, slots, slot, fresh)
    return fresh


def _replace(branch: Node, children: Children, slot: int, child: Node | None) -> Node:
    """A copy of the branch with another child in one slot."""
    copy = children.copy()
    copy[slot] = child
    return Node(branch.partial, branch.value, copy)


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
