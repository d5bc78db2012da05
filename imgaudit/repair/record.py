"""What is written down about a repair: one line of repairs.jsonl for every picture that was to be edited."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError

from imgaudit.errors import ImgauditError
from imgaudit.types import JSON, Decision, Region, Source, Stored

LINES = "repairs.jsonl"
MAX_LINE = 32 << 20

MethodName = Literal["inpaint", "fill", "retypeset", "crop", "adjust", "regenerate"]
METHODS: tuple[str, ...] = get_args(MethodName)


class CannotRepair(ImgauditError):
    """A method does not apply to this picture, or the picture cannot be worked on; the sentence says why."""


class NoPicture(CannotRepair):
    """One try gave no picture; another one may."""


class Try(Stored):
    """One changed picture that was made and looked at. It was kept only if it is the one that `Repair.pixels` names."""

    number: int = Field(ge=0)
    method: str = Field(description="one of the methods; several that were applied in turn are joined by a plus sign")
    seed: int | None = Field(description="of the noise; null where nothing is drawn by chance")
    pixels: str | None = Field(description="digest of what came out; null where nothing did")
    verdict: Decision | None = Field(description="of the checks, on what came out")
    fixed: bool = Field(description="every rule that asked for the edit was measured again and fires no more")
    harmed: tuple[str, ...] = Field(
        default=(), description="what became worse: measures (checker.name), rules that newly fire (rule:id), checks "
        "that can no longer tell (check:name)"
    )  # fmt: skip
    why: str = Field(description="in words")
    settings: dict[str, JSON] = Field(default_factory=dict, description="window, feather, font, gain, ... of this try")


class Repair(Stored):
    """A line of repairs.jsonl: what became of one picture that was to be edited."""

    format: Literal["imgaudit-repair/1"] = "imgaudit-repair/1"
    id: str = Field(description="the picture's id in the run, and in the folder of repaired ones")
    parent: str | None = Field(description="digest of the original's pixels; null where it cannot be decoded")
    outcome: Literal["repaired", "could not repair", "refused"]
    reason: str = Field(description="a sentence for people")
    method: str | None = Field(description="what was done or tried last; null where no method was named")
    rules: tuple[str, ...] = Field(default=(), description="the rules that asked for the edit")
    instruction: str | None = Field(default=None, description="the edit in the rubric's words")
    region: Region | None = Field(default=None, description="the place of the finding; the first of several")
    regions: tuple[Region, ...] = Field(default=(), description="all places, where there are several")
    mask: str | None = Field(
        default=None, description="where pixels may differ from the original, COCO's uncompressed counts as text; null "
        "where the whole picture was made anew or cut"
    )  # fmt: skip
    tries: tuple[Try, ...] = ()
    picture: str | None = Field(default=None, description="path in the folder of repaired pictures")
    pixels: str | None = Field(default=None, description="digest of the repaired picture's pixels")
    file: str | None = Field(default=None, description="digest of its bytes")
    source: Source | None = Field(default=None, description="how the repaired picture was made")
    settings: dict[str, JSON] = Field(
        default_factory=dict, description="generator and its versions, tolerances, font: what the outcome rests on"
    )


# --- the file ------------------------------------------------------------------------------------


def read_repairs(folder: Path) -> dict[str, Repair]:
    """The lines of a folder by picture id, the later of two; a torn or foreign line is as if it were not there."""
    found: dict[str, Repair] = {}
    try:
        with (folder / LINES).open("rb") as stream:
            while line := stream.readline(MAX_LINE):
                try:
                    entry = Repair.model_validate_json(line)
                except ValidationError:
                    continue
                found[entry.id] = entry
    except FileNotFoundError:
        pass
    return found


def append_repair(folder: Path, entry: Repair) -> None:
    """Add a line, on disk before this returns; a torn line before it is ended first."""
    path = folder / LINES
    with path.open("ab+") as stream:
        size = stream.seek(0, os.SEEK_END)
        torn = False
        if size:
            stream.seek(size - 1)
            torn = stream.read(1) != b"\n"
        stream.write(b"\n" * torn + line_of(entry) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def line_of(entry: Repair) -> bytes:
    """The line of an entry, without its newline: the same entry gives the same bytes."""
    return json.dumps(entry.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()


def settled(order: Iterable[str], found: dict[str, Repair]) -> list[Repair]:
    """The lines in the run's order, each picture once."""
    return [found[name] for name in order if name in found]
