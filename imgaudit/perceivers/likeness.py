"""Do faces resemble those of the user's own galleries? Off unless galleries and a model are named; never stored.

The option names a model, the cosine from which two of its faces count as one person's, and one gallery or both, such as

    --likeness "model=onnx:faces.onnx;at=0.45;deny=DIR;consent=DIR"

A gallery is a folder of pictures that show one face each, or of one folder a person. `deny` holds people whose likeness
may not appear, `consent` people who agreed to it. Builds on the faces that `landmarks` found; each is laid upright and
compared with the galleries, and with nobody else. Files that no single face can be taken from are told and left out.

Known limits: a match is a resemblance as the model sees it and identifies nobody; relatives, make-up and drawn faces
mislead it, and models differ in whom they confuse. There is no default model and no default cosine, for both depend on
each other: take the cosine from the model's own report, or from pairs of your own. Faces without a fitted mesh are not
compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.perceivers._face_crops import faces_of
from imgaudit.perceivers._face_models import KINDS, FaceModel, load
from imgaudit.percepts import Face, Landmarks, Likenesses, Resemblance
from imgaudit.pictures import decode
from imgaudit.registry import perceiver
from imgaudit.types import Abstained, Failed, Look, Query, Sight

if TYPE_CHECKING:
    import numpy as np

NONE_NAMED = "faces were compared with no gallery"
REMEDY = 'name galleries and a model of faces: --likeness "model=onnx:FILE;at=COSINE;deny=DIR;consent=DIR"'
FACES = Query("landmarks", {"parts": ["faces"]})
NAMES: tuple[Literal["deny", "consent"], ...] = ("deny", "consent")
LISTED = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the option says: a model's spec, the cosine, and the folders by gallery."""

    model: str
    same_from: float
    folders: Mapping[Literal["deny", "consent"], Path]


@dataclass(frozen=True)
class _Gallery:
    """Faces of one gallery: unit vectors (n, d), who they are of, a digest of the files, and what could not be used."""

    vectors: np.ndarray
    names: tuple[str, ...]
    files: str
    unusable: Mapping[str, str]


@perceiver
class LikenessPerceiver:
    """Compares faces with the user's deny and consent galleries, by a model that the user names."""

    name: ClassVar[str] = "likeness"
    title: ClassVar[str] = "Faces like those of the user's galleries"
    version: ClassVar[str] = "1"
    reads: ClassVar[Literal["pixels", "bytes"]] = "pixels"
    personal: ClassVar[tuple[str, ...]] = ("likeness",)

    def __init__(self, option: str | None = None) -> None:
        if option is None:
            raise ModelUnavailable(NONE_NAMED, REMEDY)
        self._wanted = wanted(option)
        self._model = load(self._wanted.model)
        self._galleries = {
            name: _read(name, folder, self._model) for name, folder in self._wanted.folders.items()
        }

    def identity(self) -> Mapping[str, str]:
        """The model, the cosine, and of each gallery its digest, its faces and what could not be used."""
        facts = {**self._model.identity, "same_from": f"{self._wanted.same_from:g}"}
        for name, gallery in self._galleries.items():
            facts[f"{name} gallery"] = gallery.files
            facts[f"{name} faces"] = str(len(gallery.names))
            if gallery.unusable:
                told = [f"{file}: {why}" for file, why in gallery.unusable.items()]
                facts[f"{name} files not used"] = f"{len(told)}: {'; '.join(told[:LISTED])}"
        return facts

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look; a picture without a face is an abstention."""
        return [self._guarded(look) for look in looks]

    def _guarded(self, look: Look) -> Sight:
        try:
            return self._seen(look)
        except Exception as error:  # one bad picture never ends a batch
            return Failed(f"likeness: {type(error).__name__}: {error}")

    def _seen(self, look: Look) -> Sight:
        faces = faces_of(look)
        if isinstance(faces, (Abstained, Failed)):
            return faces
        compared = [face for face in faces if face.mesh is not None]
        return Likenesses(
            model=self._model.label,
            same_from=self._wanted.same_from,
            faces=tuple(self._nearest(cast("np.ndarray", look.picture.rgb), face) for face in compared),
            boxes=tuple(face.box for face in compared),
            refused=("no mesh could be fitted to the face",) * (len(faces) - len(compared)),
            galleries={name: len(gallery.names) for name, gallery in self._galleries.items()},
            unusable=sum(len(gallery.unusable) for gallery in self._galleries.values()),
        )

    def _nearest(self, rgb: np.ndarray, face: Face) -> tuple[Resemblance, ...]:
        from imgaudit.kernels.likeness import nearest

        vector = _vector(self._model, rgb, face)
        found = []
        for name, gallery in self._galleries.items():
            row, cosine = nearest(vector, gallery.vectors)
            found.append(Resemblance(gallery=name, name=gallery.names[row], cosine=round(cosine, 6)))
        return tuple(found)


def wanted(option: str) -> Wanted:
    """The parts of an option. Raises UsageError where one is missing, unknown or makes no sense."""
    parts = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in option.split(";"))}
    unknown = sorted(set(parts) - {"model", "at", *NAMES})
    if unknown:
        raise UsageError(f"--likeness {option!r}: unknown part {unknown[0]!r}; expected model, at, deny, consent")
    if not parts.get("model"):
        raise UsageError(f"--likeness {option!r}: names no model, and there is no default; expected model={KINDS}")
    folders = {name: Path(parts[name]).expanduser() for name in NAMES if parts.get(name)}
    if not folders:
        raise UsageError(f"--likeness {option!r}: names no gallery; expected deny=DIR, consent=DIR or both")
    for name, folder in folders.items():
        if not folder.is_dir():
            raise UsageError(f"--likeness: the {name} gallery {folder} is no folder")
    return Wanted(parts["model"], _cosine(parts.get("at", "")), folders)


def _cosine(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 2.0
    if not -1 <= value <= 1:
        raise UsageError(
            f"--likeness: at={text or '(missing)'}: expected the cosine from which two faces are one person's, "
            "such as at=0.45; it differs from model to model, so there is no default"
        )
    return value


def _read(gallery: str, folder: Path, model: FaceModel) -> _Gallery:
    """The faces of a folder. Raises ModelUnavailable where none can be taken from it."""
    import numpy as np

    from imgaudit.perceivers.landmarks import LandmarkPerceiver

    finder = LandmarkPerceiver()
    vectors, names, digests = [], [], []
    unusable: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        inside = path.relative_to(folder)
        data = path.read_bytes()
        digests.append([inside.as_posix(), digest_bytes(data)])
        vector = _gallery_vector(data, inside.as_posix(), finder, model)
        if isinstance(vector, str):
            unusable[inside.as_posix()] = vector
        else:
            vectors.append(vector)
            names.append(inside.parts[0] if len(inside.parts) > 1 else inside.stem)
    if not vectors:
        why = "; ".join(f"{file}: {why}" for file, why in list(unusable.items())[:3]) or "it is empty"
        raise ModelUnavailable(
            f"no face can be taken from the {gallery} gallery ({why})",
            "give a folder of pictures that show one face each",
        )
    return _Gallery(np.stack(vectors), tuple(names), digest(digests), unusable)


def _gallery_vector(data: bytes, name: str, finder: object, model: FaceModel) -> np.ndarray | str:
    """The vector of the one face of a gallery's picture, or why there is none."""
    from imgaudit.perceivers.landmarks import LandmarkPerceiver

    assert isinstance(finder, LandmarkPerceiver)
    picture, error = decode(data, name)
    if picture.rgb is None:
        return f"cannot be read as a picture ({error})"
    (seen,) = finder.perceive([Look(picture, FACES)])
    if not isinstance(seen, Landmarks):
        return seen.reason if isinstance(seen, Abstained) else "its face could not be looked for"
    faces = [face for face in seen.faces if face.mesh is not None]
    if len(faces) != 1:
        return "shows no face" if not faces else f"shows {len(faces)} faces; one is expected"
    try:
        return _vector(model, picture.rgb, faces[0])
    except ValueError as failure:
        return str(failure)


def _vector(model: FaceModel, rgb: np.ndarray, face: Face) -> np.ndarray:
    import numpy as np

    from imgaudit.kernels.likeness import aligned

    return model.vector(aligned(rgb, np.array(face.mesh), model.side))
