"""Platform profiles: what a platform's published rule makes of each finding. And lists of a user's own names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, field_validator

from imgaudit.errors import ConfigError, UsageError
from imgaudit.prompts.codes import CODES, Level, sources
from imgaudit.prompts.names import COLUMNS, Entry, is_symbolic, read_list
from imgaudit.types import Stored
from imgaudit.yamlfile import Place, read_yaml, validated

FOLDER = Path(__file__).parent / "profiles"
MAX_BYTES = 4 << 20
MAX_NAMES = 50_000
MAX_NAME = 100
MAX_SYMBOLIC = 1_000


class Profile(Stored):
    """A platform's rule on prompts, as levels of findings."""

    format: str = Field(pattern=r"^imgaudit-prompt-profile/1$")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    about: str = ""
    source: str = Field(default="practice", description="a key of lists/sources.tsv, or an address")
    accepts_generated: bool = True
    levels: dict[str, Level] = Field(default_factory=dict)

    @field_validator("levels")
    @classmethod
    def _known(cls, levels: dict[str, Level]) -> dict[str, Level]:
        for code in levels:
            if code not in CODES:
                near = difflib.get_close_matches(code, CODES, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(CODES)}"
                raise ValueError(f"unknown code {code!r}; {hint}")
        return levels

    def level(self, code: str) -> Level:
        """The level of a code under this profile."""
        return self.levels.get(code, CODES[code].level)

    def where(self, code: str) -> str:
        """Title and address of what says so: the profile's own source where it sets the level."""
        key = self.source if code in self.levels else CODES[code].source
        source = sources().get(key)
        return f"{source.title}: {source.url}" if source else key


def packaged_profiles() -> list[str]:
    """Names of the packaged profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """A packaged profile by name, or one from a YAML file."""
    if name in packaged_profiles():
        path = FOLDER / f"{name}.yaml"
    elif name.endswith((".yaml", ".yml")):
        path = Path(name)
    else:
        raise UsageError(f"unknown profile {name[:80]!r}; there are: {', '.join(packaged_profiles())}, or a .yaml file")
    return validated(read_yaml(path), Profile, _allowed)


def _allowed(place: Place) -> Iterable[str]:
    return Profile.model_fields if not place else ()


def read_brands(path: Path) -> list[Entry]:
    """A user's own list: one name a line (aliases after bars), or a TSV with the columns of the packaged lists.

    Names are compared literally, never as patterns.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path.name}:1: is larger than {MAX_BYTES >> 20} MiB; split it")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path.name}:1: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}:1: is not UTF-8; save the file as UTF-8") from None
    entries = _rows(path, text) if text.startswith("\t".join(COLUMNS[:2])) else list(_lines(path, text))
    if sum(is_symbolic(name) for entry in entries for name in (entry.name, *entry.aliases)) > MAX_SYMBOLIC:
        raise ConfigError(f"{path.name}: more than {MAX_SYMBOLIC:,} names are made of signs; expected words")
    return entries


def _rows(path: Path, text: str) -> list[Entry]:
    try:
        return [_checked(path, entry) for entry in read_list(text)]
    except ValueError as error:
        raise ConfigError(f"{path.name}: {error}") from None


def _lines(path: Path, text: str) -> Iterable[Entry]:
    for number, line in enumerate(text.splitlines(), start=1):
        names = [part.strip() for part in line.split("|") if part.strip()]
        if not names or line.lstrip().startswith("#"):
            continue
        if number > MAX_NAMES or any(len(name) > MAX_NAME for name in names):
            raise ConfigError(
                f"{path.name}:{number}: a list holds at most {MAX_NAMES:,} lines, a name at most {MAX_NAME} characters"
            )
        yield Entry("brand", names[0], tuple(names[1:]), owner="your list", source=path.name)


def _checked(path: Path, entry: Entry) -> Entry:
    kinds = ("artist", "person", "character", "work", "mark", "agency", "brand")
    if entry.kind not in kinds:
        raise ConfigError(f"{path.name}: unknown kind {entry.kind!r} of {entry.name!r}; known are: {', '.join(kinds)}")
    status = entry.status
    number = status.lstrip("-").isdigit()
    if entry.kind in ("artist", "person") and status != "living" and not number:
        raise ConfigError(f"{path.name}: status of {entry.name!r} is {status!r}; expected 'living' or a year of death")
    return entry
