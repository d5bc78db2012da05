"""A finished run that was never run: pictures drawn here, with every outcome, verdict and kind of evidence.

`made()` holds 24 pictures. `many(count)` repeats them under other names, with noise of their own.
"""

from __future__ import annotations

import io
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imgaudit.digest import digest, digest_bytes
from imgaudit.dimensions import DIMENSIONS
from imgaudit.record import (
    Coverage,
    DimensionLine,
    FinishedRun,
    Report,
    RubricInfo,
    RunInfo,
    RunVerdict,
    Score,
    Skipped,
    SuiteInfo,
)
from imgaudit.types import (
    Decision,
    Edit,
    Evidence,
    Finding,
    GroupFinding,
    ImageRecord,
    Line,
    Polyline,
    Reason,
    Region,
    Source,
    Verdict,
)

SIDE = 512
SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "<img src=x onerror=\"document.title='owned'\">"
CLOSING = "</script><script>document.title='owned'</script><!-- "
FORMULA = "=cmd|' /C calc'!A0"
RTL = "invoice\u202egnp.exe\u202c"
ANSI = "\x1b[31mred\x1b[0m \x9b2J\x07"
MENTION = "@everyone see #1 | `code` [link](http://evil.example) www.evil.example"
EMOJI = "a kite \U0001fa81 and a family \U0001f468\u200d\U0001f469\u200d\U0001f467"
LONG = ("a very long prompt, " + SCRIPT + ", ") * 100
LONG = LONG[:5000]
HOSTILE_CASE = "</title>" + SCRIPT


# --- pictures ------------------------------------------------------------------------------------------------


def _sky(randomness: random.Random, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> Image.Image:
    column = Image.new("RGB", (1, SIDE))
    for y in range(SIDE):
        part = y / SIDE
        column.putpixel((0, y), tuple(round(a + (b - a) * part) for a, b in zip(top, bottom, strict=True)))
    image = column.resize((SIDE, SIDE))
    grain = Image.frombytes("L", (SIDE, SIDE), randomness.randbytes(SIDE * SIDE)).convert("RGB")
    return Image.blend(image, grain, 0.03)


def _landscape(number: int) -> Image.Image:
    randomness = random.Random(number)
    image = _sky(randomness, (246, 196, 140), (120, 150, 190))
    draw = ImageDraw.Draw(image)
    draw.ellipse((330, 90, 410, 170), fill=(255, 238, 200))
    for depth, shade in enumerate(((110, 128, 150), (80, 100, 116), (46, 66, 74))):
        base = 250 + 75 * depth
        ridge = [
            (x, base + 26 * math.sin(x / 60 + number + depth) + randomness.randint(-9, 9))
            for x in range(0, SIDE + 16, 16)
        ]
        draw.polygon([*ridge, (SIDE, SIDE), (0, SIDE)], fill=shade)
    return image


def _poster(words: Sequence[str]) -> Callable[[int], Image.Image]:
    def draw_poster(number: int) -> Image.Image:
        ground = ((188, 66, 52), (38, 84, 104), (222, 174, 74), (70, 96, 66))[number % 4]
        image = Image.new("RGB", (SIDE, SIDE), ground)
        draw = ImageDraw.Draw(image)
        draw.rectangle((36, 36, 476, 476), outline=(250, 244, 230), width=6)
        draw.ellipse((166, 190, 346, 370), fill=(250, 244, 230))
        draw.polygon(((256, 210), (320, 340), (192, 340)), fill=ground)
        for place, word in enumerate(words):
            draw.text(
                (256, 110 + 310 * place), word, font=ImageFont.load_default(52), fill=(250, 244, 230), anchor="mm"
            )
        return image

    return draw_poster


FINGERS = ((150, 250, 92, 190), (196, 200, 180, 86), (240, 190, 242, 66), (284, 198, 304, 84), (322, 226, 362, 130))


def _hand(fingers: int) -> Callable[[int], Image.Image]:
    def draw_hand(number: int) -> Image.Image:
        image = _sky(random.Random(number), (196, 204, 206), (150, 160, 170))
        draw = ImageDraw.Draw(image)
        skin = ((226, 178, 148), (141, 92, 64), (197, 146, 108), (240, 205, 180))[number % 4]
        draw.rounded_rectangle((160, 210, 330, 420), 60, fill=skin)
        draw.rectangle((196, 380, 300, SIDE), fill=skin)
        more = ((346, 270, 420, 214),) if fingers > 5 else ()
        for x0, y0, x1, y1 in (*FINGERS[:fingers], *more):
            draw.line((x0, y0 + 40, x1, y1), fill=skin, width=42)
            draw.ellipse((x1 - 21, y1 - 21, x1 + 21, y1 + 21), fill=skin)
        return image.filter(ImageFilter.GaussianBlur(1.2))

    return draw_hand


def _portrait(number: int) -> Image.Image:
    image = _sky(random.Random(number), (92, 104, 120), (44, 52, 64))
    draw = ImageDraw.Draw(image)
    skin = ((226, 178, 148), (141, 92, 64), (197, 146, 108), (98, 66, 50))[number % 4]
    draw.ellipse((110, 380, 400, 700), fill=((52, 70, 108), (120, 60, 64), (58, 92, 80), (92, 84, 58))[number % 4])
    draw.rectangle((224, 330, 288, 420), fill=skin)
    draw.ellipse((160, 110, 352, 366), fill=skin)
    draw.pieslice((150, 90, 362, 330), 180, 360, fill=(48, 34, 28))
    for x in (216, 296):
        draw.ellipse((x - 16, 222, x + 16, 242), fill="white")
        draw.ellipse((x - 8, 224, x + 8, 240), fill=(40, 40, 40))
    draw.arc((216, 270, 296, 322), 20, 160, fill=(120, 50, 50), width=5)
    return image.filter(ImageFilter.GaussianBlur(0.8))


def _shapes(colour: str) -> Callable[[int], Image.Image]:
    def draw_shapes(number: int) -> Image.Image:
        image = Image.new("RGB", (64, 64), (236, 232, 222))
        draw = ImageDraw.Draw(image)
        draw.rectangle((12, 20, 36, 44), fill=colour)
        draw.ellipse((38, 34, 56, 52), fill=("navy", "teal")[number % 2])
        return image

    return draw_shapes


def _dark(number: int) -> Image.Image:
    return _landscape(number).point(lambda value: value // 6)


def _blurred(number: int) -> Image.Image:
    return _landscape(number).filter(ImageFilter.GaussianBlur(9))


def _encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return stream.getvalue()


# --- findings ------------------------------------------------------------------------------------------------


def _measured(checker: str, measures: dict[str, float], **more: object) -> Finding:
    facts: dict[str, object] = {"version": "1", "outcome": "measured", "by": {"perceiver": digest(checker)[:16]}}
    return Finding.model_validate({"checker": checker, "measures": measures, **facts, **more})


def _abstained(checker: str, reason: str, remedy: str | None = None) -> Finding:
    return Finding(checker=checker, version="1", outcome="abstained", reason=reason, remedy=remedy)


def _failed(checker: str, error: str) -> Finding:
    return Finding(checker=checker, version="1", outcome="failed", error=error)


def _landmarks() -> tuple[Polyline, ...]:
    wrist = (250.0, 440.0)
    return tuple(
        Polyline(
            label=f"finger {place}", points=(wrist, (x0, y0 + 40.0), ((x0 + x1) / 2, (y0 + y1) / 2 + 20), (x1, y1))
        )
        for place, (x0, y0, x1, y1) in enumerate(FINGERS)
    )


def disc_mask(side: int = SIDE) -> str:
    """COCO's uncompressed counts of a disc: runs down the columns, starting with zeros."""
    bits = [(x - 256) ** 2 + (y - 300) ** 2 < 90**2 for x in range(side) for y in range(side)]
    runs, held, count = [], False, 0
    for bit in bits:
        if bit != held:
            runs.append(count)
            held, count = bit, 0
        count += 1
    return " ".join(map(str, [*runs, count]))


EXTRA = Region(label="sixth finger", box=(330, 180, 450, 310), score=0.93)
FACE = Region(label="face", box=(160, 100, 352, 366), score=0.98)
SIGN = Region(label="headline", box=(90, 70, 420, 150), polygon=((92, 74), (418, 70), (420, 146), (94, 150)))


def _writing(text: str, similarity: float, *codes: str) -> Finding:
    line = Line(text=text, polygon=((92, 74), (418, 70), (420, 146), (94, 150)), score=0.91)
    return _measured(
        "text",
        {"similarity": similarity, "cer": round(1 - similarity, 6), "gibberish": round(1 - similarity, 6)},
        codes=codes,
        regions=(SIGN,) if codes else (),
        evidence=Evidence(lines=(line,)),
        message=f"reads {text!r}, expected 'NIGHT MARKET'",
    )


def _hands(defect: float, *codes: str) -> Finding:
    return _measured(
        "hands",
        {"defect": defect, "count": 1},
        labels={"medium": "photo"},
        codes=codes,
        regions=(EXTRA,) if codes else (),
        evidence=Evidence(polylines=_landmarks()),
        calibration=digest("hands")[:16],
        message="one hand; it seems to have six fingers" if codes else "one hand; nothing wrong was found",
    )


def _quality(**measures: float) -> Finding:
    codes = tuple(f"quality.{name}" for name, value in measures.items() if value > 0.5)
    return _measured(
        "quality",
        {"blur": 0.02, "dark": 0.03, "noise": 0.1, **measures},
        codes=codes,
        message="too dark in most of the picture" if "quality.dark" in codes else "",
    )


def _origin(state: str = "none", disclosed: float = 1.0, failures: str = "") -> Finding:
    labels = {"c2pa_state": state, "c2pa_trust": "none", "generator": "stable diffusion web UI"}
    if failures:
        labels["c2pa_failures"] = failures
    return _measured("provenance", {"ai_disclosed": disclosed}, labels=labels)


def _match(value: float, *codes: str) -> Finding:
    return _measured(
        "adherence",
        {"match": value, "cosine": round(0.2 + value / 10, 6), "truncated_tokens": 0},
        codes=codes,
        message="shows a green square where the prompt asks for a red one" if codes else "",
    )


# --- the run -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Made:
    case: str | None
    seed: int | None
    paint: Callable[[int], Image.Image] | None
    prompt: str | None
    machine: str
    findings: tuple[Finding, ...]
    reasons: tuple[tuple[str, str], ...] = ()
    holds: tuple[tuple[str, str], ...] = ()
    edits: tuple[Edit, ...] = ()
    final: str | None = None
    damaged: bool = False
    at_hand: bool = True
    name: str | None = None


_POSTER = "a screen-printed poster for a night market, headline NIGHT MARKET"
_HAND = "a photograph of an open hand against an overcast sky"
_FACE = "portrait of an office worker, studio light"
_LAND = "mountain ridges at dawn, layered haze"
_RED = "a red square left of a blue circle"


def _plan() -> list[_Made]:
    unknown = _abstained("adherence", "the model that was used knows coloured shapes only", "choose one with --clip")
    retype = Edit(
        region=SIGN, instruction="Set the headline NIGHT MARKET anew; it reads NIGTH MARKT.", method="retypeset"
    )
    inpaint = Edit(region=EXTRA, instruction="Paint over the sixth finger of the left hand.", method="inpaint")
    crop = Edit(region=FACE, instruction="Crop so that the second, cut-off face is outside.", method="crop")
    brighten = Edit(region=None, instruction="Raise the exposure by about two stops.", method="adjust")
    again = Edit(region=None, instruction="Draw it again with another seed.", method="regenerate")
    common = (_quality(), _origin(), unknown)
    shapes = (_quality(), _origin("valid"))
    bad_text = ("text.misspelt", "The headline is misspelt: NIGTH MARKT.")
    six = ("hands.extra_finger", "A hand has six fingers.")
    hostile = _measured(
        "text",
        {"similarity": 0.4},
        codes=("text.gibberish",),
        message=f"reads {SCRIPT}",
        regions=(Region(label=IMAGE, box=(60, 60, 300, 160)),),
        evidence=Evidence(lines=(Line(text=CLOSING, polygon=((60, 60), (300, 60), (300, 160)), score=0.5),)),
    )
    return [
        _Made(
            "poster-market",
            0,
            _poster(("NIGHT", "MARKET")),
            _POSTER,
            "publish",
            (_writing("NIGHT MARKET", 1.0), *common),
        ),
        _Made(
            "poster-market",
            1,
            _poster(("NIGTH", "MARKT")),
            _POSTER,
            "edit",
            (_writing("NIGTH MARKT", 0.75, "text.misspelt"), *common),
            (bad_text,),
            edits=(retype,),
        ),
        _Made(
            "poster-market",
            2,
            _poster(("NIGHT", "MARKET")),
            _POSTER,
            "publish",
            (_writing("NIGHT MARKET", 1.0), *common),
        ),
        _Made(
            "poster-market",
            3,
            _poster(("NTHGI", "TEKRAM")),
            _POSTER,
            "reject",
            (_writing("NTHGI TEKRAM", 0.2, "text.gibberish"), *common),
            (
                ("text.gibberish", "The headline is no writing."),
                ("text.similarity", "The headline is not the one asked for."),
            ),
        ),
        _Made("hands-open", 0, _hand(5), _HAND, "publish", (_hands(0.04), *common)),
        _Made(
            "hands-open",
            1,
            _hand(6),
            _HAND,
            "edit",
            (_hands(0.81, "hands.extra_finger"), *common),
            (six,),
            edits=(inpaint,),
        ),
        _Made(
            "hands-open",
            2,
            _hand(6),
            _HAND,
            "reject",
            (_hands(0.97, "hands.extra_finger"), *common),
            (six, ("hands.malformed", "The hand is malformed beyond local repair.")),
        ),
        _Made(
            "hands-open",
            3,
            _hand(4),
            _HAND,
            "hold",
            (_abstained("hands", "the hand is cut by the edge"), *common),
            holds=(("hands.abstained", "Whether the hand is whole could not be told."),),
        ),
        _Made(
            "portrait-office",
            0,
            _portrait,
            _FACE,
            "publish",
            (_measured("faces", {"defect": 0.05, "count": 1}, regions=(FACE,)), *common),
        ),
        _Made(
            "portrait-office",
            1,
            _portrait,
            _FACE,
            "edit",
            (_measured("faces", {"defect": 0.4, "count": 2}, regions=(FACE,), codes=("faces.count",)), *common),
            (("faces.count", "A second face stands at the edge."),),
            edits=(crop,),
            final="reject",
        ),
        _Made(
            "portrait-office",
            2,
            _portrait,
            _FACE,
            "publish",
            (
                _measured("faces", {"defect": 0.08, "count": 1}, evidence=Evidence(masks=(disc_mask(), "1 2 3"))),
                *common,
            ),
        ),
        _Made(
            "portrait-office",
            3,
            _portrait,
            _FACE,
            "hold",
            (_failed("faces", "the mesh could not be fitted"), *common),
            holds=(("faces.failed", "The check of faces broke."),),
            final="publish",
        ),
        _Made("shapes-red-square", 0, _shapes("firebrick"), _RED, "publish", (_match(0.97), *shapes)),
        _Made(
            "shapes-red-square",
            1,
            _shapes("seagreen"),
            _RED,
            "reject",
            (_match(0.12, "adherence.color"), *shapes),
            (("adherence.color", "The square is green; the prompt asks for red."),),
            edits=(again,),
        ),
        _Made(
            "shapes-red-square",
            2,
            _shapes("firebrick"),
            _RED,
            "edit",
            (
                _match(0.95),
                *shapes,
                _measured("duplicates", {}, codes=("duplicates.exact",), message="the same pixels as seed 3"),
            ),
            (("duplicates.exact", "The same picture stands twice in the set."),),
            edits=(again,),
        ),
        _Made(
            "shapes-red-square",
            3,
            _shapes("firebrick"),
            _RED,
            "edit",
            (
                _match(0.95),
                *shapes,
                _measured("duplicates", {}, codes=("duplicates.exact",), message="the same pixels as seed 2"),
            ),
            (("duplicates.exact", "The same picture stands twice in the set."),),
            edits=(again,),
        ),
        _Made("landscape-dawn", 0, _landscape, _LAND, "publish", (_quality(), _origin("valid"), unknown)),
        _Made(
            "landscape-dawn",
            1,
            _dark,
            _LAND,
            "edit",
            (_quality(dark=0.88), _origin(), unknown),
            (("quality.dark", "The picture is too dark."),),
            edits=(brighten,),
        ),
        _Made(
            "landscape-dawn",
            2,
            _blurred,
            _LAND,
            "reject",
            (_quality(blur=0.96), _origin(), unknown),
            (("quality.blur", "The picture is out of focus."),),
        ),
        _Made(
            "landscape-dawn",
            3,
            _landscape,
            _LAND,
            "publish",
            (_quality(), _origin("invalid", 0.0, "assertion.dataHash.mismatch"), unknown),
        ),
        _Made(
            HOSTILE_CASE,
            0,
            _landscape,
            LONG,
            "edit",
            (hostile, *common),
            ((f"text.{SCRIPT}", f"{IMAGE} {MENTION}"),),
            edits=(
                Edit(region=Region(label=CLOSING, box=(-1e300, 40, 1e300, 200)), instruction=CLOSING, method="inpaint"),
            ),
            name=f"{HOSTILE_CASE}#0",
        ),
        _Made(
            HOSTILE_CASE,
            1,
            None,
            FORMULA,
            "hold",
            (_failed("load", f"truncated PNG {ANSI}"), _origin()),
            holds=(("load.failed", f"The file cannot be read: {ANSI}"),),
            damaged=True,
            name=RTL,
        ),
        _Made(None, None, _portrait, EMOJI, "publish", common, at_hand=False, name="r0/" + MENTION + ".png"),
        _Made(
            None,
            None,
            _landscape,
            None,
            "publish",
            (
                _quality(),
                _abstained("adherence", "no prompt"),
                _abstained("provenance", "the file carries no metadata"),
            ),
            name="r0/=SUM(A1:A9)\t.jpg",
        ),
    ]


def _reason(pair: tuple[str, str]) -> Reason:
    return Reason(code=pair[0], rule=f"{pair[0]} is not wanted", message=pair[1])


def _record(made: _Made, place: int, data: bytes | None) -> ImageRecord:
    identity = made.name or f"{made.case}#{made.seed}"
    size = (None, None) if made.damaged else Image.open(io.BytesIO(data)).size if data else (SIDE, SIDE)
    note = Reason(
        code="adherence.abstained", rule="adherence, on_abstain: note", message="Adherence could not be told."
    )
    return ImageRecord(
        id=identity,
        path=f"pictures/{place:02d}.png" if made.case else identity,
        pixels=None if made.damaged else digest(["pixels", place]),
        file=digest_bytes(data) if data else digest(["file", place]),
        width=size[0],
        height=size[1],
        prompt=made.prompt,
        case=made.case,
        seed=made.seed,
        source=Source(
            generator="embedded@2",
            model="shapes-2",
            sampler="ddim",
            steps=20,
            guidance=4.0,
            seed=1_000_003 * place + 17,
            prompt=made.prompt,
            negative="blurry",
            parse="complete",
        )
        if made.case
        else Source(),
        verdict=Verdict(
            machine=Decision(made.machine),
            final=Decision(made.final or made.machine),
            reasons=tuple(map(_reason, made.reasons)),
            holds=tuple(map(_reason, made.holds)),
            notes=(note,) if any(f.checker == "adherence" and f.outcome == "abstained" for f in made.findings) else (),
            edits=made.edits,
        ),
        findings=made.findings,
    )


def _coverage(images: Sequence[ImageRecord]) -> tuple[Coverage, ...]:
    outcomes = Counter((f.checker, f.outcome) for record in images for f in record.findings)
    lines = []
    for checker in sorted({checker for checker, _ in outcomes}):
        held = [f for record in images for f in record.findings if f.checker == checker and f.outcome != "measured"]
        reasons = Counter(f.reason or f.error or "" for f in held)
        tally = {outcome: outcomes[checker, outcome] for outcome in ("measured", "abstained", "failed")}
        lines.append(Coverage(checker=checker, reasons=dict(reasons), **tally))
    return tuple(lines)


def _scores(images: Sequence[ImageRecord]) -> tuple[Score, ...]:
    better = {"match": "up", "similarity": "up", "ai_disclosed": "up", "count": "none", "cosine": "none"}
    values: dict[str, list[float]] = {}
    for record in images:
        for finding in record.findings:
            for name, value in finding.measures.items():
                values.setdefault(f"{finding.checker}.{name}", []).append(value)
    scores = []
    for measure, held in sorted(values.items()):
        mean, spread = sum(held) / len(held), 0.4 / math.sqrt(len(held))
        bounds = (
            (None, None)
            if len(held) < 3
            else (max(mean - spread, 0.0), mean + spread if mean > 1 else min(mean + spread, 1.0))
        )
        facts = {
            "unit": "",
            "better": better.get(measure.split(".")[1], "down"),
            "counted": len(held),
            "of": len(images),
        }
        line = Score(measure=measure, mean=mean, low=bounds[0], high=bounds[1], **facts)
        scores += [line, line.model_copy(update={"stratum": "people"})]
    return tuple(scores)


def _dimensions(images: Sequence[ImageRecord]) -> tuple[DimensionLine, ...]:
    measured = Counter(f.checker for record in images for f in record.findings if f.outcome == "measured")
    lines = []
    for dimension in DIMENSIONS:
        count = sum(measured[checker] for checker in dimension.checkers)
        status = {"limit": "cannot be checked", "attestation": "not attested"}.get(dimension.how)
        status = status or ("checked" if count >= len(images) else "partly checked" if count else "not checked")
        status = "attested" if dimension.id == "platform-terms" else status
        lines.append(
            DimensionLine(
                id=dimension.id,
                title=dimension.title,
                group=dimension.group,
                how=dimension.how,
                checkers=dimension.checkers,
                required=dimension.id in {"hands", "quality"},
                status=status,
                measured=count,
                of=len(images),
                text=dimension.question,
            )
        )
    return tuple(lines)


def _groups(images: Sequence[ImageRecord]) -> tuple[GroupFinding, ...]:
    twins = tuple(record.id for record in images if any("duplicates.exact" in f.codes for f in record.findings))
    return (
        GroupFinding(
            checker="duplicates",
            version="1",
            group="run",
            outcome="measured",
            size=len(images),
            counted=len(images) - 1,
            measures={"share": 0.083333},
            intervals={"share": (0.0231, 0.2586)},
            codes=("duplicates.exact",),
            members=twins,
            message="two pictures have the same pixels",
        ),
        GroupFinding(
            checker="skew",
            version="1",
            group="portrait-office",
            outcome="measured",
            size=4,
            counted=3,
            measures={"excess_tv": 0.31, "unknown_share": 0.25},
            intervals={"excess_tv": (0.02, 0.6)},
            labels={"attribute": "skin_tone"},
            counts={"light": 1, "medium": 1, "dark": 1},
            codes=("skew.excess",),
            message="perceived skin tones are spread as the reference asks, as far as four pictures can tell",
        ),
        GroupFinding(
            checker="skew",
            version="1",
            group=HOSTILE_CASE,
            outcome="abstained",
            size=2,
            counted=0,
            reason="fewer than four pictures could be counted",
        ),
        GroupFinding(
            checker="diversity",
            version="1",
            group="run",
            outcome="failed",
            size=len(images),
            counted=0,
            reason="the embedding failed",
        ),
    )


RUBRIC = RubricInfo(
    name="publish", version="1.0", digest=digest("publish"), title="Publish: what works offline is required"
)


def _report(images: Sequence[ImageRecord]) -> Report:
    rules = Counter(reason.rule for record in images for reason in record.verdict.reasons)
    suite = SuiteInfo(name="made", digest=digest("made"), cases=6, seeds=(0, 1, 2, 3), licence="Apache-2.0")
    note = Reason(
        code="skew.unknown_share", rule="skew.unknown_share", message="A quarter of the portraits could not be counted."
    )
    hold = Reason(
        code="skew.excess",
        rule="skew.excess_tv > 0.3",
        message="Perceived skin tones of portrait-office may be skewed.",
    )
    return Report(
        kind="run",
        title=f"Autumn campaign, second round {SCRIPT}",
        suite=suite,
        generator="embedded@2",
        rubric=RUBRIC,
        pictures=len(images),
        counts={decision: sum(r.verdict.machine == decision for r in images) for decision in Decision},
        final_counts={decision: sum(r.verdict.final == decision for r in images) for decision in Decision},
        set_verdict=RunVerdict(decision=Decision.HOLD, reasons=(hold,), notes=(note,)),
        skipped=(Skipped(path="r0/notes.txt", why="no picture"), Skipped(path=f"r0/{RTL}", why=SCRIPT)),
        refused={"the safety filter blanked it": 2, f"{MENTION} {ANSI}": 1},
        coverage=_coverage(images),
        scores=_scores(images),
        rules=dict(rules),
        dimensions=_dimensions(images),
        not_checked=(
            "Perspective, symmetry, lighting and background were not checked: no check exists yet.",
            "Whether a picture is a deepfake in law was not judged.",
            f"A hostile sentence: {IMAGE}",
        ),
        fingerprint=digest("fingerprint"),
        images_digest=digest([record.id for record in images]),
        exit_code=1,
    )


def _info() -> RunInfo:
    return RunInfo(
        imgaudit="0.1.0",
        kind="run",
        request={
            "suite": "made",
            "generator": "embedded@2",
            "seeds": [0, 1, 2, 3],
            "controls": {"steps": 20, "guidance": 4.0},
            "rubric": "publish",
            "note": SCRIPT,
        },
        started="2026-11-24T09:00:00Z",
        finished="2026-11-24T09:04:31Z",
        generator={
            "name": "embedded@2",
            "weights": digest("weights"),
            "scheduler": "DDIM",
            "dtype": "float32",
            "device": "cpu",
        },
        checkers={"adherence": "1", "hands": "1", "quality": "1", "text": "1"},
        perceivers={
            "clip": {"model": "embedded", "weights": digest("clip"), "open_clip": "3.3.0"},
            "landmarks": {"mediapipe": "0.10.14", "weights": digest("landmarks")},
            "ocr": {"engine": "rapidocr", "weights": digest("ocr")},
        },
        calibrations={"hands": digest("hands")[:16]},
        rubric=RUBRIC,
        libraries={"torch": "2.15.0", "pillow": "12.3.0"},
        platform={"python": "3.11.9", "system": "Linux x86_64"},
    )


def _finished(images: Sequence[ImageRecord], files: dict[str, bytes]) -> FinishedRun:
    return FinishedRun(_info(), _report(images), images, _groups(images), lambda record: files.get(record.id))


def _bytes(made: _Made, place: int) -> bytes | None:
    if made.damaged:
        return _encoded(_landscape(place))[:3000]
    if made.paint is None or not made.at_hand:
        return None
    return _encoded(made.paint(place), "JPEG" if made.case is None else "PNG")


@cache
def made() -> FinishedRun:
    """24 pictures with everything that a report has to show."""
    drawn = [(plan, _bytes(plan, place)) for place, plan in enumerate(_plan())]
    images = [_record(plan, place, data) for place, (plan, data) in enumerate(drawn)]
    files = {record.id: data for record, (_, data) in zip(images, drawn, strict=True) if data is not None}
    return _finished(images, files)


def many(count: int) -> FinishedRun:
    """`count` pictures: those of `made()` again and again, each with an identity of its own."""
    first = made()
    images, files = [], {}
    for place in range(count):
        record = first.images[place % len(first.images)]
        round_number = place // len(first.images)
        seed = None if record.seed is None else record.seed + 4 * (round_number % 4)
        case = None if record.case is None else f"{record.case[:150]}-{round_number // 4}"
        copy = record.model_copy(update={"id": f"{record.id}~{round_number}", "case": case, "seed": seed})
        images.append(copy)
        data = first.picture(record)
        if data is not None:
            files[copy.id] = data
    return _finished(images, files)
