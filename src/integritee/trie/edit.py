"""Path copying: changes make new nodes along their paths and share everything beside these.

Changes come by ascending key, so that an edit goes through the trie once: it stands below the branches that the
latest key has passed, steps back to those that the next key passes as well, and goes on from there. A branch that it
stands below is copied when something below it changes, once, for it is changed in place from then on.

All loops keep an explicit path instead of recursing, so the depth of a trie (up to one branch per nibble of
its longest key) never meets the interpreter's recursion limit.
"""

from __future__ import annotations

from collections.abc import Callable

from integritee.trie.nibbles import shared
from integritee.trie.node import Children, Node, Value, same_value
from integritee.trie.source import NodeSource, child_at


class Edit:
    """A run of changes to the trie below `root`; what `root` was before stays as it is. Keys are nibble strings, each
    above the one before.

    Changes that change nothing leave the same `root`. `leave` is called with branches that have changed and that the
    edit will not come back to.
    """

    __slots__ = ("_copied", "_depths", "_key", "_leave", "_path", "_source", "root")

    def __init__(self, root: Node | None, source: NodeSource, leave: Callable[[Node], object] | None = None) -> None:
        self.root, self._source, self._leave = root, source, leave
        self._key = b""
        self._path: list[Node] = []
        """Branches that the latest key has passed, from the root on."""
        self._depths: list[int] = []
        """How many of the key's nibbles are above the slot that it took in each."""
        self._copied = 0
        """So many of the path, from the root on, are of this edit alone."""

    def put(self, key: bytes, value: Value) -> Value | None:
        """Put `value` at the key; what was there."""
        node, depth = self._descend(key)
        rest = key[depth:]
        if node is None:
            self._attach(Node(rest, value))
        elif rest != node.partial:
            self._attach(_split(node, rest, value))
        else:
            if not same_value(node.value, value):
                self._attach(Node(rest, value, node.children))
            return node.value
        return None

    def remove(self, key: bytes) -> Value | None:
        """Have nothing at the key; what was there. The trie may become None."""
        node, depth = self._descend(key)
        if node is None or node.value is None or key[depth:] != node.partial:
            return None
        if node.children is not None:
            self._attach(_collapse(Node(node.partial, None, node.children), self._source))
        else:
            self._detach()
        return node.value

    def _descend(self, key: bytes) -> tuple[Node | None, int]:
        """Go as far towards the key as branches lead; what is below them, and how many nibbles of the key above it.

        That is None, a leaf, a node that the key ends at, or one with another partial key.
        """
        path, depths = self._path, self._depths
        while path and not key.startswith(self._key[: depths[-1]]):
            depths.pop()
            branch = path.pop()
            if self._copied > len(path):
                self._copied = len(path)
                if self._leave is not None:
                    self._leave(branch)
        self._key = key
        if path:
            children: Children | None = path[-1].children
            assert children is not None
            node, depth = child_at(self._source, children, key[depths[-1]]), depths[-1] + 1
        else:
            node, depth = self.root, 0
        while node is not None and (children := node.children) is not None and key.startswith(node.partial, depth):
            below = depth + len(node.partial)
            if below == len(key):
                break
            path.append(node)
            depths.append(below)
            node, depth = child_at(self._source, children, key[below]), below + 1
        return node, depth

    def _own_path(self) -> None:
        """Copy the branches of the path that are not of this edit yet."""
        for at in range(self._copied, len(self._path)):
            branch = self._path[at]
            assert branch.children is not None
            copy = Node(branch.partial, branch.value, branch.children.copy())
            copy.references, copy.changed = branch.references, branch.changed
            self._link(at, copy)
            self._path[at] = copy
        self._copied = len(self._path)

    def _attach(self, node: Node | None) -> None:
        """Have another node below the path."""
        if self._copied < len(self._path):
            self._own_path()
        self._link(len(self._path), node)

    def _link(self, at: int, node: Node | None) -> None:
        """Have another node at a place of the path, or behind it; the branch above is of this edit."""
        if at == 0:
            self.root = node
            return
        branch, slot = self._path[at - 1], self._key[self._depths[at - 1]]
        assert branch.children is not None
        if node is None or branch.children[slot] is None:
            branch.references = b""
        branch.children[slot] = node
        branch.changed |= 1 << slot

    def _detach(self) -> None:
        """Have nothing below the path. The branch right above, and only that, may be left with too little."""
        self._attach(None)
        if not self._path:
            return
        branch = self._path[-1]
        whole = _collapse(branch, self._source)
        if whole is not branch:
            self._path.pop()
            self._depths.pop()
            self._copied -= 1
            self._attach(whole)


def _split(node: Node, key: bytes, value: Value) -> Node:
    """A branch where `key` (the rest from this node on) and the node's partial key part, or one of them ends."""
    partial = node.partial
    common = shared(partial, key)
    children: Children = [None] * 16
    branch = Node(key[:common], None, children)
    if common < len(partial):
        children[partial[common]] = Node(partial[common + 1 :], node.value, node.children)
    else:  # only a leaf's partial key can be all of the way: the way goes on below branches
        branch.value = node.value
    if common < len(key):
        children[key[common]] = Node(key[common + 1 :], value)
    else:
        branch.value = value
    return branch


def _collapse(branch: Node, source: NodeSource) -> Node:
    """The canonical form of a branch that has lost its value or a child."""
    children = branch.children
    assert children is not None
    count = 16 - children.count(None)
    if not count:
        return Node(branch.partial, branch.value)
    if branch.value is None and count == 1:
        slot = next(slot for slot in range(16) if children[slot] is not None)
        only = child_at(source, children, slot)
        assert only is not None
        return Node(branch.partial + bytes((slot,)) + only.partial, only.value, only.children)
    return branch
