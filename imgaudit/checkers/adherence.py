"""Does the picture show its prompt?

A joint embedding (CLIP, SigLIP) says which of several texts fits the picture best. The prompt is put against foils
(the same prompt with one respect changed: another colour, another number, left for right) and against a packaged
list of unrelated texts, so that a picture without the prompt's subject cannot score well. `match` is the mean over
the kinds of foils, `worst_clause` the lowest kind. See `imgaudit.kernels.match` for the formula.

Foils come from the suite where it gives some, and from tables of words (`imgaudit.kernels.foils`) for the kinds that
the suite leaves out.

A prompt that is longer than the model's window is read once more in pieces, cut at its clauses
(`imgaudit.kernels.pieces`), each against foils of its own. `match` is then the mean over the pieces by their words,
`worst_clause` the lowest piece. How much did not fit in one piece is always told (`beyond_window`), and what was in no
piece that fits is told apart (`truncated_tokens`): that was never judged.

What CLIP is known not to tell is not asked of it. Against one hard foil, published CLIP models pick the right caption
in 60 to 71 % of counting pairs (VALSE), 42 to 52 % of spatial pairs (What'sUp) and 60 to 78 % of swapped pairs
(SugarCrepe), where a coin gets 50 %. Those kinds are listed as unmeasured, unless the model was trained for them, as
the embedded one was for its small world of shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources
from typing import ClassVar

from imgaudit.digest import digest_bytes
from imgaudit.kernels import foils, match
from imgaudit.kernels.clipscore import full_name
from imgaudit.kernels.pieces import LEAST, MOST, pieces
from imgaudit.percepts import Match
from imgaudit.registry import checker
from imgaudit.types import Abstained, Case, Failed, Measure, Measured, Outcome, Percepts, Query

EMBEDDED = "embedded"
"""`Match.model` of the packaged model, which was trained to count, place, bind and negate in its own world."""

_HARD: dict[str, str] = {
    "count": "CLIP cannot count: it needs a detector or a question-answering model",
    "relation": "CLIP cannot tell places: it needs a detector or a question-answering model",
    "binding": "CLIP cannot tell whose attribute is whose: it needs a detector or a question-answering model",
    "negation": "CLIP passes over negations: it needs a question-answering model",
}
_KINDS = ("colour", "shape", "size", "background", "object", "attribute", *_HARD)
FORMULA = "mean over kinds of p(prompt) against foils and unrelated texts"
_OUT_OF_SIGHT = "the words that differ lie beyond the model's window"
_TWO_TEXTS = 0.5
_KEPT_PLANS = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """The texts that one prompt is compared with."""

    prompt: str
    foils: Mapping[str, tuple[str, ...]]
    anchors: Mapping[str, tuple[str, ...]]
    content: str | None
    style: str | None
    styles: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text, once, in a fixed order; the prompt first."""
        groups: list[Iterable[str]] = [(self.prompt,), *self.foils.values(), *self.anchors.values(), self.styles]
        groups.append(text for text in (self.content, self.style) if text)
        return tuple(dict.fromkeys(text for group in groups for text in group))


@cache
def packaged(name: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The texts of a packaged list, each with the words that tie a prompt to it."""
    found = []
    for line in _read(name).decode().splitlines():
        text = line.partition("|")[0]
        if text.strip() and not text.startswith("#"):
            found.append((text.strip(), foils.content_words(line)))
    return tuple(found)


@cache
def anchors_digest() -> str:
    """Digest of the packaged lists that every score rests on."""
    return digest_bytes(b"".join(_read(name) for name in ("anchors.txt", "anchors-shapes.txt", "styles.txt")))


def _read(name: str) -> bytes:
    return (resources.files("imgaudit") / "prompts" / name).read_bytes()


def unrelated(name: str, *texts: str) -> tuple[str, ...]:
    """The texts of a packaged list that share no word with the given ones."""
    words = frozenset().union(*(foils.content_words(text) for text in texts))
    return tuple(text for text, ties in packaged(name) if not ties & words)


Parts = tuple[str | None, str | None]


@lru_cache(maxsize=_KEPT_PLANS)
def _plan(prompt: str, given: tuple[tuple[str, tuple[str, ...]], ...], english: bool, parts: Parts) -> Plan:
    chosen = foils.merged(dict(given), prompt if english else "")
    content, style = parts
    return Plan(
        prompt=prompt,
        foils={kind: tuple(text for text in texts if text != prompt) for kind, texts in chosen.items()},
        anchors={
            "everyday": unrelated("anchors.txt", prompt, content or ""),
            EMBEDDED: unrelated("anchors-shapes.txt", prompt, content or ""),
        },
        content=content,
        style=style,
        styles=unrelated("styles.txt", style) if style else (),
    )


def plan(case: Case) -> Plan | None:
    """What a case's picture is compared with; None without a prompt."""
    if not case.prompt or not case.prompt.strip():
        return None
    given = tuple(sorted((kind, tuple(texts)) for kind, texts in case.foils.items()))
    return _plan(case.prompt, given, _english(case), parts_of(case))


def _english(case: Case) -> bool:
    return case.lang.lower().startswith("en")


def parts_of(case: Case) -> Parts:
    """Content and style of a prompt: what the suite says, else its style clause; nothing where no style is named."""
    clauses = (clause.value or clause.text for clause in case.clauses if clause.kind == "style")
    style = case.expect.style or next(clauses, None)
    return (case.expect.content, style) if style else (None, None)


def _piece_plans(case: Case, wanted: Plan) -> tuple[Plan, ...]:
    # some models read 32 tokens, so that a prompt which does not fit may be short: halves at least
    most = min(MOST, max(LEAST, len(wanted.prompt.split()) // 2))
    return tuple(_plan(piece, (), _english(case), (None, None)) for piece in pieces(wanted.prompt, most))


@checker
class Adherence:
    """Compares a picture with its prompt, with foils of the prompt, and with unrelated texts."""

    name: ClassVar[str] = "adherence"
    title: ClassVar[str] = "Prompt adherence"
    version: ClassVar[str] = "2"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence", "objects", "relations", "style")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("match", "probability", "up", "that the picture shows its prompt, not a foil of it, mean over kinds"),
        Measure("worst_clause", "probability", "up", "the same for the kind of foil that does worst"),
        Measure("cosine", "cosine", "up", "of picture and prompt, -1..1; comparable within one prompt and model only"),
        Measure("truncated_tokens", "tokens", "down", "of the prompt that no text which fits holds: never judged"),
        Measure("beyond_window", "tokens", "none", "of the prompt that do not fit the model's window in one piece"),
        Measure("pieces", "texts", "none", "pieces that the prompt was read in; 1 where it fits the window"),
        Measure("foils", "texts", "none", "foils that the prompt was compared with"),
        Measure("anchors", "texts", "none", "unrelated texts that the prompt was compared with"),
        *(Measure(f"clause_{kind}", "probability", "up", f"that the {kind} is the prompt's") for kind in _KINDS),
        Measure("content_match", "probability", "up", "that the case's content shows, against unrelated texts"),
        Measure("style_match", "probability", "up", "that the case's style shows, against other styles"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "worst_kind": "the kind of foil that does worst; 'absent' when unrelated texts fit better than the prompt",
        "worst_piece": "the piece of a long prompt that does worst",
        "model": "the joint embedding that was asked",
        "metric": "what `match` is in full: formula, backbone, weights, text template, scale",
        "anchors": "digest of the lists of unrelated texts and of styles",
        "other_kinds": "probabilities of kinds of foils that only the suite knows",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "adherence.mismatch": "foils or unrelated texts fit the picture better than its prompt",
        "adherence.clause": "for one kind of foil, the foil fits better than the prompt",
        "adherence.truncated": "a part of the prompt is longer than the model can read",
        "adherence.in_pieces": "the prompt is longer than the model's window and was read in pieces",
    }
    limits: ClassVar[str] = (
        "A joint embedding cannot count, place, bind or negate, except the embedded one in its small world of shapes; "
        "with other models those kinds are listed as unmeasured. Objects are not detected. Prompts that are not "
        "English get no foils but the suite's. What the prompt does not name is not judged, and without foils the "
        "score says only that the subject is there. The scores of two models cannot be compared with each other, nor "
        "that of a prompt read in pieces with one read whole: what joins two pieces is not judged."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """How near the picture is to the prompt and to what it is compared with; then to the pieces of a long one."""
        wanted = plan(case)
        if wanted is None:
            return []
        first = query_of(wanted)
        seen = percepts.get(first)
        if isinstance(seen, Match) and _beyond(wanted, seen):
            return [first, _pieces_query(_piece_plans(case, wanted))]
        return [first]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Match probabilities from the cosines."""
        wanted = plan(case)
        if wanted is None:
            return Abstained("no prompt", "give it with --prompts FILE.csv, or audit files that carry their prompt")
        seen = percepts.seen(query_of(wanted), Match)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if not seen.knows:
            return unknown(seen)
        if len(seen.cosines) != len(wanted.texts) or len(seen.truncated) != len(wanted.texts):
            return Failed(f"clip answered for {len(seen.cosines)} texts, asked were {len(wanted.texts)}")
        if not _beyond(wanted, seen):
            return _measured(case, wanted, seen, [_judged(wanted, seen, 1.0)])
        return _in_pieces(case, wanted, seen, percepts)


def unknown(seen: Match) -> Abstained:
    """The abstention of a model that knows no such pictures."""
    reason = seen.why_not or f"{seen.model} does not know such pictures"
    return Abstained(reason, "use a model that does: --clip hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K")


def query_of(wanted: Plan) -> Query:
    """The question that a plan is answered by; other checkers that ask it cost nothing."""
    return Query("clip", {"texts": list(wanted.texts)})


def _pieces_query(plans: Sequence[Plan]) -> Query:
    return Query("clip", {"texts": list(dict.fromkeys(text for piece in plans for text in piece.texts))})


def _beyond(wanted: Plan, seen: Match) -> int:
    """Tokens of the prompt that do not fit the model's window."""
    return dict(zip(wanted.texts, seen.truncated, strict=False)).get(wanted.prompt, 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one text: of the prompt, or of a piece of it.

    Attributes:
        text: the prompt or the piece.
        weight: its share of `match`.
        compared: None where there is nothing to compare it with.
        usable, unmeasured: foils that the model can judge, by kind; why other kinds are not judged.
        truncated: tokens that did not fit.
        anchors: number of unrelated texts.
    """

    text: str
    weight: float
    compared: match.Comparison | None
    usable: Mapping[str, tuple[str, ...]]
    unmeasured: Mapping[str, str]
    truncated: int
    anchors: int


def _judged(wanted: Plan, seen: Match, weight: float, cosines: Mapping[str, float] | None = None) -> Reading:
    """Compare one text; `seen` holds its cosines unless they are given."""
    cosines = cosines or dict(zip(wanted.texts, seen.cosines, strict=True))
    truncated = _beyond(wanted, seen)
    usable, unmeasured = _usable(wanted, seen, cosines, truncated)
    anchors = anchors_of(wanted, seen)
    compared = match.compare(
        cosines[wanted.prompt],
        {kind: [cosines[text] for text in texts] for kind, texts in usable.items()},
        [cosines[text] for text in anchors],
        seen.scale,
    )
    return Reading(wanted.prompt, weight, compared, usable, unmeasured, truncated, len(anchors))


def anchors_of(wanted: Plan, seen: Match) -> tuple[str, ...]:
    """The unrelated texts of the world that a model knows."""
    return wanted.anchors[EMBEDDED if seen.model == EMBEDDED else "everyday"]


def _in_pieces(case: Case, wanted: Plan, whole: Match, percepts: Percepts) -> Outcome:
    """The measurement of a prompt that does not fit the model's window."""
    plans = _piece_plans(case, wanted)
    query = _pieces_query(plans)
    seen = percepts.seen(query, Match)
    if isinstance(seen, (Abstained, Failed)):
        return seen
    texts: list[str] = query.parameters["texts"]
    if len(seen.cosines) != len(texts):
        return Failed(f"clip answered for {len(seen.cosines)} texts, asked were {len(texts)}")
    rows = {text: (cosine, cut) for text, cosine, cut in zip(texts, seen.cosines, seen.truncated, strict=True)}
    readings = []
    for piece in plans:
        own = seen.model_copy(
            update={
                "cosines": tuple(rows[text][0] for text in piece.texts),
                "truncated": tuple(rows[text][1] for text in piece.texts),
            }
        )
        readings.append(_judged(piece, own, float(len(piece.prompt.split()) or 1)))
    given = {kind: texts for kind, texts in wanted.foils.items() if kind in _own_kinds(case)}
    if given:  # what a suite's author wrote is about the whole prompt; it counts as one piece more
        readings.append(_judged(replace(wanted, foils=given), whole, float(MOST), _cosines(wanted, whole)))
    return _measured(case, wanted, whole, readings, len(plans))


def _own_kinds(case: Case) -> frozenset[str]:
    return frozenset("colour" if kind == "color" else kind for kind, texts in case.foils.items() if texts)


def _cosines(wanted: Plan, seen: Match) -> dict[str, float]:
    return dict(zip(wanted.texts, seen.cosines, strict=True))


def _measured(case: Case, wanted: Plan, seen: Match, readings: Sequence[Reading], pieces_read: int = 1) -> Outcome:
    """The outcome; the first `pieces_read` readings are those of the pieces, or the one of the whole prompt."""
    unmeasured = {name: why for reading in readings for name, why in reading.unmeasured.items()}
    told = [reading for reading in readings if reading.compared is not None and (reading.usable or reading.anchors)]
    if not told:
        why = "; ".join(sorted(set(unmeasured.values())))
        return Abstained(
            "there is nothing to compare the prompt with" + (f" ({why})" if why else ""),
            "give foils in the suite: `foils` of a case, by kind",
        )
    compared, lowest = match.over_pieces([(r.weight, r.compared) for r in told if r.compared is not None])
    styled, unstyled = _style(wanted, seen)
    if case.expect.objects and seen.model != EMBEDDED:
        unmeasured["objects"] = "told by the check 'objects', where a detector knows the picture"
    measures = {
        "match": compared.match,
        "worst_clause": compared.worst,
        "cosine": _cosines(wanted, seen)[wanted.prompt],
        "truncated_tokens": float(sum(reading.truncated for reading in readings[:pieces_read])),
        "beyond_window": float(_beyond(wanted, seen)),
        "pieces": float(pieces_read),
        "foils": float(sum(len(texts) for reading in told for texts in reading.usable.values())),
        "anchors": float(max(reading.anchors for reading in told)),
        **{f"clause_{kind}": value for kind, value in compared.kinds.items() if kind in _KINDS},
        **styled,
    }
    unmeasured = {name: why for name, why in {**unmeasured, **unstyled}.items() if name not in measures}
    labels = _labels(compared, seen)
    if len(readings) > 1:
        labels["worst_piece"] = told[lowest].text[:200]
    codes = _codes(compared, measures)
    return Measured(
        measures=measures, labels=labels, unmeasured=unmeasured, codes=codes, message=_message(compared, measures)
    )


def _usable(
    wanted: Plan, seen: Match, cosines: Mapping[str, float], truncated: int
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Foils that this model can judge, by kind, and why the other kinds are not measured."""
    usable: dict[str, tuple[str, ...]] = {}
    unmeasured: dict[str, str] = {}
    for kind, texts in wanted.foils.items():
        if kind in _HARD and seen.model != EMBEDDED:
            unmeasured[f"clause_{kind}"] = _HARD[kind]
            continue
        # past its window a model reads nothing, so a difference there leaves the cosine exactly as it was
        told = tuple(text for text in texts if not (truncated and cosines[text] == cosines[wanted.prompt]))
        if told:
            usable[kind] = told
        elif texts:
            unmeasured[f"clause_{kind}"] = _OUT_OF_SIGHT
    return usable, unmeasured


def _style(wanted: Plan, seen: Match) -> tuple[dict[str, float], dict[str, str]]:
    """How far content and style show, each on its own; nothing where the case does not name them."""
    pairs = (
        ("content_match", wanted.content, anchors_of(wanted, seen)),
        ("style_match", wanted.style, wanted.styles),
    )
    measured, unmeasured = {}, {}
    for name, text, others in pairs:
        if text is None:
            continue
        value = shown(wanted, seen, text, others)
        if value is None:
            unmeasured[name] = _why_no_style(seen, text)
        else:
            measured[name] = value
    return measured, unmeasured


def shown(wanted: Plan, seen: Match, text: str, others: Sequence[str]) -> float | None:
    """Probability that one of a plan's texts shows rather than others of them; None where it cannot be told.

    The embedded model knows no styles: of a prompt that names one it tells nothing.
    """
    if seen.model == EMBEDDED and wanted.style is not None:
        return None
    cosines = _cosines(wanted, seen)
    return match.against(cosines[text], [cosines[other] for other in others], seen.scale)


def _why_no_style(seen: Match, text: str) -> str:
    if seen.model == EMBEDDED:
        return "the embedded model knows no styles"
    return f"no packaged text is unrelated to {text[:60]!r}"


def _labels(compared: match.Comparison, seen: Match) -> dict[str, str]:
    others = [f"{kind} {value:.3f}" for kind, value in sorted(compared.kinds.items()) if kind not in _KINDS]
    scale = f"0..1, logit scale {seen.scale:g}"
    labels = {
        "worst_kind": compared.worst_kind,
        "model": seen.model,
        "metric": full_name(FORMULA, seen.model, seen.weights, "{prompt}", scale),
        "anchors": anchors_digest(),
    }
    return {**labels, "other_kinds": ", ".join(others)} if others else labels


def _codes(compared: match.Comparison, measures: Mapping[str, float]) -> tuple[str, ...]:
    found = {
        "adherence.mismatch": compared.match < _TWO_TEXTS,
        "adherence.clause": compared.worst < _TWO_TEXTS,
        "adherence.truncated": measures["truncated_tokens"] > 0,
        "adherence.in_pieces": measures["beyond_window"] > 0,
    }
    return tuple(code for code, holds in found.items() if holds)


def _message(compared: match.Comparison, measures: Mapping[str, float]) -> str:
    number, read_in, lost = (int(measures[name]) for name in ("foils", "pieces", "truncated_tokens"))
    rivals = f"{number} foils and unrelated texts" if number else "unrelated texts alone"
    text = f"shows its prompt with probability {compared.match:.2f} against {rivals}"
    if compared.worst_kind == match.ABSENT:
        text += "; unrelated texts fit better, its subject may be missing" if compared.match < _TWO_TEXTS else ""
    else:
        text += f"; weakest in {compared.worst_kind} ({compared.worst:.2f})"
    text += f"; read in {read_in} pieces, the prompt is longer than the model's window" if read_in > 1 else ""
    return text + (f"; {lost} tokens were not read" if lost else "")
