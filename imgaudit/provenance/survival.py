"""Which marks of a picture a publishing pipeline lost, changed or broke: the file before against the file after.

A mark counts as disclosure when its loss takes away that the picture was generated or who vouches for it; the others
(prompt, settings, rights) are named too. Pixels are not compared and invisible watermarks are not looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from imgaudit.provenance import aigc
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.container import Fields, canonical_text

Fate = Literal["kept", "changed", "broken", "lost", "added"]
DISCLOSURE = ("c2pa", "source type", "ai system", "aigc label")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "source type": ("xmp.Iptc4xmpExt:DigitalSourceType", "xmp.Iptc4xmpExt:DigitalSourceFileType"),
    "ai system": ("xmp.Iptc4xmpExt:AISystemUsed",),
    "credit": ("xmp.photoshop:Credit", "iptc.Credit"),
    "rights": ("xmp.dc:rights", "iptc.CopyrightNotice", "exif.Copyright", "png.Copyright"),
    "data mining": ("xmp.plus:DataMining",),
    "identifier": ("xmp.xmpMM:DocumentID",),
}


@dataclass(frozen=True, slots=True)
class Survival:
    """What became of one mark. `before` and `after` are its texts; None where it is not there."""

    mark: str
    fate: Fate
    before: str | None
    after: str | None

    @property
    def disclosure_lost(self) -> bool:
        """Whether the picture no longer says, or no longer proves, what it said before."""
        return self.mark in DISCLOSURE and self.fate in ("lost", "broken")


def marks(data: bytes, reader: ManifestReader) -> dict[str, str]:
    """The marks of a file by name, as texts that can be compared."""
    found = sources.read(data)
    named = {name: text for name, keys in FIELDS.items() if (text := _text(found.fields, keys)) is not None}
    label = aigc.read(found.fields)
    if label is not None:
        named["aigc label"] = canonical_text(label)
    for name, value in found.source.model_dump(exclude={"parse"}).items():
        if value is not None:
            named[name] = str(value)
    credentials = reader.read(data)
    if credentials.state != "none":
        parts = (credentials.state, credentials.issuer, *credentials.failures)
        named["c2pa"] = ", ".join(part for part in parts if part)
    return dict(sorted(named.items(), key=lambda item: (item[0] not in DISCLOSURE, item[0])))


def _text(fields: Fields, keys: tuple[str, ...]) -> str | None:
    return (fields.get(*keys) or "").strip() or None


def survived(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Survival, ...]:
    """The fate of every mark, in the order of `before`; marks that were added come last."""
    gone = [Survival(name, _fate(name, text, after.get(name)), text, after.get(name)) for name, text in before.items()]
    return (*gone, *(Survival(name, "added", None, text) for name, text in after.items() if name not in before))


def _fate(name: str, before: str, after: str | None) -> Fate:
    if after is None:
        return "lost"
    if name == "c2pa" and before.startswith("valid") and not after.startswith("valid"):
        return "broken"
    return "kept" if before == after else "changed"
