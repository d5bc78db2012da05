"""The nouns that flow: suite -> jobs -> renders -> percepts -> findings -> verdicts -> report.

Read this file and you know the program. Stored nouns are frozen pydantic models (their JSON Schema is
the published contract); nouns that live for one batch are frozen dataclasses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from imgaudit.digest import canonical, digest

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

JSON = Any
Box = tuple[float, float, float, float]
Point = tuple[float, float]


class Stored(BaseModel):
    """Base of everything that is written down: frozen, no unknown fields, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# --- what is asked for -------------------------------------------------------------------------


class ExpectedObject(Stored):
    """An object the picture should show, in GenEval's terms."""

    name: str
    count: int = Field(default=1, ge=0, description="exact number; 0 means the object must be absent")
    color: str | None = None
    relation: Literal["left of", "right of", "above", "below"] | None = None
    to: int | None = Field(default=None, description="index, in the same list, of the relation's other object")


class Expect(Stored):
    """What a case says should be in its picture, beyond the prompt's words."""

    text: tuple[str, ...] | None = Field(default=None, description="strings to be written; () means no writing at all")
    objects: tuple[ExpectedObject, ...] = ()
    hands: int | None = Field(default=None, description="number of hands in view")
    faces: int | None = Field(default=None, description="number of faces in view")
    content: str | None = Field(default=None, description="the prompt without its style words")
    style: str | None = Field(default=None, description="the style words alone")


ClauseKind = Literal[
    "object", "count", "colour", "attribute", "relation", "text", "style", "scene", "negation", "people", "action"
]


class Clause(Stored):
    """One thing that a prompt says, small enough to be right or wrong by itself."""

    id: str = Field(min_length=1, max_length=40, description="unique within its case, such as c3")
    kind: ClauseKind
    text: str = Field(min_length=1, max_length=2000, description="the statement in words, such as 'the dog is red'")
    subject: str | None = Field(default=None, description="what it is about, such as 'dog'")
    value: str | None = Field(default=None, description="what is said of it: 'red', '3', 'left of', the writing, ...")
    to: str | None = Field(default=None, description="a relation's other thing")
    question: str | None = Field(default=None, max_length=2000, description="the question that yes answers it right")
    after: tuple[str, ...] = Field(default=(), description="ids of clauses without which this one means nothing")


class ClauseResult(Stored):
    """What a check could say of one clause: a score, or why there is none."""

    clause: Clause
    route: Literal["clip", "detector", "ocr", "vqa", "none"] = Field(description="who was asked")
    score: float | None = Field(default=None, ge=0, le=1, description="probability that it holds; null: not told")
    reason: str | None = Field(default=None, description="why it was not told; null where it was")


class SharesFrom(Stored):
    """Where expected shares stand: a row of a packaged table, or of a CSV file beside the suite."""

    table: str = Field(min_length=1, max_length=500, description="such as us-cps-2022, or a path beside the suite")
    row: str = Field(min_length=1, max_length=200, description="such as registered nurses")
    source: str | None = Field(default=None, max_length=2000, description="as the table says; filled in when read")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of a file; checked if it stands")


class Labelled(Stored):
    """How a perceiver erred on pictures that people labelled: a CSV beside the suite, or its counts."""

    file: str | None = Field(default=None, min_length=1, max_length=500, description="path beside the suite")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the file; checked if it stands")
    counts: dict[str, dict[str, int]] | None = Field(
        default=None, description="true group: perceived group: pictures; filled in when a file is read"
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: JSON) -> JSON:
        if isinstance(value, str):
            return {"file": value}
        spelt = isinstance(value, dict) and not value.keys() & {"file", "sha256", "counts"}
        return {"counts": value} if spelt else value


class SkewPlan(Stored):
    """A case that is drawn many times to see how an attribute spreads when the prompt does not name it."""

    attribute: str = Field(description="colour, skin_tone, ..., or two crossed, as in 'colour x shape'")
    reference: dict[str, float] | None = Field(
        default=None, description="expected share of each group; null means equal shares"
    )
    shares_from: SharesFrom | None = Field(default=None, description="a table and a row that the shares are read from")
    labelled: Labelled | None = Field(
        default=None, description="pictures labelled by hand: a CSV beside the suite with true,perceived,pictures"
    )
    template: str | None = Field(
        default=None, max_length=200, description="cases of one template are one sample of how prompts vary"
    )


class InputFile(Stored):
    """A picture file beside the suite. Suites write its path alone; the digest is filled in when the suite is read."""

    file: str = Field(min_length=1, max_length=500, description="path relative to the suite's file, below its folder")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the file; checked if it stands")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: JSON) -> JSON:
        return {"file": value} if isinstance(value, str) else value


class InputMask(Stored):
    """Where a picture may change: a picture file, white where it may, or a box x0, y0, x1, y1 in pixels."""

    file: str | None = Field(default=None, min_length=1, max_length=500, description="path relative to the suite")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the file; checked if it stands")
    box: tuple[int, int, int, int] | None = Field(default=None, description="four whole numbers x0, y0, x1, y1")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: JSON) -> JSON:
        if isinstance(value, str):
            return {"file": value}
        return {"box": value} if isinstance(value, (list, tuple)) else value

    @model_validator(mode="after")
    def _one_of_both(self) -> InputMask:
        if (self.file is None) == (self.box is None):
            raise ValueError("a mask is a file or a box; expected one of both")
        return self


def _side(value: JSON) -> JSON:
    share = isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d{1,3})?%", value)
    if not share and not (type(value) is int and 0 <= value <= 8192):
        raise ValueError('expected pixels from 0 to 8192, or a share such as "50%"')
    return value


Side = Annotated[int | str, BeforeValidator(_side)]


class Extend(Stored):
    """How far a picture grows at each side: pixels, or a share of its own width or height such as 50%."""

    left: Side = Field(default=0, description='a whole number of pixels, or a share such as "50%"')
    top: Side = Field(default=0, description='a whole number of pixels, or a share such as "50%"')
    right: Side = Field(default=0, description='a whole number of pixels, or a share such as "50%"')
    bottom: Side = Field(default=0, description='a whole number of pixels, or a share such as "50%"')

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels for a picture of this size; shares are rounded."""
        across, down = (self.left, self.right), (self.top, self.bottom)
        left, right = (_pixels(side, width) for side in across)
        top, bottom = (_pixels(side, height) for side in down)
        return left, top, right, bottom


def _pixels(side: int | str, whole: int) -> int:
    return side if isinstance(side, int) else round(float(side.rstrip("%")) / 100 * whole)


class Case(Stored):
    """One prompt of a suite, with everything that is expected of its pictures."""

    id: str = Field(min_length=1, max_length=200)
    prompt: str | None = None
    negative: str | None = None
    foils: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="prompts that the picture must not show, by kind (color, count, ...)"
    )
    expect: Expect = Expect()
    clauses: tuple[Clause, ...] = Field(default=(), description="what the prompt says, piece by piece")
    references: tuple[str, ...] = Field(default=(), description="other captions that are true of a right picture")
    skew: SkewPlan | None = None
    character: str | None = Field(default=None, description="pictures of one name show one character")
    tags: tuple[str, ...] = ()
    width: int | None = Field(default=None, ge=16, le=8192)
    height: int | None = Field(default=None, ge=16, le=8192)
    seed: int | None = Field(default=None, ge=0, description="literal seed that replaces the drawn one")
    lang: str = "en"
    image: InputFile | None = Field(default=None, description="a picture to start from, as a path beside the suite")
    mask: InputMask | None = Field(default=None, description="where it may change: a path, or [x0, y0, x1, y1]")
    strength: float | None = Field(default=None, gt=0, le=1, description="above 0, at most 1: how much is forgotten")
    extend: Extend | None = Field(default=None, description="a mapping of left, top, right, bottom")


class Controls(Stored):
    """The knobs of a generator; None leaves the model's own default."""

    steps: int | None = Field(default=None, ge=1, le=1000)
    guidance: float | None = Field(default=None, ge=0, le=100)
    width: int | None = Field(default=None, ge=16, le=8192)
    height: int | None = Field(default=None, ge=16, le=8192)
    sampler: str | None = None
    negative: str | None = None
    strength: float | None = Field(default=None, gt=0, le=1)


@dataclass(frozen=True, slots=True)
class Given:
    """The picture that a job starts from, read and checked.

    Attributes:
        rgb: uint8 (height, width, 3).
        pixels: its digest, as a record of it names it.
        mask: bool (height, width), true where it may change.
        extend: left, top, right, bottom: pixels by which it is to grow.
    """

    rgb: np.ndarray
    pixels: str
    mask: np.ndarray | None = None
    extend: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to be made: a case, a seed index k, the seed drawn from it, and the picture it starts from if any."""

    case: Case
    index: int
    seed: int
    controls: Controls
    given: Given | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Stable within a run, and the join key between two runs: case id and seed index."""
        return f"{self.case.id}#{self.index}"


class Basis(Stored):
    """The picture that another was made from, and how."""

    mode: Literal["img2img", "inpaint", "outpaint", "variation", "reference"]
    image: str = Field(pattern=r"^[0-9a-f]{64}$", description="digest of the given picture's pixels")
    mask: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the mask's, white where it drew")
    strength: float | None = Field(default=None, description="how much was forgotten; of a reference: its weight")
    extend: tuple[int, int, int, int] | None = Field(default=None, description="pixels added: left, top, right, bottom")


class Source(Stored):
    """How a picture was made, as its generator or its metadata says."""

    generator: str | None = None
    model: str | None = None
    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int | None = None
    prompt: str | None = None
    negative: str | None = None
    basis: Basis | None = Field(default=None, description="the picture it was made from; null where words were all")
    parse: Literal["complete", "partial", "none"] = "none"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture that a generator made. `image` is RGB; `data` is a vendor's bytes when it sent any."""

    job: Job
    image: Image.Image
    source: Source
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A picture that a generator would not or could not make: a value, not an exception."""

    job: Job
    reason: str


# --- what is seen ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """One picture, decoded once, as every perceiver sees it.

    Attributes:
        id: the record's id.
        rgb: uint8 (height, width, 3), EXIF orientation applied, transparency laid on white; None when only
            the bytes could be read.
        data: the file's bytes.
        pixels: hex sha256 of the decoded RGBA; None when it could not be decoded.
        file: hex sha256 of the bytes.
        mode: Pillow's mode before conversion; `format`: Pillow's format name.
        transparent: share of the pixels that are not opaque.
    """

    id: str
    data: bytes = field(repr=False)
    file: str
    rgb: np.ndarray | None = field(default=None, repr=False)
    pixels: str | None = None
    mode: str | None = None
    format: str | None = None
    transparent: float = 0.0

    @property
    def width(self) -> int:
        """In pixels, after EXIF orientation."""
        return 0 if self.rgb is None else int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """In pixels, after EXIF orientation."""
        return 0 if self.rgb is None else int(self.rgb.shape[0])


@dataclass(frozen=True)
class Query:
    """A question to a perceiver: its name, its parameters, and the questions it builds on.

    Equal queries are asked once. Parameters are a JSON value.
    """

    perceiver: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    upstream: tuple[Query, ...] = ()

    @cached_property
    def key(self) -> str:
        """Canonical text: two queries with one key are one query."""
        return canonical([self.perceiver, dict(self.parameters), [q.key for q in self.upstream]])

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Query) and self.key == other.key


class Percept(Stored):
    """Base of what a perceiver says it saw. See `imgaudit.percepts`."""

    sensitive: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Abstained:
    """Could not tell, and why; `remedy` is what the user can do about it."""

    reason: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Broke while looking or measuring."""

    error: str


Sight = Percept | Abstained | Failed
P = TypeVar("P", bound=Percept)


class Percepts:
    """What is known of one picture so far: query -> sight."""

    def __init__(self, sights: Mapping[Query, Sight] | None = None) -> None:
        self._sights: dict[Query, Sight] = dict(sights or {})

    def __contains__(self, query: Query) -> bool:
        return query in self._sights

    def __getitem__(self, query: Query) -> Sight:
        return self._sights[query]

    def get(self, query: Query) -> Sight | None:
        """The sight, or None when the query was not asked yet."""
        return self._sights.get(query)

    def seen(self, query: Query, kind: type[P]) -> P | Abstained | Failed:
        """The sight of a query, as the percept class that is expected."""
        sight = self._sights.get(query)
        if sight is None:
            return Abstained(f"{query.perceiver} was not asked")
        if isinstance(sight, (Abstained, Failed, kind)):
            return sight
        return Failed(f"{query.perceiver} answered with {type(sight).__name__}, expected {kind.__name__}")

    def merged(self, sights: Mapping[Query, Sight]) -> Percepts:
        """A copy that also knows `sights`."""
        return Percepts({**self._sights, **sights})


@dataclass(frozen=True, slots=True)
class Look:
    """One picture to be looked at with one query; `upstream` holds the sights of the query's upstream."""

    picture: Picture
    query: Query
    upstream: tuple[Sight, ...] = ()


class Perceiver(Protocol):
    """Something that looks at pictures. Built once a worker; the only heavy thing in the program.

    A class attribute `name` is its role (`clip`, `ocr`, ...), `version` changes when its output does, and
    `reads` says whether it looks at the pixels or at the file's bytes (what the cache is keyed by).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    reads: ClassVar[Literal["pixels", "bytes"]]

    def identity(self) -> Mapping[str, str]:
        """What the output depends on beside the picture and the query: weight digests, library versions."""
        ...

    def perceive(self, looks: Sequence[Look]) -> Sequence[Sight]:
        """One sight a look, in order. Never raises for one bad picture: that is a `Failed`."""
        ...


# --- what is measured --------------------------------------------------------------------------


class Region(Stored):
    """A place in a picture. Pixels after EXIF orientation; `box` is x0, y0, x1, y1."""

    label: str
    box: Box
    polygon: tuple[Point, ...] | None = None
    score: float | None = None


class Line(Stored):
    """A line of writing that was read."""

    text: str
    polygon: tuple[Point, ...]
    score: float


class Polyline(Stored):
    """Joined landmarks, drawn over the picture."""

    label: str
    points: tuple[Point, ...]
    closed: bool = False


class Evidence(Stored):
    """What a reader can look at to believe or doubt a finding."""

    polylines: tuple[Polyline, ...] = ()
    masks: tuple[str, ...] = Field(default=(), description="run-length masks, COCO's uncompressed counts as text")
    lines: tuple[Line, ...] = ()


class Measured(Stored):
    """A measurement. `measures` holds only what was measured.

    A name in `unmeasured` could not be told, with the reason; a name in neither does not apply to this picture.
    """

    measures: dict[str, float] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    unmeasured: dict[str, str] = Field(default_factory=dict)
    codes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    evidence: Evidence = Evidence()
    clauses: tuple[ClauseResult, ...] = Field(default=(), description="a checker of clauses tells each one")
    message: str = ""


Outcome = Measured | Abstained | Failed


@dataclass(frozen=True, slots=True)
class Measure:
    """A fact sheet of one number: its name (without the checker's), unit, direction and meaning."""

    name: str
    unit: str
    better: Literal["up", "down", "none"]
    about: str


class Checker(Protocol):
    """Asks perceivers about a picture and measures what they saw. Pure; knows no threshold of judgement."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    dimensions: ClassVar[tuple[str, ...]]
    measures: ClassVar[tuple[Measure, ...]]
    labels: ClassVar[Mapping[str, str]]
    codes: ClassVar[Mapping[str, str]]
    limits: ClassVar[str]

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """All queries wanted, given what is known. Called again, at most three times, as more is known."""
        ...

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """The measurement of one picture."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One picture of a set, as a group checker sees it: a small declared projection, never the picture."""

    id: str
    case: Case
    generated: bool
    projection: Mapping[str, JSON] | Abstained | Failed


class GroupShare(Stored):
    """One group of a set. Of people, small groups hold nothing but what is expected of them."""

    group: str
    count: int | None = Field(description="null where it is suppressed")
    share: float | None = None
    interval: tuple[float, float] | None = Field(default=None, description="95 %, Wilson's")
    bounds: tuple[float, float] | None = Field(default=None, description="with the unknown told apart in any way")
    parity: float = Field(description="its share if all groups were as likely")
    reference: float = Field(description="its share in the reference")
    ratio: float | None = Field(default=None, description="share over the reference's; null where that is 0")
    ratio_interval: tuple[float, float] | None = Field(default=None, description="95 %, of all groups at once")
    corrected: float | None = Field(default=None, description="share corrected for the perceiver's errors")
    corrected_interval: tuple[float, float] | None = None
    unrelated: float | None = Field(default=None, description="of two attributes: share if they were unrelated")
    shrunk: float | None = Field(default=None, description="of two attributes: share drawn towards that")
    shrunk_interval: tuple[float, float] | None = None


class SkewAgainst(Stored):
    """A set beside one set of expected shares."""

    name: str = Field(description="equal shares, a table and row, or the suite's own shares")
    source: str | None = None
    verdict: Literal["skewed", "within_tolerance", "insufficient_evidence"]
    corrected: bool = Field(default=False, description="whether the verdict is about corrected shares")
    distance: float = Field(description="total variation, as observed")
    chance: float = Field(description="mean distance of fair sets of this size")
    excess: float
    interval: tuple[float, float] = Field(description="95 %, of the true distance")
    p: float
    adjusted_p: float = Field(description="for the number of sets tested (Benjamini and Hochberg)")
    detectable: float | None = Field(description="smallest true distance found 80 % of the time; null where none is")
    settled_at: int | None = Field(default=None, description="pictures in all that would settle an open set")
    more: int | None = Field(default=None, description="how many beside those there are; null where none would do")
    four_fifths: float | None = Field(default=None, description="smallest representation ratio over the largest")
    four_fifths_interval: tuple[float, float] | None = None
    over_templates: tuple[float, float] | None = Field(
        default=None, description="95 % interval of the distance over templates like these"
    )


class SkewDetails(Stored):
    """All that is told of how one set spreads."""

    attribute: str
    cases: int = Field(description="prompts of the set")
    templates: int
    groups: tuple[GroupShare, ...]
    against: tuple[SkewAgainst, ...] = Field(description="the reference first, then equal shares where they differ")
    unknown: dict[str, int] = Field(default_factory=dict, description="why pictures could not be told, and how many")
    suppressed: bool = Field(default=False, description="whether small groups of people are not told")
    entropy: float | None = Field(default=None, description="of the shares, over that of equal shares")
    entropy_interval: tuple[float, float] | None = None
    labelled: int | None = Field(default=None, description="pictures that the correction rests on")
    band: tuple[tuple[float, float], ...] = Field(
        default=(), description="share of wrong labels, and the distance from the reference if there were so many"
    )
    related_p: float | None = Field(default=None, description="of two attributes: p-value of their being unrelated")
    published: dict[str, float] = Field(default_factory=dict, description="as the code of published audits has it")


class GroupFinding(Stored):
    """What was measured over a set of pictures. A line of groups.jsonl."""

    format: Literal["imgaudit-group/1"] = "imgaudit-group/1"
    checker: str
    version: str
    group: str = Field(description="name of the set: a case id, a character, or 'run'")
    outcome: Literal["measured", "abstained", "failed"]
    size: int = Field(description="pictures in the set")
    counted: int = Field(description="pictures that could be counted")
    measures: dict[str, float] = Field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = Field(default_factory=dict, description="95 % intervals")
    labels: dict[str, str] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    codes: tuple[str, ...] = ()
    members: tuple[str, ...] = Field(default=(), description="ids that the finding is about; empty where sensitive")
    skew: SkewDetails | None = Field(default=None, description="of skew: shares, references and what would settle it")
    reason: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """Findings over the set, and findings that belong on single pictures' lines (id -> Measured)."""

    groups: tuple[GroupFinding, ...]
    pictures: Mapping[str, Measured] = field(default_factory=dict)


class GroupChecker(Protocol):
    """Reduces a projection of percepts over a set. `sensitive` projections are never stored beyond the run."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    dimensions: ClassVar[tuple[str, ...]]
    measures: ClassVar[tuple[Measure, ...]]
    labels: ClassVar[Mapping[str, str]]
    codes: ClassVar[Mapping[str, str]]
    limits: ClassVar[str]
    sensitive: ClassVar[bool]

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """As for a checker."""
        ...

    def project(self, case: Case, percepts: Percepts) -> Mapping[str, JSON] | Abstained | Failed:
        """The small JSON value that the set will be judged by."""
        ...

    def aggregate(self, members: Sequence[Member]) -> GroupOutcome:
        """The findings of the whole run, in an order that does not depend on the members' order."""
        ...


class Finding(Stored):
    """An outcome on record."""

    checker: str
    version: str
    outcome: Literal["measured", "abstained", "failed"]
    measures: dict[str, float] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    unmeasured: dict[str, str] = Field(default_factory=dict)
    codes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    evidence: Evidence = Evidence()
    clauses: tuple[ClauseResult, ...] = ()
    by: dict[str, str] = Field(default_factory=dict, description="perceiver -> digest of what it is")
    calibration: str | None = None
    message: str = ""
    reason: str | None = None
    remedy: str | None = None
    error: str | None = None


# --- what is decided ---------------------------------------------------------------------------


class Decision(StrEnum):
    """What to do with a picture. Precedence: reject > hold > edit > publish."""

    PUBLISH = "publish"
    EDIT = "edit"
    HOLD = "hold"
    REJECT = "reject"


class Reason(Stored):
    """A rule that fired."""

    code: str
    rule: str
    message: str


class Edit(Stored):
    """What to change, where, and how."""

    region: Region | None
    instruction: str
    method: Literal["inpaint", "crop", "retypeset", "regenerate", "adjust"]


class Ruling(Stored):
    """What people decided about a picture, as far as the rubric lets it count.

    `by`, `role` and `said` go together: one place a person, in the order in which they decided.
    """

    decision: Decision = Field(description="what counts; hold while it waits for another person")
    by: tuple[str, ...] = Field(min_length=1)
    role: tuple[str, ...] = Field(min_length=1)
    said: tuple[Decision, ...] = Field(min_length=1, description="what each of them decided last")
    reason: str = Field(description="reason code of the last decision")
    given: str = Field(description="day of the last decision, UTC")
    waiting: bool = Field(default=False, description="a second person is needed, or the people disagree")
    seq: int = Field(ge=0, description="the last decision's number in the log")

    @model_validator(mode="after")
    def _one_of_each(self) -> Ruling:
        if not len(self.by) == len(self.role) == len(self.said):
            raise ValueError("by, role, said: expected one of each a person")
        return self


class Verdict(Stored):
    """A decision, and everything it rests on."""

    machine: Decision
    final: Decision
    reasons: tuple[Reason, ...] = ()
    holds: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    edits: tuple[Edit, ...] = ()
    human: Ruling | None = Field(
        default=None, exclude_if=lambda ruling: ruling is None, description="what people decided; absent where none did"
    )


class ImageRecord(Stored):
    """One line of images.jsonl: a picture, what was found, what was decided."""

    format: Literal["imgaudit-image/1"] = "imgaudit-image/1"
    id: str
    path: str
    pixels: str | None
    file: str | None
    width: int | None
    height: int | None
    prompt: str | None
    case: str | None
    seed: int | None
    source: Source
    verdict: Verdict
    findings: tuple[Finding, ...]


# --- who makes and shows ----------------------------------------------------------------------


class Generator(Protocol):
    """A source of pictures. `batch_size` pictures are asked for at once; refusals are values."""

    name: ClassVar[str]
    title: ClassVar[str]

    def identity(self) -> Mapping[str, JSON]:
        """Model, revision, weight digest, scheduler, dtype, device, library versions: what goes to run.json."""
        ...

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """One result a job, in order."""
        ...


def spec_digest(name: str, options: Mapping[str, JSON]) -> str:
    """Digest of a spec (name and options): what travels to a worker in place of an object."""
    return digest([name, dict(options)])
