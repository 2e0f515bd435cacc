"""The stages of a run as a graph, laid out for an SVG. Pure: stages in, positions out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 236, 30  # of a node, in the SVG's units
ACROSS, DOWN = 290, 38  # from one node to the next
MARGIN = 4
LETTERS = 30  # of a title that fit into a node, in wide letters too


@dataclass(frozen=True)
class Node:
    """A stage with its place; `label` is its title as far as it fits."""

    pk: int
    title: str
    label: str
    status: str
    x: float
    y: float


@dataclass(frozen=True)
class Graph:
    """Nodes, the paths between them, and the size of the picture."""

    nodes: tuple[Node, ...]
    paths: tuple[str, ...]
    width: float
    height: float
    node_width: int = WIDTH
    node_height: int = HEIGHT


def lay_out(stages: Sequence[tuple[int, int | None, str, str]]) -> Graph:
    """Stages as (key, key of the parent, title, status): parents to the left, each at the height of its children."""
    keys = {key for key, *_ in stages}
    children: dict[int | None, list[int]] = {}
    for key, parent, *_ in stages:
        children.setdefault(parent if parent in keys else None, []).append(key)
    places: dict[int, tuple[int, float]] = {}
    rows = 0

    def place(key: int, column: int) -> float:
        nonlocal rows
        below = [place(child, column + 1) for child in children.get(key, [])]
        if not below:
            below = [float(rows)]
            rows += 1
        places[key] = (column, sum(below) / len(below))
        return places[key][1]

    for root in children.get(None, []):
        place(root, 0)
    nodes = [_node(key, title, status, *places[key]) for key, _, title, status in stages]
    by_key = {node.pk: node for node in nodes}
    paths = [_path(by_key[parent], by_key[key]) for key, parent, *_ in stages if parent in by_key]
    columns = 1 + max((column for column, _ in places.values()), default=0)
    width = (columns - 1) * ACROSS + WIDTH + 2 * MARGIN
    height = max(0, rows - 1) * DOWN + HEIGHT + 2 * MARGIN
    return Graph(tuple(nodes), tuple(paths), width, height)


def _node(key: int, title: str, status: str, column: int, row: float) -> Node:
    label = title if len(title) <= LETTERS else title[: LETTERS - 1] + "…"
    return Node(key, title, label, status, MARGIN + column * ACROSS, MARGIN + row * DOWN)


def _path(start: Node, end: Node) -> str:
    """A curve from the right edge of one to the left edge of the other."""
    x, y = start.x + WIDTH, start.y + HEIGHT / 2
    to_x, to_y = end.x, end.y + HEIGHT / 2
    middle = (x + to_x) / 2
    return f"M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"
