"""Whether what was read in a picture agrees with what its caption says, respect by respect."""

from __future__ import annotations

from itertools import permutations

from imgaudit.embedded.reader import Reading, Seen
from imgaudit.embedded.world import Item, Scene


def _fits(item: Item, seen: Seen) -> bool:
    return item.colour in (None, seen.colour) and item.shape in (None, seen.shape)


def _placed(relation: str, first: Seen, second: Seen) -> bool:
    """Whether the first lies so relative to the second, by the larger of the two distances between centres."""
    across, down = first.x - second.x, first.y - second.y
    if relation in ("left of", "right of"):
        return abs(across) > abs(down) and (across < 0) == (relation == "left of")
    return abs(down) > abs(across) and (down < 0) == (relation == "above")


def _pair(scene: Scene, reading: Reading) -> dict[str, bool]:
    """Two things: both there with their own colours and shapes, each of the right size, and in the right places."""
    orders = [
        order
        for order in permutations(reading.seen)
        if len(order) == 2 and all(_fits(i, s) for i, s in zip(scene.items, order, strict=True))
    ]
    colours = sorted(item.colour for item in scene.items if item.colour)
    shown = sorted(seen.colour for seen in reading.seen)
    shapes = sorted(item.shape for item in scene.items if item.shape)
    result = {"count": len(reading.seen) == 2}
    if colours:
        result["colour"] = all(shown.count(colour) >= colours.count(colour) for colour in colours)
    if shapes:
        names = [seen.shape for seen in reading.seen]
        result["shape"] = all(names.count(shape) >= shapes.count(shape) for shape in shapes)
    if len(colours) == 2 and len(shapes) == 2:
        result["binding"] = bool(orders)
    if scene.relation:
        relation = scene.relation
        orders = [order for order in orders if _placed(relation, *order)]
        result["relation"] = bool(orders)
    if any(item.size for item in scene.items):
        result["size"] = any(
            all(i.size in (None, s.size) for i, s in zip(scene.items, order, strict=True)) for order in orders
        )
    return result


def _several(item: Item, reading: Reading) -> dict[str, bool]:
    result = {"count": len(reading.seen) == item.count}
    if item.colour:
        result["colour"] = bool(reading.seen) and all(seen.colour == item.colour for seen in reading.seen)
    if item.shape:
        result["shape"] = bool(reading.seen) and all(seen.shape == item.shape for seen in reading.seen)
    if item.size:
        result["size"] = bool(reading.seen) and all(seen.size == item.size for seen in reading.seen)
    return result


def judge(scene: Scene, reading: Reading) -> dict[str, bool]:
    """Right or wrong for each respect that the caption speaks of, and `all` for the whole caption.

    A relation is right only if both things are there, each with its own colour and shape: a picture that lacks one
    cannot show where it lies.
    """
    result = _pair(scene, reading) if len(scene.items) == 2 else _several(scene.items[0], reading)
    if scene.background:
        result["background"] = reading.background == scene.background
    if scene.absent:
        result["negation"] = all(seen.shape != scene.absent for seen in reading.seen)
    result["all"] = all(result.values())
    return result
