"""Takes prompts and personal metadata out of a picture, keeps its disclosure, and does not touch its pixels.

Kept: pixels, colour profile and orientation; in XMP the digital source type, the AI system, China's AIGC label, and
notices of rights. Where only a C2PA manifest or a generator's own metadata said that the picture was generated, that is
written into XMP, so that it is still said. Removed: everything else, also what stands behind the end of the picture.
A C2PA manifest is removed too, for it does not survive any change of the file: sign again afterwards.

What cannot be removed without touching pixels (a prompt hidden in their lowest bits, an invisible watermark) is named
in `Stripped.remaining` as far as it can be seen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from imgaudit.percepts import ContentCredentials
from imgaudit.provenance import aigc
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.container import Fields, canonical_text
from imgaudit.provenance.generators.services import maker
from imgaudit.provenance.marking import VOCABULARY, exif_of, xmp_of
from imgaudit.provenance.pieces import Pieces, taken_apart, with_metadata
from imgaudit.provenance.xmp_edit import with_only, with_properties

SOURCE_TYPE, SYSTEM = "Iptc4xmpExt:DigitalSourceType", "Iptc4xmpExt:AISystemUsed"
CREDIT, LABEL, RIGHTS = "photoshop:Credit", "TC260:AIGC", "dc:rights"
KEPT = (
    SOURCE_TYPE,
    "Iptc4xmpExt:DigitalSourceFileType",
    SYSTEM,
    "Iptc4xmpExt:AISystemVersionUsed",
    LABEL,
    RIGHTS,
    "xmpRights:Marked",
    "xmpRights:UsageTerms",
    "xmpRights:WebStatement",
    "plus:DataMining",
)
NOTICES = ("iptc.CopyrightNotice", "exif.Copyright", "png.Copyright")
GENERATED = "trainedAlgorithmicMedia"
GENERATED_KINDS = ("compositeWithTrainedAlgorithmicMedia", GENERATED, "compositeSynthetic", "algorithmicallyEnhanced")
ORIENTATION = 0x0112


@dataclass(frozen=True)
class Stripped:
    """The file, and what became of its metadata.

    Attributes:
        data: the file without them.
        removed: names of the fields and parts that are gone.
        kept: names of the properties that it still has.
        remaining: what ought to be gone and is not, in words.
    """

    data: bytes
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    remaining: tuple[str, ...] = ()


def stripped(data: bytes, reader: ManifestReader) -> Stripped:
    """Strip a PNG, JPEG, WebP or AVIF file. Raises PictureError for anything else and for a damaged file."""
    pieces = taken_apart(data)
    before = sources.read(data)
    credentials = reader.read(data)
    packet = _disclosure(pieces, before, credentials)
    bare = replace(pieces, pieces=tuple(p for p in pieces if p.role in ("picture", "colour")), after=b"")
    result = with_metadata(bare, _orientation(exif_of(pieces)), packet).joined()
    after = sources.read(result)
    left = {entry.key for entry in after.fields.entries}
    removed = [entry.key for entry in before.fields.entries if entry.key not in left]
    if credentials.state != "none":
        removed.append("c2pa manifest")
    if pieces.after:
        removed.append(f"{len(pieces.after):,} bytes behind the picture")
    kept = sorted(key for key in left if key != "xmp.packet")
    return Stripped(result, tuple(dict.fromkeys(removed)), tuple(kept), tuple(_remaining(after)))


def _remaining(after: sources.Found) -> list[str]:
    hidden = [entry.key for entry in after.fields.entries if entry.where == "pixels"]
    if hidden:
        return [f"hidden in the pixels themselves: {', '.join(hidden)}; only changing pixels removes that"]
    return [f"the prompt can still be read ({after.source.generator})"] if after.source.prompt is not None else []


def _disclosure(pieces: Pieces, before: sources.Found, credentials: ContentCredentials) -> str | None:
    """The packet that goes on saying what the file said of its making and of its rights."""
    packet, fields = with_only(xmp_of(pieces), KEPT), before.fields
    added: dict[str, str | None] = {}
    if fields.get(f"xmp.{SOURCE_TYPE}") is None and (kind := _source_type(before, credentials)) is not None:
        added[SOURCE_TYPE] = kind
    if fields.get(f"xmp.{SYSTEM}") is None:
        added[SYSTEM] = before.source.generator or (credentials.generator if added else None)
    label = aigc.read(fields)
    if label is not None and fields.get(f"xmp.{LABEL}") is None:
        added[LABEL] = canonical_text(label)
    if fields.get(f"xmp.{RIGHTS}") is None:
        added[RIGHTS] = fields.get(*NOTICES)
    added[CREDIT] = _credit(fields)
    written = {name: value for name, value in added.items() if value}
    return with_properties(packet, written) if written else packet


def _source_type(before: sources.Found, credentials: ContentCredentials) -> str | None:
    """The kind of generation that a valid manifest names, else the plain one where a generator's own metadata stand.

    A manifest that says captured by a camera is not repeated: without the signature anybody could have written it.
    """
    if credentials.state == "valid":
        generated = [one for one in credentials.digital_source_types if one.rsplit("/", 1)[-1] in GENERATED_KINDS]
        if generated:
            return generated[0]
    return VOCABULARY + GENERATED if before.source.generator is not None else None


def _credit(fields: Fields) -> str | None:
    """A credit line only where it names a generator (`Made with Google AI`), for others name people."""
    found = maker(fields)
    line = fields.get(f"xmp.{CREDIT}", "iptc.Credit")
    return line if found is not None and line is not None and found[1] == line.strip()[:200] else None


def _orientation(block: bytes | None) -> bytes | None:
    """An EXIF block that says nothing but how the picture is turned; None for an upright one."""
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block or b"")
        value = exif.get(ORIENTATION, 1)
    except Exception:  # Pillow parses hostile bytes here and raises as freely as a decoder
        return None
    if not isinstance(value, int) or not 2 <= value <= 8:
        return None
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, value, 0, 0)
