"""The file of a repaired picture: PNG with the marks of a rendered one, and a note of what was changed in what.

No mark holds a time, a path or a host, so the same change of the same picture gives the same bytes. A manifest of the
original does not come along: it would speak of other pixels.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from imgaudit.digest import canonical
from imgaudit.perceivers.metadata import metadata
from imgaudit.provenance.marking import SOURCE_TYPES, Marks, exif_of, marked, xmp_of
from imgaudit.provenance.pieces import png_text, taken_apart, with_metadata
from imgaudit.provenance.write import COMPRESSION, mark
from imgaudit.repair.originals import Canvas, Change
from imgaudit.repair.tasks import Task
from imgaudit.types import JSON, Source

KEYWORD = "imgaudit-repair"


def source_of(task: Task, change: Change) -> Source:
    """How the repaired picture was made: by what drew in it, or as the original was."""
    return task.row.source if change.source is None else change.source


def file_of(task: Task, original: Canvas, change: Change, method: str) -> bytes:
    """The bytes of the repaired picture; a vendor's bytes stay as they came."""
    if change.data is not None:
        return change.data
    plain = _png(change.rgba)
    if task.row.generated or change.source is not None:
        data = mark(plain, source_of(task, change))
    else:
        data = marked(plain, _carried(task.row.source, original))
    return _noted(data, task, change, method)


def _carried(source: Source, original: Canvas) -> Marks:
    """What a file that came from elsewhere says of itself. What it does not say, nobody adds."""
    declared = (metadata(original.data).digital_source_type or "").rpartition("/")[2]
    kind = declared if declared in SOURCE_TYPES else None
    told = source.model_dump(exclude={"parse"}, exclude_none=True)
    return Marks(source=source if told else None, source_type=kind)


def _noted(data: bytes, task: Task, change: Change, method: str) -> bytes:
    """The file with a note for people and one for programs. Raises nothing on what `mark` wrote."""
    note: dict[str, JSON] = {
        "format": "imgaudit-repair/1", "method": method, "parent": task.row.pixels, "seed": change.seed,
        "instruction": task.instruction, "rules": [aim.rule.id for aim in task.aims],
    }  # fmt: skip
    done = "Drawn anew by" if method == "regenerate" else f"Edited ({method}) by"
    words = f"{done} imgaudit repair. The original has the pixels sha256:{task.row.pixels}"
    pieces = taken_apart(data)
    texts = (png_text("Comment", words), png_text(KEYWORD, canonical(note)))
    return with_metadata(pieces, exif_of(pieces), xmp_of(pieces), texts).joined()


def _png(rgba: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    solid = (rgba[..., 3] == 255).all()
    stream = BytesIO()
    Image.fromarray(np.ascontiguousarray(rgba[..., :3]) if solid else rgba).save(
        stream, format="PNG", compress_level=COMPRESSION
    )
    return stream.getvalue()
