"""Lint a prompt: whose rights it touches, and whether it can be drawn as it is said.

Deterministic and offline. A finding has a code, its place, why it matters with the source of that claim, and how to say
it better. Exit codes: 0 nothing found, 3 edit or advice, 1 reject. See docs/prompts.md for lists, limits and figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from imgaudit.errors import UsageError
from imgaudit.prompts.clarity import Remark, clarity
from imgaudit.prompts.codes import CODES, Level
from imgaudit.prompts.folding import Token, folded, tokens
from imgaudit.prompts.names import FUZZY_WORDS, Entry, Names, packaged
from imgaudit.prompts.neutral import neutral_words
from imgaudit.prompts.profiles import Profile, load_profile
from imgaudit.prompts.rights import Right, rights
from imgaudit.prompts.window import CLIP_WINDOW
from imgaudit.types import Stored

MAX_PROMPT = 1 << 20
_SHOWN = 120


class PromptFinding(Stored):
    """One finding in a prompt; `start` and `end` count characters of the prompt as given."""

    code: str
    level: Level
    start: int
    end: int
    text: str
    title: str
    name: str = ""
    kind: str = ""
    how: str = ""
    why: str
    better: str
    source: str


class PromptLint(Stored):
    """All findings in one prompt, worst first within the order of the prompt."""

    format: str = "imgaudit-prompt-lint/1"
    id: str = ""
    prompt: str
    profile: str
    findings: tuple[PromptFinding, ...]

    @property
    def exit_code(self) -> int:
        """0 nothing, 3 edit or advice, 1 reject."""
        levels = {finding.level for finding in self.findings}
        return 1 if "reject" in levels else 3 if levels else 0


@dataclass(frozen=True)
class Linter:
    """A profile, further names and permitted ones; the tables are built once.

    Attributes:
        brands: entries of the user's own list; they count as `rights.brand` unless they say another kind.
        owned: names that the user may use; nothing is said of them.
    """

    profile: Profile = field(default_factory=lambda: load_profile("none"))
    brands: tuple[Entry, ...] = ()
    owned: tuple[str, ...] = ()
    window: int = CLIP_WINDOW

    @cached_property
    def names(self) -> Names:
        """The user's names go before the packaged ones."""
        return Names((*self.brands, *packaged()))

    @cached_property
    def _owned(self) -> frozenset[str]:
        free = {folded(name) for name in self.owned}
        aliases = {
            folded(entry.name) for entry in packaged() if free & {folded(a) for a in (entry.name, *entry.aliases)}
        }
        return frozenset(free | aliases)

    def lint(self, prompt: str, identity: str = "") -> PromptLint:
        """All findings in a prompt. Raises UsageError for one longer than a million characters."""
        if len(prompt) > MAX_PROMPT:
            raise UsageError(
                f"a prompt of {len(prompt):,} characters; expected at most {MAX_PROMPT:,}. Split it into prompts"
            )
        words = tokens(prompt)
        found = [_of_right(right, prompt, self.profile) for right in rights(prompt, words, self.names, self._owned)]
        found += [_of_remark(remark, prompt, self.profile) for remark in self._remarks(prompt, words)]
        kept = [finding for finding in found if finding is not None]
        return PromptLint(
            id=identity,
            prompt=prompt,
            profile=self.profile.name,
            findings=tuple(sorted(kept, key=lambda finding: (finding.start, finding.code))),
        )

    def _remarks(self, prompt: str, words: Sequence[Token]) -> Iterable[Remark]:
        yield from clarity(prompt, words, self.window)
        if not self.profile.accepts_generated:
            yield Remark("platform.not-accepted", 0, 0)
        if len(words) > FUZZY_WORDS:
            yield Remark("text.unread", words[FUZZY_WORDS].start, len(prompt))


def _of_right(right: Right, prompt: str, profile: Profile) -> PromptFinding | None:
    entry = right.entry
    neutral = neutral_words(entry) if entry else ""
    name = entry.name if entry else ""
    why = CODES[right.code].why
    if entry is not None and entry.died is not None and entry.kind in ("artist", "person"):
        why += f" Died {entry.died if entry.died > 0 else f'{-entry.died} before our era'}."
    if entry is not None and entry.owner:
        why += f" Owner, as far as known: {entry.owner.rstrip('.')}."
    if entry is not None and entry.note:
        why += f" Note: {entry.note}."
    return _finding(right.code, right.start, right.end, prompt, profile, _Words(name, right.how, why, neutral, entry))


def _of_remark(remark: Remark, prompt: str, profile: Profile) -> PromptFinding | None:
    why = CODES[remark.code].why + (f" Here: {remark.detail}." if remark.detail else "")
    return _finding(remark.code, remark.start, remark.end, prompt, profile, _Words("", "", why, remark.neutral, None))


@dataclass(frozen=True, slots=True)
class _Words:
    name: str
    how: str
    why: str
    neutral: str
    entry: Entry | None


def _finding(code: str, start: int, end: int, prompt: str, profile: Profile, words: _Words) -> PromptFinding | None:
    level = profile.level(code)
    if level == "off":
        return None
    return PromptFinding(
        code=code,
        level=level,
        start=start,
        end=end,
        text=prompt[start:end][:_SHOWN],
        title=CODES[code].title,
        name=words.name,
        kind=words.entry.kind if words.entry else "",
        how=words.how,
        why=words.why,
        better=CODES[code].better.format(neutral=words.neutral or "what is meant"),
        source=profile.where(code),
    )
