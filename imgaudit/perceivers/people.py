"""Perceived gender expression and age band of faces, by a CLIP model's zero-shot comparison. Sensitive: never stored.

Builds on the faces that `landmarks` found. The parameter `attribute` names what is perceived: `gender_expression`
(feminine, masculine) or `age_band` (child, adult, older; with bounds at about 18 and 60). Each face is cut out with
room around it and looked at twice, the second time mirrored. Groups are described by an ensemble of prompts; a group
that is not sure in both looks is `unclear`, and a face in which the model sees no person is refused.

The option names the model as `clip` takes it. The embedded model knows only coloured shapes, so without another one
this abstains.

Known limits: this is how a model reads a face by the words that people used under pictures, and is nobody's identity;
nothing else of a person is inferred, and never race. OpenAI's card for CLIP reports above 96 % for gender and about
63 % for age on FairFace, says that results depend much on how classes are worded, and calls deployed use out of scope.
Generated, covered and drawn faces are read worse. The thresholds were measured on no model: label a sample of your own
pictures by hand and give the errors to the suite (`labelled`), so that the spread is corrected for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from imgaudit.digest import digest
from imgaudit.errors import ModelUnavailable
from imgaudit.kernels.perceived import called, probabilities
from imgaudit.perceivers._face_crops import crop_of, faces_of, shorter_side
from imgaudit.percepts import Face, Match, PerceivedPeople
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Perceiver, Picture, Query, Sight

if TYPE_CHECKING:
    import numpy as np

FRAMES = ("a photo of {}", "a portrait of {}", "the face of {}")
GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "gender_expression": {
        "feminine": ("a woman", "a female person", "a feminine-presenting person"),
        "masculine": ("a man", "a male person", "a masculine-presenting person"),
    },
    "age_band": {
        "child": ("a child", "a young child", "a schoolchild"),
        "adult": ("an adult", "a grown-up person", "a middle-aged person"),
        "older": ("an elderly person", "a very old person", "a senior citizen"),
    },
}
SOMEBODY = ("a photo of a person", "the face of a person", "a portrait of somebody")
NOBODY = ("a photo of an object", "a photo of an animal", "a photo of a landscape", "an abstract pattern")
ROOM = 1.8
"""Side of the crop, in longer sides of the face's box."""
LEAST_SIDE = 32
"""Pixels of the shorter side of a face's box."""
SEES = 0.5
"""Probability from which the model sees a person in the crop."""


@perceiver
class PeoplePerceiver:
    """Perceived gender expression or age band of each face. Its one upstream query is that of the faces' landmarks."""

    name: ClassVar[str] = "people"
    title: ClassVar[str] = "Perceived gender expression and age band (CLIP)"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"
    personal: ClassVar[tuple[str, ...]] = ("gender_expression", "age_band")

    def __init__(self, option: str | None = None, model: Perceiver | None = None) -> None:
        from imgaudit.perceivers.clip import ANOTHER_MODEL, EMBEDDED, Clip

        if model is None and option in (None, EMBEDDED):
            raise ModelUnavailable(
                "perceived gender expression and age need a CLIP that knows people; the embedded one knows only its "
                "world of coloured shapes",
                ANOTHER_MODEL,
            )
        self._model: Perceiver = model if model is not None else Clip(option)

    def identity(self) -> Mapping[str, str]:
        """The model, and the digest of all prompts."""
        prompts = {name: {group: list(words) for group, words in groups.items()} for name, groups in GROUPS.items()}
        return {**self._model.identity(), "prompts": digest([list(FRAMES), prompts, list(SOMEBODY), list(NOBODY)])}

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look; a picture without a face is an abstention."""
        return [self._guarded(look) for look in looks]

    def _guarded(self, look: Look) -> Sight:
        try:
            return self._seen(look)
        except Exception as error:  # one bad picture never ends a batch
            return Failed(f"people: {type(error).__name__}: {error}")

    def _seen(self, look: Look) -> Sight:
        attribute = look.query.parameters.get("attribute")
        if attribute not in ("gender_expression", "age_band"):
            return Failed(f"people: a query needs 'attribute', one of: {', '.join(GROUPS)}")
        faces = faces_of(look)
        if isinstance(faces, (Abstained, Failed)):
            return faces
        told: list[str] = []
        refused: list[str] = []
        for face in faces:
            group = self._group(attribute, look.picture.rgb, face)
            if isinstance(group, Failed):
                return group
            if isinstance(group, Abstained):
                refused.append(group.reason)
            else:
                told.append(group)
        model = self._model.identity()["model"]
        return PerceivedPeople(model=model, attribute=attribute, told=tuple(told), refused=tuple(refused))

    def _group(self, attribute: str, rgb: np.ndarray | None, face: Face) -> str | Abstained | Failed:
        if shorter_side(face.box) < LEAST_SIDE:
            return Abstained(f"the face is {shorter_side(face.box):.0f} pixels wide; {LEAST_SIDE} are needed")
        matches = self._matches(crop_of(rgb, face.box, ROOM), texts_of(attribute))
        return matches if isinstance(matches, (Abstained, Failed)) else group_of(attribute, *matches)

    def _matches(self, crop: np.ndarray, texts: Sequence[str]) -> tuple[Match, Match] | Abstained | Failed:
        """How near the crop and its mirror image are to the texts."""
        import numpy as np

        query = Query("clip", {"texts": list(texts)})
        looks = [Look(_picture(one), query) for one in (crop, np.ascontiguousarray(crop[:, ::-1]))]
        sights = self._model.perceive(looks)
        for sight in sights:
            if isinstance(sight, (Abstained, Failed)):
                return sight
            if isinstance(sight, Match) and not sight.knows:
                return Abstained(sight.why_not or "the model cannot speak about this picture")
        first, second = sights
        assert isinstance(first, Match)
        assert isinstance(second, Match)
        return first, second


def texts_of(attribute: str) -> list[str]:
    """All texts that a crop is compared with: whether it shows a person, then each group in all its phrasings."""
    groups = [frame.format(word) for words in GROUPS[attribute].values() for word in words for frame in FRAMES]
    return [*SOMEBODY, *NOBODY, *groups]


def group_of(attribute: str, crop: Match, mirror: Match) -> str | Abstained:
    """The group that a model perceives in a crop and its mirror image, `unclear`, or why it was not asked further."""
    for match in (crop, mirror):
        people, others = match.cosines[: len(SOMEBODY)], match.cosines[len(SOMEBODY) : len(SOMEBODY) + len(NOBODY)]
        if probabilities([people, *([cosine] for cosine in others)], match.scale)[0] < SEES:
            return Abstained("the model does not see a person in what was found as a face")
    one, other = (probabilities(_by_group(attribute, match), match.scale) for match in (crop, mirror))
    return called(tuple(GROUPS[attribute]), one, other)


def _by_group(attribute: str, match: Match) -> list[tuple[float, ...]]:
    rest = match.cosines[len(SOMEBODY) + len(NOBODY) :]
    each = len(rest) // len(GROUPS[attribute])
    return [rest[start : start + each] for start in range(0, len(rest), each)]


def _picture(rgb: np.ndarray) -> Picture:
    name = hashlib.sha256(rgb.tobytes()).hexdigest()
    return Picture(id=name, data=b"", file=name, rgb=rgb, pixels=name)
