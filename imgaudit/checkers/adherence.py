"""Does the picture show its prompt?

A joint embedding (CLIP, SigLIP) says which of several texts fits the picture best. The prompt is put against foils
(the same prompt with one respect changed: another colour, another number, left for right) and against a packaged
list of unrelated texts, so that a picture without the prompt's subject cannot score well. `match` is the mean over
the kinds of foils, `worst_clause` the lowest kind. See `imgaudit.kernels.match` for the formula.

Foils come from the suite where it gives some, and from tables of words (`imgaudit.kernels.foils`) for the kinds that
the suite leaves out.

What CLIP is known not to tell is not asked of it. Against one hard foil, published CLIP models pick the right caption
in 60 to 71 % of counting pairs (VALSE), 42 to 52 % of spatial pairs (What'sUp) and 60 to 78 % of swapped pairs
(SugarCrepe), where a coin gets 50 %. Those kinds are listed as unmeasured, unless the model was trained for them, as
the embedded one was for its small world of shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import ClassVar

from imgaudit.digest import digest_bytes
from imgaudit.kernels import foils, match
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
_KINDS = ("colour", "shape", "size", "background", *_HARD)
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


@lru_cache(maxsize=_KEPT_PLANS)
def _plan(
    prompt: str, given: tuple[tuple[str, tuple[str, ...]], ...], english: bool, parts: tuple[str, str] | None
) -> Plan:
    chosen = foils.merged(dict(given), prompt if english else "")
    content, style = parts or (None, None)
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
    expect = case.expect
    parts = (expect.content, expect.style) if expect.content and expect.style else None
    return _plan(case.prompt, given, case.lang.lower().startswith("en"), parts)


@checker
class Adherence:
    """Compares a picture with its prompt, with foils of the prompt, and with unrelated texts."""

    name: ClassVar[str] = "adherence"
    title: ClassVar[str] = "Prompt adherence"
    version: ClassVar[str] = "1"
    dimensions: ClassVar[tuple[str, ...]] = ("adherence", "objects", "relations", "style")
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("match", "probability", "up", "that the picture shows its prompt, not a foil of it, mean over kinds"),
        Measure("worst_clause", "probability", "up", "the same for the kind of foil that does worst"),
        Measure("cosine", "cosine", "up", "of picture and prompt, -1..1; comparable within one prompt and model only"),
        Measure("truncated_tokens", "tokens", "down", "of the prompt that did not fit the model and were not judged"),
        Measure("foils", "texts", "none", "foils that the prompt was compared with"),
        Measure("anchors", "texts", "none", "unrelated texts that the prompt was compared with"),
        *(Measure(f"clause_{kind}", "probability", "up", f"that the {kind} is the prompt's") for kind in _KINDS),
        Measure("content_match", "probability", "up", "that the case's content shows, against unrelated texts"),
        Measure("style_match", "probability", "up", "that the case's style shows, against other styles"),
    )
    labels: ClassVar[Mapping[str, str]] = {
        "worst_kind": "the kind of foil that does worst; 'absent' when unrelated texts fit better than the prompt",
        "model": "the joint embedding that was asked",
        "anchors": "digest of the lists of unrelated texts and of styles",
        "other_kinds": "probabilities of kinds of foils that only the suite knows",
    }
    codes: ClassVar[Mapping[str, str]] = {
        "adherence.mismatch": "foils or unrelated texts fit the picture better than its prompt",
        "adherence.clause": "for one kind of foil, the foil fits better than the prompt",
        "adherence.truncated": "the prompt is longer than the model can read",
    }
    limits: ClassVar[str] = (
        "A joint embedding cannot count, place, bind or negate, except the embedded one in its small world of shapes; "
        "with other models those kinds are listed as unmeasured. Objects are not detected. Prompts that are not "
        "English get no foils but the suite's. What the prompt does not name is not judged, and without foils the "
        "score says only that the subject is there. The scores of two models cannot be compared with each other."
    )

    def ask(self, case: Case, percepts: Percepts) -> Sequence[Query]:
        """One question: how near the picture is to the prompt and everything it is compared with."""
        wanted = plan(case)
        return [] if wanted is None else [_query(wanted)]

    def measure(self, case: Case, percepts: Percepts) -> Outcome:
        """Match probabilities from the cosines."""
        wanted = plan(case)
        if wanted is None:
            return Abstained("no prompt", "give it with --prompts FILE.csv, or audit files that carry their prompt")
        seen = percepts.seen(_query(wanted), Match)
        if isinstance(seen, (Abstained, Failed)):
            return seen
        if not seen.knows:
            reason = seen.why_not or f"{seen.model} does not know such pictures"
            return Abstained(reason, "use a model that does: --clip hf-hub:laion/CLIP-ViT-B-32-laion2B-s34B-b79K")
        if len(seen.cosines) != len(wanted.texts) or len(seen.truncated) != len(wanted.texts):
            return Failed(f"clip answered for {len(seen.cosines)} texts, asked were {len(wanted.texts)}")
        return _measured(case, wanted, seen)


def _query(wanted: Plan) -> Query:
    return Query("clip", {"texts": list(wanted.texts)})


def _measured(case: Case, wanted: Plan, seen: Match) -> Outcome:
    cosines = dict(zip(wanted.texts, seen.cosines, strict=True))
    truncated = dict(zip(wanted.texts, seen.truncated, strict=True))[wanted.prompt]
    usable, unmeasured = _usable(wanted, seen, cosines, truncated)
    anchors = wanted.anchors[EMBEDDED if seen.model == EMBEDDED else "everyday"]
    compared = match.compare(
        cosines[wanted.prompt],
        {kind: [cosines[text] for text in texts] for kind, texts in usable.items()},
        [cosines[text] for text in anchors],
        seen.scale,
    )
    if compared is None:
        why = "; ".join(sorted(unmeasured.values()))
        return Abstained(
            "there is nothing to compare the prompt with" + (f" ({why})" if why else ""),
            "give foils in the suite: `foils` of a case, by kind",
        )
    styled, unstyled = _style(wanted, seen, cosines, anchors)
    if case.expect.objects and seen.model != EMBEDDED:
        unmeasured["objects"] = "no detector"
    return Measured(
        measures={
            "match": compared.match,
            "worst_clause": compared.worst,
            "cosine": cosines[wanted.prompt],
            "truncated_tokens": float(truncated),
            "foils": float(sum(map(len, usable.values()))),
            "anchors": float(len(anchors)),
            **{f"clause_{kind}": value for kind, value in compared.kinds.items() if kind in _KINDS},
            **styled,
        },
        labels=_labels(compared, seen),
        unmeasured={**unmeasured, **unstyled},
        codes=_codes(compared, truncated),
        message=_message(compared, usable, truncated),
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


def _style(
    wanted: Plan, seen: Match, cosines: Mapping[str, float], anchors: Sequence[str]
) -> tuple[dict[str, float], dict[str, str]]:
    """How far content and style show, each on its own; nothing where the case does not name both."""
    if wanted.content is None or wanted.style is None:
        return {}, {}
    if seen.model == EMBEDDED:
        return {}, dict.fromkeys(("content_match", "style_match"), "the embedded model knows no styles")
    pairs = (("content_match", wanted.content, anchors), ("style_match", wanted.style, wanted.styles))
    measured, unmeasured = {}, {}
    for name, text, others in pairs:
        value = match.against(cosines[text], [cosines[other] for other in others], seen.scale)
        if value is None:
            unmeasured[name] = f"no packaged text is unrelated to {text[:60]!r}"
        else:
            measured[name] = value
    return measured, unmeasured


def _labels(compared: match.Comparison, seen: Match) -> dict[str, str]:
    others = [f"{kind} {value:.3f}" for kind, value in sorted(compared.kinds.items()) if kind not in _KINDS]
    labels = {"worst_kind": compared.worst_kind, "model": seen.model, "anchors": anchors_digest()}
    return {**labels, "other_kinds": ", ".join(others)} if others else labels


def _codes(compared: match.Comparison, truncated: int) -> tuple[str, ...]:
    found = {
        "adherence.mismatch": compared.match < _TWO_TEXTS,
        "adherence.clause": compared.worst < _TWO_TEXTS,
        "adherence.truncated": truncated > 0,
    }
    return tuple(code for code, holds in found.items() if holds)


def _message(compared: match.Comparison, usable: Mapping[str, tuple[str, ...]], truncated: int) -> str:
    number = sum(map(len, usable.values()))
    rivals = f"{number} foils and unrelated texts" if number else "unrelated texts alone"
    text = f"shows its prompt with probability {compared.match:.2f} against {rivals}"
    if compared.worst_kind == match.ABSENT:
        text += "; unrelated texts fit better, its subject may be missing" if compared.match < _TWO_TEXTS else ""
    else:
        text += f"; weakest in {compared.worst_kind} ({compared.worst:.2f})"
    return text + (f"; {truncated} tokens at its end were not read" if truncated else "")
