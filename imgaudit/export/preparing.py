"""From a picture as it was judged to the file that is given away: marked, and signed where there is a key.

A mark never changes a pixel; that is checked on every file. What a picture is said to be (the IPTC's digital source
type) is taken from the command, else from the file itself, else from the run that drew it. Only where nobody says it,
it is taken for generated, and the manifest of the delivery says that this was assumed; but a file whose own sound
manifest is silent about it stays without one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from imgaudit.errors import PictureError
from imgaudit.export.view import View
from imgaudit.percepts import ContentCredentials
from imgaudit.pictures import decode
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.marking import VOCABULARY, Marks, aigc_label, marked
from imgaudit.provenance.pieces import taken_apart
from imgaudit.provenance.signing import Credential, made_from, manifest, signed
from imgaudit.provenance.strip import GENERATED, GENERATED_KINDS, SOURCE_TYPE
from imgaudit.provenance.write import system_name
from imgaudit.repair.record import Repair
from imgaudit.reporters._thumbnails import concealment
from imgaudit.types import ImageRecord

Told = Literal["the command", "the file", "the run", "assumed"]
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
INPAINT, REGENERATE = "inpaint", "regenerate"
"""The methods of repair by which a model drew a part, or the whole picture anew."""
_TERM = re.compile(r"[A-Za-z]{3,60}")


@dataclass(frozen=True)
class Marking:
    """What is written into every picture.

    Attributes:
        marked: whether anything is; else bytes are given away as they are.
        credential: signs with C2PA; None signs nothing.
        source_type: the IPTC's digital source type of all pictures, as a bare term; None looks at each.
        provider: credit line.
        aigc_producer: writes China's AIGC label with this code of the producer.
    """

    marked: bool = True
    credential: Credential | None = None
    source_type: str | None = None
    provider: str | None = None
    aigc_producer: str | None = None


@dataclass(frozen=True)
class Planned:
    """A picture that may be given away, where it lies, and the picture that it was repaired from."""

    record: ImageRecord
    view: View
    repair: Repair | None = None
    parent: ImageRecord | None = None
    parent_view: View | None = None


@dataclass(frozen=True)
class Prepared:
    """The file, and what was written into it. `kind` is None where nothing was looked at."""

    data: bytes
    format: str | None
    pixels: str
    file_before: str
    kind: str | None
    told: Told | None


def prepared(planned: Planned, how: Marking, reader: ManifestReader) -> Prepared:
    """The file to be given away. Raises PictureError with the reason where there can be none."""
    record = planned.record
    if concealment(record) == "withheld":
        raise PictureError("it may be abuse material and is never given away; escalate it, and do not open it")
    data = planned.view.data(record)
    before, problem = decode(data, record.id)
    if before.pixels is None:
        raise PictureError(problem or "the file cannot be decoded")
    if not how.marked:
        return Prepared(data, before.format, before.pixels, before.file, None, None)
    credentials = _sound(reader.read(data), how)
    kind, told = _kind(planned, (data, credentials), how, reader)
    plain = _without_manifest(data) if credentials.state == "valid" else data
    result = marked(plain, _marks(planned, kind, how, before.pixels))
    if how.credential is not None:
        result = _signed(result, planned, (data, credentials), (kind, how.credential), reader)
    after, problem = decode(result, record.id)
    if after.pixels != before.pixels:
        raise PictureError(f"marking would have changed its pixels ({problem or 'they differ'}); give --as-is")
    return Prepared(result, after.format, before.pixels, before.file, kind, told)


def _sound(credentials: ContentCredentials, how: Marking) -> ContentCredentials:
    if credentials.state in ("invalid", "unreadable"):
        raise PictureError(
            "it carries a C2PA manifest that does not hold, so that it cannot be marked honestly; --as-is delivers it "
            "byte for byte, or strip it with `imgaudit provenance strip` and audit it again"
        )
    if credentials.state == "valid" and how.credential is None:
        raise PictureError(
            "it carries a valid C2PA manifest, which a mark would break; sign with --key and --certificates, which "
            "keeps it as ingredient, or deliver byte for byte with --as-is"
        )
    return credentials


def _without_manifest(data: bytes) -> bytes:
    pieces = taken_apart(data)
    return replace(pieces, pieces=tuple(piece for piece in pieces if piece.role != "manifest")).joined()


# --- what it is ------------------------------------------------------------------------------------------------------


def _kind(
    planned: Planned, came: tuple[bytes, ContentCredentials], how: Marking, reader: ManifestReader
) -> tuple[str | None, Told | None]:
    if how.source_type is not None:
        return how.source_type, "the command"
    if planned.repair is None or planned.parent is None or planned.parent_view is None:
        return _kind_of(came[0], planned.record, planned.view, came[1])
    if _drew(planned.repair, REGENERATE):
        return GENERATED, "the run"
    original = planned.parent_view.data(planned.parent)
    kind, told = _kind_of(original, planned.parent, planned.parent_view, reader.read(original))
    partly = _drew(planned.repair, INPAINT) and kind != GENERATED
    return (COMPOSITE, "the run") if partly else (kind, told)


def _kind_of(
    data: bytes, record: ImageRecord, view: View, credentials: ContentCredentials
) -> tuple[str | None, Told | None]:
    """What a file says that it is. That it was not generated counts only where nothing speaks of a generator."""
    said = [_term(sources.read(data).fields.get(f"xmp.{SOURCE_TYPE}") or "")]
    if credentials.state == "valid":
        said = [*map(_term, credentials.digital_source_types), *said]
    terms = sorted((term for term in said if term is not None), key=lambda term: term not in GENERATED_KINDS)
    drawn = view.run.kind == "run"
    if terms and (terms[0] in GENERATED_KINDS or not (drawn or record.source.generator)):
        return terms[0], "the file"
    if drawn or record.source.generator:
        return GENERATED, "the run" if drawn else "the file"
    return (None, None) if credentials.state == "valid" else (GENERATED, "assumed")


def _term(address: str) -> str | None:
    term = address.rsplit("/", 1)[-1]
    return term if _TERM.fullmatch(term) else None


# --- what is written -------------------------------------------------------------------------------------------------


def _marks(planned: Planned, kind: str | None, how: Marking, pixels: str) -> Marks:
    """Settings are written into pictures that a run drew; audited files keep the texts that they came with."""
    source = planned.record.source
    drawn = planned.view.run.kind == "run"
    return Marks(
        source=source if drawn else None,
        source_type=kind,
        system=_system(planned),
        provider=how.provider,
        aigc=aigc_label(how.aigc_producer, pixels[:32]) if how.aigc_producer is not None else None,
    )


def _system(planned: Planned) -> str | None:
    source = planned.record.source
    return system_name(source) if source.generator or source.model else None


def _signed(
    result: bytes, planned: Planned, came: tuple[bytes, ContentCredentials], given: tuple[str | None, Credential],
    reader: ManifestReader,
) -> bytes:  # fmt: skip
    """Created by us where a run drew it; else opened, with what came as the parent that keeps its own manifest."""
    (data, credentials), (kind, credential) = came, given
    claims = _claims(kind, _system(planned))
    if planned.repair is not None and not _drew(planned.repair, REGENERATE):
        assert planned.parent is not None
        assert planned.parent_view is not None
        original = planned.parent_view.data(planned.parent)
        told = reader.read(original)
        silent = told.state == "valid"  # its own manifest is carried along and says it
        parent_kind = None if silent else _kind_of(original, planned.parent, planned.parent_view, told)[0]
        return signed(result, credential, made_from(claims, _edited(planned.repair), source_type=parent_kind), original)
    if credentials.state == "valid":
        return signed(result, credential, made_from(claims, {"action": "c2pa.edited.metadata"}), data)
    if planned.view.run.kind == "audit":
        opened = made_from(claims, {"action": "c2pa.edited.metadata"}, source_type=kind)
        return signed(result, credential, opened, data)
    return signed(result, credential, claims)


def _claims(kind: str | None, system: str | None) -> Mapping[str, Any]:
    """As `manifest` gives them; of a picture that nobody called anything, nothing is said but what was done to it."""
    claims = manifest(kind or GENERATED, system)
    return claims if kind is not None else {**claims, "assertions": claims["assertions"][:1]}


def _drew(repair: Repair, method: str) -> bool:
    """Whether a method is among those that were applied in turn."""
    return method in (repair.method or "").split("+")


def _edited(repair: Repair) -> Mapping[str, Any]:
    action = {"action": "c2pa.edited", "description": f"{repair.method}: {repair.instruction or repair.reason}"[:500]}
    return {**action, "digitalSourceType": VOCABULARY + COMPOSITE} if _drew(repair, INPAINT) else action
