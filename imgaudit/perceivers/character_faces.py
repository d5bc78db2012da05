"""The face of a picture's figure in a joint embedding, for comparing a character's pictures. Sensitive: never stored.

Builds on `figure`. Nothing is measured unless the rubric opts in to `character_faces`. The option names the model as
`clip` takes it; the embedded one knows only coloured shapes, so without another one this abstains.

Known limits: a CLIP was trained to name things and sees age, hair and expression better than who somebody is; a
likeness is no identification.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from imgaudit.errors import ModelUnavailable
from imgaudit.percepts import Embedding, FaceEmbedding, Figure
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Perceiver, Query, Sight


@perceiver
class CharacterFacesPerceiver:
    """Embeds the face of the figure. Its one upstream query is that of the figure."""

    name: ClassVar[str] = "character_faces"
    title: ClassVar[str] = "Faces of characters in a joint embedding (CLIP)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"
    personal: ClassVar[tuple[str, ...]] = ("character_faces",)

    def __init__(self, option: str | None = None, model: Perceiver | None = None) -> None:
        from imgaudit.perceivers.clip import ANOTHER_MODEL, EMBEDDED, Clip

        if model is None and option in (None, EMBEDDED):
            raise ModelUnavailable(
                "comparing faces of a character needs a CLIP that knows people; the embedded one knows only its world "
                "of coloured shapes",
                ANOTHER_MODEL,
            )
        self._model: Perceiver = model if model is not None else Clip(option)

    def identity(self) -> Mapping[str, str]:
        """The model."""
        return self._model.identity()

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look; a figure without a face is an abstention."""
        return [self._seen(look) for look in looks]

    def _seen(self, look: Look) -> Sight:
        figure = look.upstream[0] if look.upstream else Abstained("no figure was asked for")
        if isinstance(figure, (Abstained, Failed)):
            return figure
        if not isinstance(figure, Figure):
            return Failed(f"character_faces builds on a figure, not on {type(figure).__name__}")
        if figure.face is None:
            return Abstained("the figure shows no face")
        query = Query("clip", {"embed": True, "box": list(figure.face)})
        seen = self._model.perceive([Look(look.picture, query)])[0]
        return FaceEmbedding(model=seen.model, vector=seen.vector) if isinstance(seen, Embedding) else seen
