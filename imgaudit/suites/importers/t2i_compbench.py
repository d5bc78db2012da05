"""T2I-CompBench++ (Huang et al. 2023, 2025): compositional prompts in eight categories, a text file each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from imgaudit.digest import digest_bytes
from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, numbered
from imgaudit.suites.importers._known import known
from imgaudit.suites.importers._table import Origin, Row, prompt_ids, suite_of
from imgaudit.suites.importers._words import COLOURS, NUMBERS, singular
from imgaudit.suites.reading import read_bytes, read_text
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts of one category of T2I-CompBench++. What a prompt built by the set's own pattern asks for (objects, "
    "numbers, colours, places) is expected and stands in clauses; of freely written prompts nothing is expected beyond "
    "their words. Only cases tagged 'numeracy' ask for exact numbers."
)
_SOURCE = "Karine-Huang/T2I-CompBench examples/dataset"
_SHAPES = frozenset((
    "rectangular", "spherical", "round", "teardrop", "pyramidal", "triangular", "diamond", "pentagonal", "conical",
    "cylindrical", "oblong", "cubic", "small", "short", "oval", "square", "big", "tall", "circular", "long", "crescent",
    "hexagonal", "large", "little",
))  # fmt: skip
_TEXTURES = frozenset(("metallic", "wooden", "fabric", "leather", "fluffy", "glass", "plastic", "rubber"))
_RELATIONS: Mapping[str, str | None] = {
    "on the top of": "above", "on the bottom of": "below", "on the left of": "left of", "on the right of": "right of",
    "on side of": None, "next to": None, "near": None, "in front of": None, "behind": None, "hidden by": None,
}  # fmt: skip
"""Relations of the set, and what GenEval's rules call them; None where they know no such relation."""

_NAME = re.compile(
    r"(color|shape|texture|spatial|3d_spatial|non_spatial|numeracy|complex)"
    r"(_(?:train|val)(?:_(?:seen|unseen|action|spatial|spatialaction))?)?"
)
_PLACED = re.compile(rf"an? (.+?) ({'|'.join(_RELATIONS)}) an? (.+)")
_PAIR = re.compile(r"(?:an? )?([a-z].*?) and (?:an? )?([a-z].*)")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a prompt asks for, taken apart."""

    objects: Sequence[dict[str, JSON]]
    parts: Sequence[Parts]


@importer
class T2ICompBench:
    """Reads a prompt a line from color_val.txt, spatial.txt and their like; the file's name says the category.

    Ids are made of the prompts, so that a prompt has one id, and one set of seeds, in every split that holds it.
    """

    name: ClassVar[str] = "t2i-compbench"
    title: ClassVar[str] = "T2I-CompBench++ category file"
    licence: ClassVar[str] = "MIT: may be copied with its notice"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = True

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the name is that of a split; or that of a category, with bytes on record or lines of its pattern."""
        found = _NAME.fullmatch(path.stem)
        if path.suffix.lower() != ".txt" or found is None:
            return False
        read = _READERS.get(found[1])
        if found[2] or known(digest_bytes(read_bytes(path))) is not None:
            return True
        if read is None:
            return False
        lines = [line.strip() for line in head.decode("utf-8", "ignore").split("\n")[:200] if line.strip()]
        return 2 * sum(read(line) is not None for line in lines) > len(lines)

    def read(self, path: Path) -> Suite:
        """One case a line."""
        found = _NAME.fullmatch(path.stem)
        category = found[1] if found else ""
        told = enumerate(read_text(path).split("\n"), start=1)
        rows = [Row(number, {"prompt": line.strip()}) for number, line in told if line.strip()]
        if not rows:
            raise ConfigError(f"{path}:1: there is no prompt in it; expected a prompt a line")
        prompts = [str(row.value["prompt"]) for row in rows]
        cases = [
            _case(identity, prompt, category) for identity, prompt in zip(prompt_ids(prompts), prompts, strict=True)
        ]
        name = f"t2i-compbench-{path.stem.replace('_', '-')}"
        origin = Origin(name, f"T2I-CompBench++ {path.stem}", _ABOUT, "MIT", f"{_SOURCE}/{path.name}")
        return suite_of(path, origin, rows, cases)


def _case(identity: str, prompt: str, category: str) -> dict[str, JSON]:
    case: dict[str, JSON] = {"id": identity, "prompt": prompt, "tags": [category.replace("_", "-")]}
    read = _READERS.get(category)
    asked = read(prompt) if read else None
    if asked is not None:
        case["expect"] = {"objects": list(asked.objects)}
        case["clauses"] = numbered(asked.parts)
    return case


def _described(kind: str, words: frozenset[str]) -> Callable[[str], _Asked | None]:
    """A reader of `a WORD thing and a WORD thing`."""

    def read(prompt: str) -> _Asked | None:
        pair = _PAIR.fullmatch(prompt.removesuffix("."))
        split = [_split(side, words) for side in pair.groups()] if pair else []
        if not split or not all(thing for _, thing in split):
            return None
        objects: list[dict[str, JSON]] = []
        parts: list[Parts] = []
        for word, thing in split:
            objects.append({"name": thing, **({"color": word} if kind == "colour" else {})})
            parts.append(Parts("object", f"there is a {thing}", thing))
            owner = f"c{len(parts)}"
            parts.append(Parts(kind, f"the {thing} is {word}", thing, word, after=(owner,)))
        return _Asked(objects, parts)

    return read


def _split(side: str, words: frozenset[str]) -> tuple[str, str]:
    word, _, thing = side.partition(" ")
    free = thing and not re.search(r"[,.;]| (?:and|with|on|in|is|are) ", thing)
    return (word, thing) if word in words and free else (word, "")


def _spatial(prompt: str) -> _Asked | None:
    """`a balloon on the top of a giraffe`; the object that is placed stands second, as in GenEval's own lists."""
    found = _PLACED.fullmatch(prompt)
    if found is None:
        return None
    thing, relation, other = found.groups()
    placed: dict[str, JSON] = {"name": thing}
    if _RELATIONS[relation] is not None:
        placed |= {"relation": _RELATIONS[relation], "to": 0}
    parts = [
        Parts("object", f"there is a {thing}", thing),
        Parts("object", f"there is a {other}", other),
        Parts("relation", f"the {thing} is {relation} the {other}", thing, relation, other, after=("c1", "c2")),
    ]
    return _Asked([{"name": other}, placed], parts)


def _numeracy(prompt: str) -> _Asked | None:
    """`four trucks`, `two cups, one key and three bowls`."""
    objects: list[dict[str, JSON]] = []
    parts: list[Parts] = []
    for piece in re.split(r", and | and |, ", prompt):
        word, _, things = piece.partition(" ")
        if word not in NUMBERS or not re.fullmatch(r"[a-z]+(?: [a-z]+)?", things):
            return None
        thing = singular(things)
        objects.append({"name": thing, "count": NUMBERS[word]})
        parts.append(Parts("object", f"there are {things}", thing))
        parts.append(
            Parts("count", f"the number of {things} is {word}", thing, str(NUMBERS[word]), after=(f"c{len(parts)}",))
        )
    return _Asked(objects, parts)


_READERS: Mapping[str, Callable[[str], _Asked | None]] = {
    "color": _described("colour", COLOURS),
    "shape": _described("attribute", _SHAPES),
    "texture": _described("attribute", _TEXTURES),
    "spatial": _spatial,
    "3d_spatial": _spatial,
    "numeracy": _numeracy,
}
