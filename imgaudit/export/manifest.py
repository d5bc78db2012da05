"""The manifest of a delivery, `delivery.json`: its schema, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from imgaudit.errors import RunError
from imgaudit.export.best import ORDER, Best
from imgaudit.export.preparing import Told
from imgaudit.record import RubricInfo
from imgaudit.reporters._shared import visible
from imgaudit.types import Decision, Stored

MANIFEST, ENVELOPE, PICTURES = "delivery.json", "delivery.dsse.json", "pictures"
PAYLOAD_TYPE = "application/vnd.imgaudit.delivery+json"
MAX_MANIFEST = 256 << 20
NAMED = 5


class FromRun(Stored):
    """Which run it was delivered from, by digest alone."""

    identity: str = Field(description="sha256 of what was asked for and of the set of pictures; a delivery has one run")
    kind: Literal["audit", "run"]
    images: str = Field(description="sha256 of images.jsonl")
    rubric: RubricInfo
    decisions: int = Field(description="lines of the decision log")
    head: str | None = Field(description="digest of its last line; null where nobody decided anything")


class How(Stored):
    """What was written into every picture."""

    marked: bool
    signer: str | None = Field(description="sha256 of the certificate chain that signs; null: not signed")
    source_type: str | None = Field(description="given for all pictures; null: told for each")
    provider: str | None = None
    aigc_producer: str | None = None


class Digests(Stored):
    """A file, and the pixels in it."""

    file: str
    pixels: str


class Decider(Stored):
    """A person, and what they decided last."""

    by: str
    role: str
    said: Decision


class Decided(Stored):
    """The verdict, and whose it is."""

    machine: Decision
    final: Decision
    people: tuple[Decider, ...] = Field(default=(), description="empty: the rubric alone decided")
    reason: str | None = None
    given: str | None = None


class Repaired(Stored):
    """What the picture was made from, and how."""

    parent: Digests
    method: str
    instruction: str | None


class Delivered(Stored):
    """One picture that was given away."""

    id: str
    name: str = Field(description="path in the delivery")
    case: str | None
    seed: int | None
    best: bool
    verdict: Decided
    before: Digests
    after: Digests
    source_type: str | None = Field(description="IPTC digital source type that was written; null: none was")
    source_type_by: Told | None
    repaired: Repaired | None = None


class NotDelivered(Stored):
    """An approved picture that could not be given away, and why."""

    id: str
    why: str


class Delivery(Stored):
    """delivery.json."""

    format: Literal["imgaudit-delivery/1"] = "imgaudit-delivery/1"
    run: FromRun
    how: How
    only_best: bool
    best_order: str = ORDER
    pictures: tuple[Delivered, ...]
    best: tuple[Best, ...]
    not_delivered: tuple[NotDelivered, ...]
    not_approved: dict[Decision, int] = Field(description="pictures of the run with another final verdict")
    sheets: dict[str, str] = Field(description="other files of the delivery -> sha256")

    def payload(self) -> bytes:
        """The file's bytes."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def read_delivery(folder: Path) -> Delivery:
    """The manifest of a delivery. Raises RunError where there is none, or one of another version."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > MAX_MANIFEST:
            raise RunError(f"{path}: is larger than {MAX_MANIFEST >> 20} MiB, too large for a manifest")
        return Delivery.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}; give the folder of a delivery") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RunError(f"{path}: is no manifest of a delivery: {where}: {first['msg']}") from None


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(visible(name) for name in names[:NAMED])
    return shown + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
