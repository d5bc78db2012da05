"""What can be seen: one class for each kind of look.

All coordinates are pixels of the picture after EXIF orientation, x to the right and y down.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from imgaudit.types import Box, Percept, Point, Source, Stored

Point3 = tuple[float, float, float]


class HandViews(Stored):
    """How far several looks at one hand agree. Distances are in palm sizes (`kernels.hand_geometry.palm_size`)."""

    jitter: float = Field(ge=0, description="mean distance of a point from its mean over the views; tips weigh double")
    world_jitter: float = Field(ge=0, description="the same of the points in metres")
    mirror: float = Field(ge=0, description="mean distance of the points from those of the mirrored look")
    lite: float = Field(ge=0, description="mean distance of the points from those of the small model")
    flips: bool = Field(description="whether the mirrored look is called the other side, as it should be")
    presence: float = Field(ge=0, le=1, description="mean presence over the views")


class Hand(Stored):
    """One hand: 21 points in mediapipe's order (0 wrist, then thumb to little finger, base to tip)."""

    points: tuple[Point3, ...] = Field(description="x, y in pixels; z on the scale of x, wrist at 0")
    world: tuple[Point3, ...] = Field(description="metres, origin at the hand's centre")
    side: Literal["left", "right"] = Field(
        description="of the body, if the picture is not mirrored (mediapipe's own label is the other one)"
    )
    side_score: float = Field(description="how sure it is of the side; NOT how sure it is of the hand")
    presence: float | None = Field(description="0..1, the model's own score that a hand is there, if it was read")
    box: Box
    views: HandViews | None = Field(default=None, description="null where the hand was not looked at again")


class FaceViews(Stored):
    """How far several looks at one face agree. Distances are in interocular distances."""

    jitter: float = Field(ge=0, description="mean distance of a mesh point from its mean over the views")
    mirror: float = Field(ge=0, description="mean distance of the mesh from that of the mirrored look")


class Face(Stored):
    """One face: box and score of the detector, and the mesh where one could be fitted."""

    box: Box
    score: float
    mesh: tuple[Point3, ...] | None = Field(
        description="468 points in mediapipe's order, then 5 of each iris (image left, image right) if they were "
        "large enough to read; null if no mesh could be fitted"
    )
    presence: float | None = Field(default=None, description="0..1, the mesh model's own score that a face is there")
    views: FaceViews | None = None


class Pose(Stored):
    """One body: 33 points in mediapipe's order as x, y, z and visibility 0..1."""

    points: tuple[tuple[float, float, float, float], ...]
    world: tuple[Point3, ...] = Field(default=(), description="the same points in metres, origin between the hips")
    box: Box
    presence: float | None = Field(default=None, description="0..1, the model's own score that a body is there")


class Landmarks(Percept):
    """Hands, faces and bodies that mediapipe found, best first. A part that was not asked for is empty."""

    width: int = Field(default=0, ge=0, description="of the picture, in pixels")
    height: int = Field(default=0, ge=0)
    hands: tuple[Hand, ...] = ()
    faces: tuple[Face, ...] = ()
    poses: tuple[Pose, ...] = ()
    parts: tuple[Literal["hands", "faces", "poses"], ...] = Field(default=(), description="what was looked for")
    capped: tuple[Literal["hands", "faces", "poses"], ...] = Field(
        default=(), description="parts of which there were more than are kept"
    )


class TextLine(Stored):
    """A line of writing as one engine reads it."""

    text: str = Field(description="without control and direction characters")
    polygon: tuple[Point, ...] = Field(description="four corners, clockwise from the start of the line")
    score: float = Field(description="mean probability of a character, 0..1, comparable between engines")
    characters: tuple[float, ...] = Field(
        default=(), description="probability of each character of `text`; empty where the engine only tells the mean"
    )
    found: float | None = Field(default=None, description="0..1, how text-shaped the detector finds the place")
    contrast: float | None = Field(default=None, description="WCAG contrast of ink and ground, 1..21")


class Writing(Percept):
    """All lines that an OCR engine read, in reading order, and places it found but could not read."""

    engine: str
    scripts: tuple[str, ...] = Field(default=(), description="scripts the engine can read, by their Unicode names")
    width: int = Field(default=0, ge=0, description="of the picture, in pixels")
    height: int = Field(default=0, ge=0)
    lines: tuple[TextLine, ...] = ()
    unread: tuple[TextLine, ...] = Field(
        default=(), description="text-shaped places below the score gate; their `text` is a guess and not to be shown"
    )
    left_out: int = Field(default=0, ge=0, description="text-shaped places beyond the limit, smallest first, not read")


class Match(Percept):
    """How near a picture is to texts in a joint embedding (CLIP, SigLIP)."""

    model: str
    cosines: tuple[float, ...] = Field(description="one a text, -1..1")
    scale: float = Field(description="the model's learned logit scale (already exponentiated)")
    truncated: tuple[int, ...] = Field(description="tokens of each text that did not fit the model's context")
    knows: bool = Field(description="whether the model can speak about this picture at all")
    why_not: str | None = None


class Embedding(Percept):
    """A picture's unit vector in a joint embedding."""

    model: str
    vector: tuple[float, ...]


class Pixels(Percept):
    """Numbers computed from the pixels alone; every one is explained in `imgaudit.kernels.quality`."""

    digest: str = Field(description="hex sha256 of the decoded RGBA: equal for equal pictures")
    numbers: dict[str, float]
    phash: str = Field(description="64-bit perceptual hash, hex")
    pdq: str = Field(description="256-bit PDQ hash, hex")
    pdq_quality: int = Field(description="0..100; below 50 the PDQ hash means little")
    grid: str = Field(description="mean colours of a 16 by 16 grid, hex RGB: tells copies that differ in colour")
    palette: tuple[tuple[str, float], ...] = Field(description="named colours with their share of the picture")
    subject: str | None = Field(description="named colour of what stands out from an even background, if one does")


class SkinPatch(Percept):
    """Skin colour of one face, from cheek and forehead patches of the mesh. Sensitive."""

    sensitive: ClassVar[bool] = True

    tones: tuple[tuple[float, float, float], ...] = Field(description="CIELAB (D65) median of each usable face")
    refused: tuple[str, ...] = Field(default=(), description="why the other faces were not used")


class Metadata(Percept):
    """What the file's own bytes say about how it was made."""

    source: Source
    raw: dict[str, str] = Field(description="text fields as found, cut at 20,000 characters each")
    digital_source_type: str | None = Field(description="IPTC DigitalSourceType URI, if one is written")
    ai_system: str | None = Field(description="IPTC AISystemUsed, if one is written")
    ai_system_version: str | None = Field(default=None, description="IPTC AISystemVersionUsed, if one is written")
    aigc: dict[str, str] | None = Field(default=None, description="China's AIGC label as written; null without one")
    camera: str | None = Field(description="EXIF make and model, if they are written")
    problems: tuple[str, ...] = Field(default=(), description="fields that are there but cannot be parsed")


class TrustList(Stored):
    """A list of certificates that somebody trusts, and whether it holds the signer of a manifest."""

    name: Literal["official", "user"]
    sha256: str = Field(description="digest of the list's file")
    trusted: bool = Field(description="whether the signing certificate leads to one of the list")


class ContentCredentials(Percept):
    """What a C2PA manifest in the file says; judged without any network.

    `state` and `failures` are judged without trust anchors; each list of trusted certificates has an answer of its own.
    """

    state: Literal["valid", "invalid", "none", "unreadable"]
    trust: Literal["official", "user", "none"] = Field(description="the first list that holds the signer")
    lists: tuple[TrustList, ...] = Field(default=(), description="the lists that were asked; empty when none was given")
    failures: tuple[str, ...] = Field(default=(), description="validation failure codes, sorted")
    generator: str | None = None
    issuer: str | None = None
    digital_source_types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = Field(default=(), description="relationship and title of each ingredient")
    identities: tuple[str, ...] = Field(default=(), description="CAWG identity assertions: kind, and who signed it")
    signed_at: str | None = Field(default=None, description="time of the claim's trusted or untrusted time stamp")


class Unsafe(Stored):
    """One kind of unsafe content: how strongly a model sees it, and from where on it counts."""

    policy: Literal["explicit", "violence", "dangerous"]
    score: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1, description="the declared operating point")


class Safety(Percept):
    """What a safety model says of a picture. It is told nothing but the pixels."""

    model: str
    policies: tuple[Unsafe, ...]
    parts: tuple[tuple[str, float, Box], ...] = Field(default=(), description="class, score and place, where it tells")
    known: bool = Field(default=False, description="whether the picture is on the user's list of known material")
