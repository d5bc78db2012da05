"""Say a prompt better: three versions without names, negations and empty praise, and where each may still fail.

Deterministic: words are replaced by rule. The result is a draft for a person; grammar may suffer where a name stood in
the middle of a phrase.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from imgaudit.prompts.failures import FailurePoint, failure_points
from imgaudit.prompts.folding import fold
from imgaudit.prompts.lint import Linter, PromptFinding, PromptLint
from imgaudit.types import Stored

STYLES = ("realistic", "editorial", "minimalist")
_TAILS = {
    "realistic": "photograph, natural light, true colours, visible texture, eye-level view",
    "editorial": "magazine photograph, one clear subject, soft light from one side, calm background, "
    "room for a headline",
    "minimalist": "plain background, few elements, two colours, wide empty space",
}
_NOT_DRAWN = "cartoon, painting, drawing"
_MEDIA = re.compile(
    r",?\s*\b(?:(?:a|an)\s+)?(?:(?:highly|richly|intricately|ultra|hyper|extremely|very)[- ]?(?:detailed|textured)\b|"
    r"photorealistic|hyperrealistic|(?:digital |vector |flat |comic book |anime )?illustrations?(?: of)?\b|"
    r"(?:oil |watercolou?r |abstract |acrylic )?paintings?(?: of)?\b|watercolou?rs?(?: of)?\b|oil on canvas|"
    r"(?:pencil |charcoal |ink )?(?:drawings?|sketch(?:es)?)(?: of)?\b|cartoons?(?: of)?\b|anime\b|pixel art\b|"
    r"3d renders?(?: of)?\b|octane render|unreal engine|(?:dslr |professional )?photo(?:graph)?s?(?: of)?\b|"
    r"intricate|ornate|8k|4k|hdr|trending on artstation)",
    re.IGNORECASE,
)
_BEFORE_NAME = re.compile(
    r"[,;]?\s*(?:\b(?:in the (?:style|manner|look|spirit|vein|tradition|aesthetic) of|inspired by|influenced by|"
    r"drawing on|art by|painted by|drawn by|photographed by|designed by|directed by|made by|by|after|like|as)\s+)?"
    r"(?:the\s+)?$",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"\b(?:a|an|the)\s+$", re.IGNORECASE)
_ADJECTIVES = re.compile(r"\b(?:a|an|the|one|two|three|four|\d+)\s+(?:[a-z-]+\s+){1,2}$", re.IGNORECASE)
_NOUN = re.compile(r"(?:['’]s)?\s+[a-z]{3,}")
_NO_NOUN = re.compile(
    r"\s+(?:and|with|in|on|at|of|under|over|by|from|for|the|as|to|near|next|made|shaking|is|are|was|has|inside|into|"
    r"through|above|below|behind|between|across|around|against|beside|while|riding|singing|reading|holding|jumping|"
    r"floating|charging|parked|coming|[a-z]+ing)\b"
)


class Version(Stored):
    """One way to say it, and what the lint still finds in it."""

    style: str
    prompt: str
    negative: str
    remaining: tuple[PromptFinding, ...]


class Refinement(Stored):
    """A prompt, what was found in it, what was replaced, its versions and likely faults."""

    format: str = "imgaudit-prompt-refinement/1"
    prompt: str
    findings: tuple[PromptFinding, ...]
    replaced: tuple[str, ...]
    versions: tuple[Version, ...]
    failures: tuple[FailurePoint, ...]

    @property
    def drawable(self) -> bool:
        """False where the prompt must not be drawn in any wording."""
        return all(finding.code != "people.minor-sexual" for finding in self.findings)


@dataclass
class _Draft:
    text: str
    added: list[str]
    negative: list[str]
    replaced: list[str]


def refine(prompt: str, linter: Linter | None = None) -> Refinement:
    """Three versions of a prompt and its likely faults."""
    linter = linter or Linter()
    lint = linter.lint(prompt)
    draft = cleaned(linter.lint(_shown(prompt, lint)))
    return Refinement(
        prompt=prompt,
        findings=lint.findings,
        replaced=tuple(draft.replaced),
        versions=tuple(_version(style, draft, linter) for style in STYLES),
        failures=failure_points(prompt),
    )


def _shown(prompt: str, lint: PromptLint) -> str:
    """The prompt with its hidden and look-alike characters written plainly."""
    letters = list(prompt)
    for finding in lint.findings:
        if finding.code == "text.hidden":
            letters[finding.start] = fold(prompt[finding.start])
    return "".join(c for c in letters if c in "\n\t" or c.isprintable())


def cleaned(lint: PromptLint) -> _Draft:
    """The prompt without what its lint found: names replaced, negations moved, praise left out."""
    draft = _Draft(lint.prompt, [], [], [])
    edge = len(lint.prompt) + 1
    for finding in sorted(lint.findings, key=lambda finding: (-finding.start, -finding.end)):
        if finding.end > edge:
            continue  # lies within a part that was replaced already
        start = _replace(draft, finding)
        edge = min(edge, start) if start is not None else edge
    draft.text = _tidy(draft.text)
    draft.added.reverse()
    draft.negative.reverse()
    draft.replaced.reverse()
    return draft


def _replace(draft: _Draft, finding: PromptFinding) -> int | None:
    """Replace one finding in the text; where the changed part begins, or None where nothing was changed."""
    code = finding.code
    if code == "clarity.negation":
        match = re.search(r"Put '([^']*)'", finding.better)
        if match:
            draft.negative.append(match[1])
        return _cut(draft, finding, r"[,;]?\s*(?:\b(?:and|with|but)\s+)?$")
    if code == "clarity.vague":
        return _cut(draft, finding, r"$")
    if code == "people.minor-sexual":
        draft.replaced.append("the whole prompt: it must not be drawn")
        draft.text, draft.added = "", []
        return 0
    if code in ("rights.style-of", "rights.credit"):
        made = r"(?:\b(?:art|painted|drawn|photographed|designed|directed|shot)\s+)?"
        return _cut(draft, finding, rf"[,;]?\s*{made}(?:\bby\s+)?$")
    if finding.name and code != "rights.perhaps":
        return _rename(draft, finding)
    return None


def _write(draft: _Draft, start: int, end: int, words: str) -> int:
    draft.text = draft.text[:start] + words + draft.text[end:]
    return start


def _cut(draft: _Draft, finding: PromptFinding, before: str) -> int:
    lead = re.search(before, draft.text[max(0, finding.start - 40) : finding.start])
    start = finding.start - (len(lead.group()) if lead else 0)
    return _write(draft, start, finding.end, "")


def _rename(draft: _Draft, finding: PromptFinding) -> int:
    neutral = finding.better.removeprefix("Name what the eye should see instead: ").removesuffix(".")
    lead = draft.text[max(0, finding.start - 60) : finding.start]
    if finding.kind == "artist":
        draft.replaced.append(f"{finding.text} -> {neutral}")
        draft.added.append(neutral)
        match = _BEFORE_NAME.search(lead)
        return _write(draft, finding.start - (len(match.group()) if match else 0), finding.end, "")
    if finding.code == "rights.described":
        draft.replaced.append(f"{finding.text} -> (described; change it by hand)")
        return finding.start
    if finding.code == "rights.brand":
        neutral = ""
    after = draft.text[finding.end : finding.end + 40]
    if finding.kind in ("mark", "agency") and _NOUN.match(after) and not _NO_NOUN.match(after):
        draft.replaced.append(f"{finding.text} -> unbranded")
        return _write(draft, finding.start, finding.end, "unbranded")
    article = _ARTICLE.search(lead)
    drop = len(article.group()) if article and neutral.startswith(("a ", "an ")) else 0
    if not drop and _ADJECTIVES.search(lead) and not _NO_NOUN.search(" " + lead.split()[-1]):
        neutral = neutral.removeprefix("a ").removeprefix("an ")
    draft.replaced.append(f"{finding.text} -> {neutral or '(left out)'}")
    return _write(draft, finding.start - drop, finding.end, neutral)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"([,;])(?:\s*[,;])+", r"\1", text)
    text = re.sub(r"\(\s*\)|\[\s*\]", "", text)
    text = re.sub(r"^[\s,;.]+|[\s,;]+$", "", text)
    return re.sub(r"\b([Aa])(n?)\s+(?=([a-z]))", _article, text)


def _article(match: re.Match[str]) -> str:
    """`a` before a consonant, `an` before a vowel: a word that stood between may have gone."""
    vowel = match[3] in "aeiou"
    rest = match.string[match.end() : match.end() + 4]
    if rest.startswith(("uni", "use", "one", "eu", "hour", "honest"[:4])):
        return match.group()
    return f"{match[1]}{'n' if vowel else ''} "


def _version(style: str, draft: _Draft, linter: Linter) -> Version:
    core = draft.text
    if not core and not draft.added:
        return Version(style=style, prompt="", negative="", remaining=())
    core = _tidy(_MEDIA.sub("", core)).rstrip(".") or core
    parts = [core, *(draft.added if style != "realistic" else ()), _TAILS[style]]
    prompt = ", ".join(part for part in parts if part)
    negative = [*draft.negative, *([_NOT_DRAWN] if style in ("realistic", "editorial") and not draft.added else [])]
    lint = linter.lint(prompt)
    return Version(style=style, prompt=prompt, negative=", ".join(negative), remaining=lint.findings)
