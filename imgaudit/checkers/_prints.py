"""What checkers over sets keep of a picture to compare it with others: prints, and embeddings packed as text."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imgaudit.kernels.copies import Print
from imgaudit.percepts import Embedding, Pixels
from imgaudit.types import JSON, Query

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIXELS, EMBEDDING, CLIP = Query("pixels"), Query("embedding"), Query("clip", {"embed": True})
PRINTED = ("digest", "pdq", "quality", "phash", "grid")


def print_json(look: Pixels) -> dict[str, JSON]:
    """The print of a look, without the hashes of the turned picture."""
    found = {"digest": look.digest, "pdq": look.pdq, "quality": look.pdq_quality, "phash": look.phash}
    return {**found, "grid": look.grid}


def print_of(kept: Mapping[str, Any]) -> Print:
    """The print that `print_json` kept."""
    return Print(**{name: kept[name] for name in PRINTED}, turned=tuple(kept.get("turned", ())))


def vector_json(seen: Embedding) -> dict[str, JSON]:
    """An embedding as text of half-precision numbers: a cosine of two of them errs by less than 0.001."""
    import numpy as np

    packed = base64.b64encode(np.asarray(seen.vector, dtype="<f2").tobytes()).decode("ascii")
    return {"model": seen.model, "vector": packed, "copy_from": seen.copy_from, "copy_basis": seen.copy_basis}


def vector_of(text: str) -> NDArray[np.float32]:
    """The unit vector that `vector_json` packed."""
    import numpy as np

    vector = np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)
