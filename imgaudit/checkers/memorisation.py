"""Is a picture a copy of one in the gallery that the user gave with --gallery?

A gallery is a folder of pictures that the run's pictures must not repeat: reference works, samples of the training
data, protected characters, brand assets. The name of a subfolder is the kind of what lies in it. A picture is an exact
copy when its decoded pixels are equal, a near or turned copy by the same hashes and colours as in `duplicates`, and a
semantic copy when the embeddings of both are at least as similar as the model's own threshold says (`--embedding`).
Which gallery was compared stands in the report by the digest of its files; without one nothing is told, and that is
said.

Known limits: a gallery is what you put into it, so finding no copy says nothing about training data that you do not
have. Without an embedding model whose threshold is known, crops, restyled copies and the same subject drawn anew are
not found. A copy is a likeness of pictures, not a judgement on rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from imgaudit.percepts import GalleryFacts, GalleryMatch, GalleryMatches
from imgaudit.registry import checker
from imgaudit.types import Case, Measure, Measured, Outcome, Percepts, Query

FACTS = Query("gallery", {"facts": True})
PIXELS, EMBEDDING, CLIP = Query("pixels"), Query("embedding"), Query("clip", {"embed": True})
PLAIN = Query("gallery", {}, (PIXELS,))
WITH_EMBEDDING = Query("gallery", {}, (PIXELS, EMBEDDING))
WITH_CLIP = Query("gallery", {}, (PIXELS, CLIP))
_BY_ROLE = {"embedding": WITH_EMBEDDING, "clip": WITH_CLIP, None: PLAIN}


@checker
class MemorisationChecker:
    """Copies of the user's gallery."""

    name: ClassVar[str] = "memorisation"
    title: ClassVar[str] = "Copies of a gallery"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("memorisation",)
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("copies", "pictures", "down", "of the gallery that it is a copy of, in any way"),
        Measure("distance", "bits of 256", "up", "of a copy's PDQ hash from that of the gallery's picture"),
        Measure("similarity", "cosine", "down", "largest similarity of its embedding and one of the gallery's"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "gallery": "first 16 digits of the gallery's digest",
        "copy_of": "file of the gallery that it is a copy of, the surest one",
        "kind": "subfolder that this file lies in",
        "kinds": "subfolders of all files that it is a copy of, separated by commas",
        "nearest": "file of the gallery with the most similar embedding, copy or not",
        "model": "of the embedding",
        "threshold": "cosine from which a copy is called semantic, and where that comes from",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "memorisation.exact": "its pixels equal those of a picture of the gallery",
        "memorisation.near": "it looks nearly the same as a picture of the gallery",
        "memorisation.turned": "it looks nearly the same as a picture of the gallery that was turned or mirrored",
        "memorisation.semantic": "its embedding is as similar to one of the gallery as copies are",
    }
    limits: ClassVar[str] = (
        "Speaks of the user's gallery alone: finding no copy says nothing about other training data. Without an "
        "embedding model whose threshold is known, crops, restyled copies and the same subject drawn anew are not "
        "found. A copy is a likeness of pictures, not a judgement on rights."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """What the gallery is; then a comparison, with the kind of embedding that the gallery has."""
        facts = percepts.get(FACTS)
        return [FACTS, _BY_ROLE[_role(facts)]] if isinstance(facts, GalleryFacts) else [FACTS]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The copies that the gallery holds of the picture."""
        facts = percepts.seen(FACTS, GalleryFacts)
        if not isinstance(facts, GalleryFacts):
            return facts
        seen = percepts.seen(_BY_ROLE[_role(facts)], GalleryMatches)
        if not isinstance(seen, GalleryMatches):
            return seen
        return _measured(seen)


def _role(facts: GalleryFacts) -> str | None:
    return facts.vectors if facts.vectors in _BY_ROLE else None


def _measured(seen: GalleryMatches) -> Measured:
    first = seen.matches[0] if seen.matches else None
    measures = {"copies": float(seen.copies)}
    labels = {"gallery": seen.index[:16]}
    unmeasured = {}
    if first is not None:
        labels |= {"copy_of": first.file, "kind": first.kind}
        labels["kinds"] = ", ".join(sorted({match.kind for match in seen.matches}))
        if first.bits is not None:
            measures["distance"] = float(first.bits)
    if seen.cosine is not None and seen.nearest is not None:
        measures["similarity"] = seen.cosine
        labels |= {"nearest": seen.nearest, "model": seen.model or "unknown"}
    else:
        unmeasured["similarity"] = seen.why_not or "embeddings were not compared"
    if seen.copy_from is not None:
        labels["threshold"] = f"{seen.copy_from:g}: {seen.copy_basis}"
    hows = {match.how for match in seen.matches}
    codes = tuple(f"memorisation.{how}" for how in ("exact", "near", "turned", "semantic") if how in hows)
    return Measured(
        measures=measures, labels=labels, unmeasured=unmeasured, codes=codes, message=_message(seen, first)
    )


def _message(seen: GalleryMatches, first: GalleryMatch | None) -> str:
    if first is None:
        semantic = "" if seen.copy_from is not None else "; copies by content alone were not looked for"
        return f"no copy of a picture of the gallery{semantic}"
    said = {
        "exact": f"the same pixels as {first.file}",
        "near": f"nearly the same picture as {first.file} ({first.bits} of 256 bits differ)",
        "turned": f"nearly the same picture as {first.file}, {first.turn} ({first.bits} of 256 bits differ)",
        "semantic": f"its embedding is as similar to that of {first.file} as copies are (cosine {first.cosine})",
    }[first.how]
    more = f", and a copy of {seen.copies - 1} more" if seen.copies > 1 else ""
    return f"{said}, of the kind {first.kind} in the gallery{more}"
