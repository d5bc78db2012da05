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
    between: tuple[float, ...] = Field(
        default=(), description="cosine of the first text with each of the others, where it was asked for"
    )
    bias: float | None = Field(default=None, description="learned logit bias of a model of single pairs (SigLIP)")
    weights: str | None = Field(default=None, description="the first 12 digits of the digest of the model's files")
    knows: bool = Field(description="whether the model can speak about this picture at all")
    why_not: str | None = None


class Embedding(Percept):
    """A picture's unit vector in an embedding."""

    model: str
    vector: tuple[float, ...]
    copy_from: float | None = Field(
        default=None, ge=-1, le=1, description="cosine from which two pictures are copies; null: nobody measured it"
    )
    copy_basis: str | None = Field(default=None, description="where that number comes from, in words")


class Detected(Stored):
    """One thing that a detector found."""

    label: str = Field(description="one of the nouns that were asked for")
    box: Box
    score: float = Field(ge=0, le=1)
    color: str | None = Field(default=None, description="named colour, where the detector itself tells it")


class Detections(Percept):
    """Things that were looked for by name (`detector`)."""

    model: str
    nouns: tuple[str, ...] = Field(description="what was asked for")
    objects: tuple[Detected, ...] = Field(description="what was found, the surest first, overlaps of a noun removed")
    floor: float = Field(ge=0, le=1, description="score below which nothing is kept")
    sure: float = Field(ge=0, le=1, description="score from which a thing counts; between the two it is undetermined")
    bands: dict[str, tuple[float, float]] = Field(
        default_factory=dict, description="floor and sure of the nouns that have their own"
    )
    knows: bool = Field(default=True, description="whether the model can speak about this picture at all")
    why_not: str | None = None


class Answers(Percept):
    """Answers of a question-answering model (`vqa`): for each question P(yes) / (P(yes) + P(no))."""

    model: str
    questions: tuple[str, ...]
    yes: tuple[float, ...] = Field(description="one a question, 0..1")
    sure: tuple[float, ...] = Field(
        default=(), description="P(yes) + P(no) of each: how much of the reply's first word the two make up"
    )


class Pixels(Percept):
    """Numbers computed from the pixels alone; every one is explained in `imgaudit.kernels.quality`."""

    digest: str = Field(description="hex sha256 of the decoded RGBA: equal for equal pictures")
    numbers: dict[str, float]
    phash: str = Field(description="64-bit perceptual hash, hex")
    pdq: str = Field(description="256-bit PDQ hash, hex")
    pdq_quality: int = Field(description="0..100; below 50 the PDQ hash means little")
    turned: tuple[str, ...] = Field(
        default=(), description="PDQ hashes of the picture turned and mirrored, in the order of `kernels.hashes.TURNS`"
    )
    grid: str = Field(description="mean colours of a 16 by 16 grid, hex RGB: tells copies that differ in colour")
    palette: tuple[tuple[str, float], ...] = Field(description="named colours with their share of the picture")
    subject: str | None = Field(description="named colour of what stands out from an even background, if one does")


class GalleryFacts(Percept):
    """The user's gallery that pictures are compared with (`gallery`)."""

    index: str = Field(description="hex sha256 over names and contents of its files")
    pictures: int = Field(ge=1, description="that could be read")
    unreadable: int = Field(ge=0, description="files that could not")
    vectors: str | None = Field(description="role that embedded its pictures: embedding or clip; null: none could")


class GalleryMatch(Stored):
    """A picture of the gallery that another picture is a copy of."""

    file: str = Field(description="path below the gallery's folder")
    kind: str = Field(description="name of the subfolder that it lies in; 'gallery' for files that lie in none")
    how: Literal["exact", "near", "turned", "semantic"]
    bits: int | None = Field(default=None, description="of 256 by which the PDQ hashes differ; null where semantic")
    turn: str | None = Field(default=None, description="what was done to the gallery's picture, where it was turned")
    cosine: float | None = Field(default=None, description="of the embeddings; null where one of them has none")


class GalleryMatches(Percept):
    """What of a picture is in the user's gallery, surest first (`gallery`)."""

    index: str
    matches: tuple[GalleryMatch, ...] = Field(description="at most 20")
    copies: int = Field(ge=0, description="pictures of the gallery that it is a copy of, those not listed included")
    nearest: str | None = Field(default=None, description="file of the gallery with the most similar embedding")
    cosine: float | None = Field(default=None, description="its cosine; null where it could not be told")
    model: str | None = Field(default=None, description="of the embedding")
    copy_from: float | None = Field(default=None, description="cosine from which a copy is called semantic, if known")
    copy_basis: str | None = None
    why_not: str | None = Field(default=None, description="why embeddings could not be compared; null where they were")


class FileFacts(Percept):
    """What the header of a picture file says about how its pixels are stored."""

    format: str = Field(description="Pillow's name of the format")
    mode: str = Field(description="Pillow's name of how a pixel is stored, before any conversion")
    profile: Literal["none", "srgb", "other", "undeclared", "unfit", "unusable"] = Field(
        description="whether colours are declared; undeclared: EXIF says not sRGB and no profile says what; unfit: the "
        "profile is for another mode; unusable: it cannot be read"
    )
    profile_name: str | None = Field(default=None, description="the profile's own description")
    orientation: int = Field(ge=1, le=8, description="EXIF orientation; 1 is upright")
    frames: int = Field(ge=1, description="frames or pages; in a file above a mebibyte 2 means two or more")
    transparency: bool = Field(description="whether the file can hold transparent pixels")
    jpeg_quality: int | None = Field(default=None, description="1..100, of the nearest table of the IJG; of a JPEG")
    subsampling: str | None = Field(default=None, description="4:4:4, 4:2:2, 4:2:0; of a JPEG in colour")


class LearnedScore(Percept):
    """What a learned model says of a picture's looks, and where that lies among a reference set's scores."""

    model: str
    score: float = Field(description="on the model's own scale; higher is better")
    percentile: float | None = Field(default=None, ge=0, le=100, description="null where no reference set was given")
    reference: str | None = Field(default=None, description="name of the reference set")
    reference_size: int | None = Field(default=None, ge=1, description="pictures in it")


class Preferred(Percept):
    """What a model of people's preferences makes of a picture of a prompt (`preference`)."""

    model: str
    score: float = Field(description="on the model's own scale; higher is better; comparable within one prompt only")
    logit: float = Field(description="of two pictures of a prompt the difference is the log-odds of being preferred")
    truncated: int = Field(ge=0, description="tokens of the prompt that were not read")


class Segments(Percept):
    """Straight lines of a picture (`scene`, part `lines`), longest first."""

    width: int = Field(ge=0, description="of the picture, in pixels")
    height: int = Field(ge=0)
    scale: float = Field(gt=0, description="pixels of the picture to one of the reduced picture that was looked at")
    segments: tuple[tuple[float, float, float, float], ...] = Field(
        description="x0, y0, x1, y1 of the lines longer than a twentieth of the diagonal and 16 pixels; pieces joined"
    )
    pieces: int = Field(ge=0, description="pieces found, before joining")
    curved: float = Field(ge=0, le=1, description="share of the pieces that go on in another and bend the same way")


class MirrorAxis(Stored):
    """A line that a part of the picture is mirrored on, and how well it is."""

    start: Point
    end: Point
    box: Box = Field(description="the part that is mirrored, both sides")
    support: int = Field(ge=0, description="key points that have a mirror image")
    upright: float = Field(description="degrees by which the axis leans from upright, 0..90")
    agreement: float = Field(ge=0, le=1, description="share of the textured part that matches its mirror image")
    broken: float = Field(ge=0, le=1, description="share of the part that the largest place without match fills")
    broken_box: Box | None = None


class Mirroring(Percept):
    """Mirror symmetry of what is in the picture (`scene`, part `mirror`)."""

    points: int = Field(ge=0, description="key points that were looked at")
    axis: MirrorAxis | None = Field(default=None, description="the axis with most votes; null where it has too few")


class Shading(Stored):
    """Where light comes from by the shading of a matt surface; see `kernels.shading.Shade`."""

    x: float = Field(description="how much brighter, in shares of the mean, what faces right is")
    y: float = Field(description="the same of what faces down")
    z: float = Field(description="the same of what faces away")
    fit: float = Field(ge=0, le=1, description="share of the variance that shading explains")


class EyeLight(Stored):
    """One eye: how large its iris is, and the highlight on it."""

    radius: float = Field(ge=0, description="of the iris, in pixels")
    spot: tuple[float, float, float] | None = Field(
        description="x, y in radii along and across the line of the eyes, and share of the iris; null without one"
    )


class FaceScene(Stored):
    """Light and likeness of the two halves of one face, in the order of the faces that were found."""

    box: Box
    shading: Shading | None = None
    eyes: tuple[EyeLight, EyeLight] | None = Field(default=None, description="picture's left first; null if too small")
    likeness: float | None = Field(
        default=None, description="-1..1, of one eye's surroundings and the other's mirror image"
    )
    bridge: float | None = Field(default=None, description="0..1, how plainly a line crosses the bridge of the nose")
    rims: float | None = Field(default=None, description="-1..1, likeness of the edges around the two eyes")


class FaceScenes(Percept):
    """Light and symmetry of every face with a mesh (`scene`, part `faces`)."""

    faces: tuple[FaceScene, ...] = ()


class Ball(Stored):
    """Something round that is shaded as a ball."""

    x: float
    y: float
    radius: float
    shading: Shading


class Balls(Percept):
    """Balls whose shading shows where the light comes from (`scene`, part `balls`)."""

    balls: tuple[Ball, ...] = ()


class BorderFrame(Stored):
    """A uniform border."""

    kind: Literal["bars", "frame"] = Field(description="on two opposite sides, or on all four")
    box: Box = Field(description="the picture inside")
    colour: tuple[int, int, int]
    edge: float = Field(ge=0, le=1, description="least share of a first line inside that has another colour")


class Copied(Stored):
    """A patch that comes again."""

    box: Box
    again: Box
    pairs: int = Field(ge=0, description="key points that come again")
    likeness: float = Field(description="-1..1, correlation of the fine detail of the two patches")


class Ground(Percept):
    """Traces of how a picture was put together (`scene`, part `ground`)."""

    width: int = Field(ge=0)
    height: int = Field(ge=0)
    frame: BorderFrame | None = None
    columns: tuple[int, ...] = Field(default=(), description="x of upright seams")
    rows: tuple[int, ...] = Field(default=(), description="y of level seams")
    seam: float | None = Field(
        default=None, ge=0, le=1, description="share of 16 bands in which the plainest seam shows; null if too small"
    )
    copies: tuple[Copied, ...] = ()
    shifts: int = Field(default=0, ge=0, description="distances at which things come again")
    period: tuple[int, int] | None = Field(default=None, description="x, y of the strongest repetition, in pixels")
    repetition: float | None = Field(default=None, description="its height in robust deviations; null if too small")
    faint: float | None = Field(default=None, description="contrast of what repeats, as a share of the picture's own")
    flat: float = Field(default=0.0, ge=0, le=1, description="share of even places in few colours, the ground left out")
    oddness: float | None = Field(default=None, description="robust deviations of the tile that differs most")


class Swatch(Stored):
    """A colour and how much of something has it."""

    lab: tuple[float, float, float] = Field(description="CIELAB (D65)")
    share: float = Field(ge=0, le=1)


class Figure(Percept):
    """Who or what a picture is of: the largest person, else what stands out from an even background (`figure`)."""

    kind: Literal["person", "thing"]
    box: Box
    face: Box | None = Field(default=None, description="of the person, with room around it")
    palette: tuple[Swatch, ...] = Field(description="colours of the clothing or the thing, largest first; may be empty")


class FaceEmbedding(Percept):
    """The face of a character in a joint embedding: for comparing pictures within one run."""

    sensitive: ClassVar[bool] = True
    model: str
    vector: tuple[float, ...]


class LogoSeen(Stored):
    """Whether one of a brand's logos was found in the picture."""

    name: str = Field(description="file name of the reference picture")
    found: bool
    points: int = Field(ge=0, description="key points that agree on one place of the logo")
    polygon: tuple[Point, ...] | None = Field(default=None, description="its corners in the picture, if it was found")
    why_not: str | None = Field(default=None, description="why it could not be looked for; null where it was")


class BrandLook(Percept):
    """What a brand file asks of a picture, and what the picture has (`brand`)."""

    brand: str
    palette: tuple[Swatch, ...] = Field(description="colours of the picture, largest first")
    colours: tuple[tuple[str, tuple[float, float, float]], ...] = Field(description="names and CIELAB of the brand's")
    shares: tuple[float, ...] = Field(default=(), description="of the brand's colours; empty where it names none")
    tolerance: float = Field(ge=0, description="CIEDE2000 up to which a colour counts as the brand's")
    logos: tuple[LogoSeen, ...] = ()
    logo_required: bool = False
    aspects: tuple[str, ...] = ()
    margins: tuple[float, float, float, float] | None = Field(
        default=None, description="left, top, right, bottom in pixels, where nothing important may stand"
    )
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class SkinPatch(Percept):
    """Skin colour of one face, from cheek and forehead patches of the mesh. Sensitive."""

    sensitive: ClassVar[bool] = True

    tones: tuple[tuple[float, float, float], ...] = Field(description="CIELAB (D65) median of each usable face")
    refused: tuple[str, ...] = Field(default=(), description="why the other faces were not used")


class PerceivedPeople(Percept):
    """One attribute of the people in a picture as a joint embedding perceives it (`people`). Sensitive."""

    sensitive: ClassVar[bool] = True

    model: str
    attribute: Literal["gender_expression", "age_band"]
    told: tuple[str, ...] = Field(description="one a usable face, the largest first: a group, or 'unclear'")
    refused: tuple[str, ...] = Field(default=(), description="why the other faces were not used")


class Resemblance(Stored):
    """The nearest face of a gallery to one face of a picture."""

    gallery: Literal["deny", "consent"]
    name: str = Field(description="of the person or file in the gallery")
    cosine: float = Field(ge=-1, le=1)


class Likenesses(Percept):
    """How near the faces of a picture are to those of the user's own galleries (`likeness`). Sensitive."""

    sensitive: ClassVar[bool] = True

    model: str
    same_from: float = Field(ge=-1, le=1, description="cosine from which the user counts two faces as one person's")
    faces: tuple[tuple[Resemblance, ...], ...] = Field(
        description="one entry a compared face, the largest first: the nearest of each gallery"
    )
    boxes: tuple[Box, ...] = Field(description="of these faces")
    refused: tuple[str, ...] = Field(default=(), description="why the other faces were not compared")
    galleries: dict[str, int] = Field(default_factory=dict, description="deny, consent: faces in it, if it was named")
    unusable: int = Field(default=0, ge=0, description="files of the galleries that no face could be taken from")


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


class Identity(Stored):
    """A CAWG identity assertion: who vouches for a picture beside the signer of its manifest.

    `valid` means that the assertion's own signature and references hold; whether its signer is who the certificate
    says is its issuer's word. `untold`: of an unknown kind, not readable, or only to be checked over a network.
    """

    kind: str = Field(description="signature type as written: cawg.x509.cose, cawg.identity_claims_aggregation, ...")
    who: str = Field(description="organisation of the certificate, or the names that an aggregator verified")
    state: Literal["valid", "invalid", "untold"]
    failures: tuple[str, ...] = Field(default=(), description="failure codes of this assertion, sorted")


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
    identities: tuple[Identity, ...] = Field(default=(), description="CAWG identity assertions, each with its state")
    signed_at: str | None = Field(default=None, description="time of the claim's trusted or untrusted time stamp")
    time_stamp: Literal["none", "sound", "broken"] = Field(
        default="none", description="whether a third party's time stamp fits the signature, whoever made it"
    )
    time_stamp_lists: tuple[Literal["official", "user"], ...] = Field(
        default=(), description="lists that hold the signer of the time stamp"
    )


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
