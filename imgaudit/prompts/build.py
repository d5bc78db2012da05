"""Build a prompt from its parts, in the order in which encoders read best, and lint it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from imgaudit.errors import UsageError
from imgaudit.prompts.brand import Brand
from imgaudit.prompts.failures import FailurePoint, failure_points
from imgaudit.prompts.lint import Linter, PromptLint
from imgaudit.types import Stored

MAX_PART = 2_000
_SHORT_MESSAGE = 3
_ALWAYS_AVOID = ("watermark", "signature")

QUESTIONS = {
    "subject": "What is shown, and what does it do?",
    "setting": "Where, and when?",
    "composition": "How is it arranged (close-up, centred, space on the left ...)?",
    "lighting": "What light (window light from the left, overcast ...)?",
    "style": "Photograph, drawing, which technique (no names)?",
    "camera": "Lens, height and distance, if a photograph?",
    "mood": "What mood?",
    "palette": "Which colours?",
    "include": "What must be there, separated by commas?",
    "avoid": "What must not be there, separated by commas?",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The answers to `QUESTIONS`; an empty one is left out."""

    subject: str = ""
    setting: str = ""
    composition: str = ""
    lighting: str = ""
    style: str = ""
    camera: str = ""
    mood: str = ""
    palette: str = ""
    include: str = ""
    avoid: str = ""


class Built(Stored):
    """A prompt, its negative prompt, and what the lint says of it."""

    format: str = "imgaudit-prompt-build/1"
    prompt: str
    negative: str
    advice: tuple[str, ...]
    lint: PromptLint
    failures: tuple[FailurePoint, ...]


def build(parts: Parts, linter: Linter, brand: Brand | None = None, message: str = "") -> Built:
    """Put the parts together; with a brand, add its colours and words and forbid what it avoids."""
    _check(parts, message)
    advice: list[str] = []
    parts = _with_message(parts, message, advice)
    parts = _with_brand(parts, brand) if brand else parts
    if not parts.subject:
        raise UsageError("a prompt needs a subject; give --subject, or --message with --brand")
    if brand is not None:
        linter = dataclasses.replace(
            linter, brands=(*brand.forbidden(), *linter.brands), owned=(*brand.owns, *linter.owned)
        )
    prompt = _prompt(parts)
    listed = [*_listed(parts.avoid), *(brand.avoid if brand else ()), *_ALWAYS_AVOID]
    negative = ", ".join(dict.fromkeys(listed))
    return Built(
        prompt=prompt,
        negative=negative,
        advice=tuple(advice),
        lint=linter.lint(prompt),
        failures=failure_points(prompt),
    )


def _check(parts: Parts, message: str) -> None:
    for name, text in (*dataclasses.asdict(parts).items(), ("message", message)):
        if len(text) > MAX_PART:
            raise UsageError(f"--{name}: {len(text):,} characters; expected at most {MAX_PART:,}")


def _with_message(parts: Parts, message: str, advice: list[str]) -> Parts:
    """A short message becomes lettering; a long one gets room, because its letters would be misspelt."""
    message = " ".join(message.replace('"', "'").split())
    if not message:
        return parts
    if len(message.split()) <= _SHORT_MESSAGE:
        subject = parts.subject or "a poster"
        return dataclasses.replace(parts, subject=f'{subject} with the words "{message}" in large plain letters')
    advice.append(f"set the message in type afterwards, in the space that the prompt leaves: {message}")
    subject = parts.subject or f"a scene about {message.rstrip('.!').lower()}"
    composition = ", ".join(filter(None, (parts.composition, "wide calm space at the top for a headline")))
    return dataclasses.replace(parts, subject=subject, composition=composition)


def _with_brand(parts: Parts, brand: Brand) -> Parts:
    colours = " and ".join(colour.name for colour in brand.colours[:3])
    return dataclasses.replace(
        parts,
        palette=parts.palette or (f"{colours} as the main colours" if colours else ""),
        style=parts.style or brand.style,
        include=", ".join(filter(None, (parts.include, *brand.use))),
    )


def _prompt(parts: Parts) -> str:
    subject = " ".join(parts.subject.split()).rstrip(",. ")
    opening = " ".join(filter(None, (subject, parts.setting.strip())))
    include = _listed(parts.include)
    clauses = [
        opening,
        *([f"with {', '.join(include)}"] if include else []),
        parts.composition,
        parts.lighting,
        f"{parts.mood.strip()} mood" if parts.mood.strip() else "",
        parts.palette,
        parts.style,
        parts.camera,
    ]
    return ", ".join(clause.strip().rstrip(",.") for clause in clauses if clause.strip())


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
