"""Which method acts on which finding, alone or in turn with others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from imgaudit.repair.filling import adjust, crop, fill
from imgaudit.repair.originals import Canvas, Change
from imgaudit.repair.painting import Painter
from imgaudit.repair.record import CannotRepair
from imgaudit.repair.tasks import Aim, Task
from imgaudit.repair.typesetting import Font, retypeset

Method = Callable[[Task, Canvas, Sequence[Aim], int], Change | None]
"""One try (counted from 0) at a picture; None when there is no further way to try."""

ORDER = ("adjust", "retypeset", "fill", "inpaint", "crop")
"""Methods that go together, in turn: places are known in the uncut picture, so a crop comes last."""
EXEMPT: Mapping[str, tuple[str, ...]] = {"crop": ("quality.megapixels",)}


def methods_of(painter: Painter, font: Font) -> dict[str, Method]:
    """Every method by its name."""
    return {
        "inpaint": painter.inpaint,
        "regenerate": painter.regenerate,
        "fill": fill,
        "crop": crop,
        "adjust": adjust,
        "retypeset": lambda task, canvas, aims, number: retypeset(font, task, canvas, aims, number),
    }


@dataclass(frozen=True)
class Approach:
    """Methods in turn, each with the aims that it is for."""

    steps: tuple[tuple[str, tuple[Aim, ...]], ...]

    @property
    def name(self) -> str:
        """The methods' names, joined by a plus sign."""
        return "+".join(name for name, _ in self.steps)

    @property
    def by_chance(self) -> bool:
        """Whether tries differ by chance. Those that do not are in order: the ones that change less come first."""
        return bool({"inpaint", "regenerate"} & {name for name, _ in self.steps})

    @property
    def exempt(self) -> tuple[str, ...]:
        """Measures that these methods change on purpose."""
        return tuple(measure for name, _ in self.steps for measure in EXEMPT.get(name, ()))


def approaches_to(task: Task, wanted: Sequence[str] | None) -> list[Approach]:
    """What is tried, in order: the methods that were named, or the one way that the rubric's fixes make together.

    Raises CannotRepair where no rule says what is to be done.
    """
    if wanted is not None:
        return [Approach(((name, task.aims),)) for name in wanted]
    if not task.aims:
        raise CannotRepair("a person asked for the edit and no rule fired, so nothing says what to do; name a --method")
    silent = [aim.rule.id for aim in task.aims if aim.method is None]
    if silent:
        raise CannotRepair(f"the rubric names no method for {', '.join(silent)}; name one with --method")
    if any(aim.method == "regenerate" for aim in task.aims):
        return [Approach((("regenerate", task.aims),))]
    groups = {name: tuple(aim for aim in task.aims if aim.method == name) for name in ORDER}
    return [Approach(tuple((name, aims) for name, aims in groups.items() if aims))]


def applied(
    approach: Approach, methods: Mapping[str, Method], task: Task, original: Canvas, number: int
) -> Change | None:
    """One try, counted from 0. A method that has no further way keeps its last one while another has; None at the end.

    Raises CannotRepair where one of the methods does not apply.
    """
    canvas, whole, fresh = original, None, False
    for name, aims in approach.steps:
        change, is_new = _latest(methods[name], task, canvas, aims, number)
        if change is None:
            return None
        fresh = fresh or is_new
        canvas = Canvas(change.rgba, original.data)
        whole = change if whole is None else _joined(whole, change)
    return whole if fresh else None


def _latest(
    method: Method, task: Task, canvas: Canvas, aims: Sequence[Aim], number: int
) -> tuple[Change | None, bool]:
    """The try of this number, or the last one before it that there is; and whether it is the one that was asked for."""
    for way in range(number, -1, -1):
        change = method(task, canvas, aims, way)
        if change is not None:
            return change, way == number
    return None, False


def _joined(first: Change, then: Change) -> Change:
    """Two changes in turn as one; where a picture was cut there is no mask in the old one's pixels."""
    mask = None if first.mask is None or then.mask is None else np.asarray(first.mask | then.mask)
    return replace(
        then, mask=mask, seed=then.seed if then.seed is not None else first.seed,
        settings={**first.settings, **then.settings}, source=then.source or first.source,
    )  # fmt: skip
