"""Marks a picture that exists, in its own format and without touching its pixels: PNG, JPEG, WebP or AVIF.

What can be written: the text that AUTOMATIC1111 made customary (PNG text, or EXIF UserComment), the IPTC's fields for
generated pictures (Photo Metadata 2025.1) in XMP, who provides the system with a date and an identifier, and China's
AIGC label (GB 45438-2025). Other metadata of the file stay, and so does the tool that it names as its maker. A C2PA
signature covers the whole file and is written last, by `signing`; a signed file is therefore refused here.

The customary marks of a harness's own pictures are written by `write`, with the same texts.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO

from imgaudit.digest import canonical
from imgaudit.errors import PictureError
from imgaudit.provenance.container import well_formed
from imgaudit.provenance.generators._common import bare, filled
from imgaudit.provenance.pieces import (
    EXIF_MARKER,
    FORMATS,
    XMP_MARKER,
    Piece,
    Pieces,
    png_itxt,
    png_text,
    taken_apart,
    with_metadata,
)
from imgaudit.provenance.write import own, parameters, system_name
from imgaudit.provenance.xmp import packet_text
from imgaudit.provenance.xmp_edit import printable, values, with_properties
from imgaudit.types import Source

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPES = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "algorithmicallyEnhanced",
    "algorithmicMedia",
    "compositeSynthetic",
    "dataDrivenMedia",
    "digitalCapture",
    "digitalCreation",
    "humanEdits",
)
EXIF_FOLDER, USER_COMMENT = 0x8769, 0x9286
TOOL = "xmp:CreatorTool"


@dataclass(frozen=True)
class Marks:
    """What is to be written. None leaves what is there.

    Attributes:
        source: how the picture was made; its prompt and settings go into the customary text.
        source_type: one of `SOURCE_TYPES`, written as the IPTC's full address.
        system: name of the AI system; by default what `source` says.
        system_version: its version.
        prompt: whether the prompt is also written into the IPTC's field for it.
        prompt_writer: who wrote the prompt.
        provider: who provides the system.
        date: when the picture was made, as ISO 8601.
        identifier: a unique name of the picture.
        aigc: China's label, see `aigc_label`.
    """

    source: Source | None = None
    source_type: str | None = "trainedAlgorithmicMedia"
    system: str | None = None
    system_version: str | None = None
    prompt: bool = False
    prompt_writer: str | None = None
    provider: str | None = None
    date: str | None = None
    identifier: str | None = None
    aigc: Mapping[str, str] | None = None


def aigc_label(producer: str, produced: str, value: str = "1") -> dict[str, str]:
    """China's label for a generated picture: all seven fields that GB 45438-2025 names.

    Args:
        producer: the code of the service that made the picture.
        produced: that service's own number of the picture.
        value: 1 is generated, 2 may be, 3 is suspected to be.
    """
    return {
        "Label": value,
        "ContentProducer": producer,
        "ProduceID": produced,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


def marked(data: bytes, marks: Marks) -> bytes:
    """The file with its marks. Raises PictureError for a format without a writer, a damaged file or a signed one."""
    pieces = taken_apart(data)
    if pieces.of("manifest") is not None:
        raise PictureError(
            "the picture carries a C2PA manifest, which a further mark would break; expected an unsigned file; "
            "mark first and sign last"
        )
    old = xmp_of(pieces)
    packet = with_properties(old, {**properties(marks), **values(old, (TOOL,))})  # who made it stays named
    block = exif_of(pieces)
    texts: tuple[Piece, ...] = ()
    source = marks.source and marks.source.model_copy(update={"model": bare(marks.source.model)})
    if source is not None:
        text = parameters(source, *_size(data))
        if pieces.format == "png":
            texts = _texts(source, text)
        else:
            block = with_comment(block, text)
    return with_metadata(pieces, block, packet, texts).joined()


def properties(marks: Marks) -> dict[str, str | None]:
    """The XMP properties that say it. Empty values are left out, so that nothing is taken away."""
    system = marks.system or (system_name(marks.source) if marks.source else None)
    prompt = marks.source.prompt if marks.prompt and marks.source else None
    written = {
        "Iptc4xmpExt:DigitalSourceType": VOCABULARY + marks.source_type if marks.source_type else None,
        "Iptc4xmpExt:AISystemUsed": system,
        "Iptc4xmpExt:AISystemVersionUsed": marks.system_version,
        "Iptc4xmpExt:AIPromptInformation": prompt,
        "Iptc4xmpExt:AIPromptWriterName": marks.prompt_writer,
        "photoshop:Credit": marks.provider,
        "photoshop:DateCreated": marks.date,
        "xmpMM:DocumentID": marks.identifier,
        TOOL: "imgaudit",
        "TC260:AIGC": None if marks.aigc is None else json.dumps(dict(marks.aigc), ensure_ascii=False),
    }
    return {name: printable(well_formed(value)) for name, value in written.items() if value}


def _texts(source: Source, text: str) -> tuple[Piece, ...]:
    return (
        png_text("Software", "imgaudit"),
        png_text("parameters", text),
        png_text("imgaudit", canonical(own(source))),
    )


def xmp_of(pieces: Pieces) -> str | None:
    """The packet of a file as text; None without one, and for one that is damaged."""
    piece = pieces.of("xmp")
    if piece is None:
        return None
    data = png_itxt(piece) if pieces.format == "png" else piece.data.removeprefix(XMP_MARKER)
    return None if data is None else packet_text(data)


def exif_of(pieces: Pieces) -> bytes | None:
    """The TIFF block of a file's EXIF; None without one."""
    piece = pieces.of("exif")
    return piece.data.removeprefix(EXIF_MARKER) if piece is not None else None


def with_comment(block: bytes | None, text: str) -> bytes:
    """An EXIF block with this UserComment, in UTF-16 as the standard asks; a broken old block is replaced."""
    from PIL import Image

    comment = b"UNICODE\0" + well_formed(text).encode("utf-16-be")
    for old in (block, None):
        exif = Image.Exif()
        try:
            if old is not None:
                exif.load(EXIF_MARKER + old)
            exif.get_ifd(EXIF_FOLDER)[USER_COMMENT] = comment
            return _undefined(exif.tobytes().removeprefix(EXIF_MARKER), len(comment))
        except Exception:  # Pillow parses hostile bytes here and raises as freely as a decoder
            continue
    raise PictureError("the EXIF block cannot be written")


def _undefined(block: bytes, size: int) -> bytes:
    """Give the UserComment the type that the standard wants (7, undefined); Pillow writes it as bytes (1)."""
    order = ">" if block[:2] == b"MM" else "<"
    written, wanted = (struct.pack(order + "HHI", USER_COMMENT, kind, size) for kind in (1, 7))
    return block.replace(written, wanted, 1)


def _size(data: bytes) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            return picture.size
    except Exception as error:  # a decoder raises whatever its parser meets
        raise PictureError(
            f"the picture cannot be opened: {error}; expected a whole PNG, JPEG, WebP or AVIF file"
        ) from error


def with_marks_of(found: Source, marks: Marks) -> Marks:
    """The marks, with what they do not say about the making taken from what the file says."""
    return replace(marks, source=filled(marks.source or Source(), found))
