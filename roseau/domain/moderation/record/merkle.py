"""Merkle trees over the entries of a day, as in RFC 6962, section 2.1: leaves and nodes are hashed apart."""

import hashlib
from collections.abc import Sequence


def hash_leaf(leaf: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\0" + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Takes leaves one by one and knows their root; it keeps one hash for each power of two."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add the next leaf."""
        top = hash_leaf(leaf)
        # As many full subtrees end here as the old size ends in ones.
        rest = self.size
        while rest & 1:
            top = hash_node(self._peaks.pop(), top)
            rest >>= 1
        self._peaks.append(top)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far; of none, the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256().digest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_node(peak, root)
        return root


def find_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What is needed besides a leaf to come to the root, from the leaf upwards (RFC 6962, section 2.1.1)."""
    level = [hash_leaf(leaf) for leaf in leaves]
    path = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        level = [
            hash_node(*level[at : at + 2]) if at + 1 < len(level) else level[at]
            for at in range(0, len(level), 2)
        ]
        index //= 2
    return path


def follow_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its path lead to; None when the path is not of that length."""
    top = hash_leaf(leaf)
    rest = list(path)
    while size > 1:
        if index ^ 1 < size:
            if not rest:
                return None
            beside = rest.pop(0)
            top = hash_node(beside, top) if index & 1 else hash_node(top, beside)
        index //= 2
        size = (size + 1) // 2
    return None if rest else top
