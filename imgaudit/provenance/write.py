"""Writes the marks of a generated picture into a PNG: what made it, with which settings, and that it was generated.

Three marks stand in one file: `parameters`, the text that AUTOMATIC1111 made customary and most programs read;
`imgaudit`, JSON of the whole source, so that nothing is lost to that text's ambiguities; and an XMP packet with the
IPTC fields DigitalSourceType (`trainedAlgorithmicMedia`, or `compositeWithTrainedAlgorithmicMedia` where a part of a
given picture was kept; as full address) and AISystemUsed. No mark holds a time, a path or a host, so the same picture
and source give the same bytes (with one version of Pillow).

A C2PA signature covers the whole file and is written last; a signed file is therefore refused here.
"""

from __future__ import annotations

import json
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from imgaudit.digest import canonical
from imgaudit.errors import PictureError
from imgaudit.provenance.container import PNG_SIGNATURE, png_chunks
from imgaudit.provenance.generators._common import bare
from imgaudit.types import Source

if TYPE_CHECKING:
    from PIL import Image

COMPRESSION = 1
"""Zlib's fastest level: a run writes thousands of pictures, and the marks do not depend on it."""
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSITE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""The IPTC's word for other media with generated parts, such as by inpainting or outpainting."""
OURS = (b"parameters", b"imgaudit", b"Software", b"XML:com.adobe.xmp")
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <Iptc4xmpExt:AISystemUsed>{system}</Iptc4xmpExt:AISystemUsed>
   <xmp:CreatorTool>imgaudit</xmp:CreatorTool>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def mark(picture: bytes | Image.Image, source: Source, case: str | None = None) -> bytes:
    """The picture as PNG with its marks. PNG bytes keep their pixels and other chunks as they are.

    Marks that imgaudit writes are replaced, so marking twice is marking once. Raises PictureError for bytes that are
    no PNG, or that carry a C2PA manifest.
    """
    data = picture if isinstance(picture, bytes) else _encoded(picture)
    chunks = list(png_chunks(data)) if data[:8] == PNG_SIGNATURE else []
    if not chunks or chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        raise PictureError("the bytes are no whole PNG file; expected one; encode the picture as PNG first")
    if any(kind == b"caBX" for kind, _, _ in chunks):
        raise PictureError(
            "the picture carries a C2PA manifest, which a further mark would break; expected an unsigned file; "
            "mark first and sign last"
        )
    width, height = struct.unpack(">II", data[chunks[0][1] : chunks[0][1] + 8])
    source = source.model_copy(update={"model": bare(source.model)})
    parts = [PNG_SIGNATURE, _chunk(b"IHDR", data[chunks[0][1] : chunks[0][2]]), *_marks(source, case, width, height)]
    for kind, start, end in chunks[1:]:
        if kind in TEXTS and data[start : start + 80].partition(b"\0")[0] in OURS:
            continue
        parts.append(data[start - 8 : end + 4])
    return b"".join(parts)


def parameters(source: Source, width: int, height: int) -> str:
    """The source in AUTOMATIC1111's text. What is not known is left out."""
    lines = [source.prompt or ""]
    if source.negative:
        lines.append(f"Negative prompt: {source.negative}")
    settings = {
        "Steps": source.steps,
        "Sampler": source.sampler,
        "CFG scale": None if source.guidance is None else f"{source.guidance:g}",
        "Denoising strength": _strength(source),
        "Seed": source.seed,
        "Size": f"{width}x{height}",
        "Model": source.model,
        "Version": "imgaudit",
    }
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in settings.items() if value is not None))
    return "\n".join(lines)


def _strength(source: Source) -> str | None:
    """How much of a given picture was forgotten; a reference is looked at and not forgotten."""
    basis = source.basis
    if basis is None or basis.strength is None or basis.mode == "reference":
        return None
    return f"{basis.strength:g}"


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ',:\n"') else text


def own(source: Source, case: str | None = None) -> dict[str, Any]:
    """The source as imgaudit's own mark holds it: everything that is known, and the case if there is one."""
    known = {name: value for name, value in source.model_dump(exclude={"parse"}).items() if value is not None}
    return known if case is None else {**known, "case": case}


def system_name(source: Source) -> str:
    """What the IPTC's field for the AI system says: generator and model."""
    return " ".join(dict.fromkeys(part for part in (source.generator, source.model) if part)) or "imgaudit"


def _marks(source: Source, case: str | None, width: int, height: int) -> list[bytes]:
    packet = PACKET.format(source_type=_source_type(source), system=escape(_printable(system_name(source))))
    return [
        _text(b"Software", "imgaudit"),
        _text(b"parameters", parameters(source, width, height)),
        _text(b"imgaudit", canonical(own(source, case))),
        _text(b"XML:com.adobe.xmp", packet),
    ]


def _source_type(source: Source) -> str:
    kept = source.basis is not None and source.basis.mode in ("inpaint", "outpaint")
    return COMPOSITE_TYPE if kept else SOURCE_TYPE


def _printable(text: str) -> str:
    """XML 1.0 knows no control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


def _text(keyword: bytes, text: str) -> bytes:
    """A text chunk: tEXt for plain ASCII, iTXt for everything else and for XMP, which is always iTXt."""
    encoded = text.encode("utf-8", "replace").replace(b"\0", b"")
    if text.isascii() and not keyword.startswith(b"XML"):
        return _chunk(b"tEXt", keyword + b"\0" + encoded)
    return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + encoded)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _encoded(picture: Image.Image) -> bytes:
    """The pixels as PNG and nothing else: no profile, no text that the picture object may carry."""
    plain = picture if picture.mode in ("L", "LA", "RGB", "RGBA") else picture.convert("RGB")
    stream = BytesIO()
    bare = plain.copy()
    bare.info = {}
    bare.save(stream, format="PNG", compress_level=COMPRESSION)
    return stream.getvalue()
