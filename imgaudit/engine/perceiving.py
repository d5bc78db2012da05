"""Building perceivers once, and answering queries in rounds, through the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import ModelUnavailable
from imgaudit.personal import Gate
from imgaudit.pictures import decode
from imgaudit.registry import perceivers
from imgaudit.store.cache import PerceptCache
from imgaudit.types import (
    Abstained,
    Case,
    Failed,
    Look,
    Perceiver,
    Percepts,
    Picture,
    Query,
    Sight,
    Source,
)

ROUNDS = 3
HEADER_VERSION = "1"
UNREADABLE = Abstained("the picture cannot be decoded")


@dataclass
class Subject:
    """One picture on its way through the engine. It is decoded once, and only if something must look at it.

    `header` is what decoding says: pixels digest, width, height, mode, format, error.
    """

    id: str
    path: str
    data: bytes = field(repr=False)
    case: Case
    generated: bool
    on_suite: bool = False
    seed: int | None = None
    source: Source | None = None
    header: dict[str, Any] | None = None
    _picture: Picture | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.file = digest_bytes(self.data)

    @property
    def unread(self) -> bool:
        """Whether not even the file's bytes could be had, so that nobody can say anything of it."""
        return bool(self.header and self.header.get("unread"))

    def picture(self) -> Picture:
        """The decoded picture; `rgb` is None where it cannot be decoded."""
        if self._picture is None:
            picture, error = decode(self.data, self.id)
            self._picture = picture
            self.header = {
                "version": HEADER_VERSION,
                "pixels": picture.pixels,
                "width": picture.width,
                "height": picture.height,
                "mode": picture.mode,
                "format": picture.format,
                "error": error,
            }
        return self._picture

    def known_header(self) -> dict[str, Any]:
        """The header, decoding only if nobody did before."""
        if self.header is None:
            self.picture()
        assert self.header is not None
        return self.header

    def release(self) -> None:
        """Forget the pixels; the header stays."""
        self._picture = None


@dataclass
class PerceiverPool:
    """Perceivers, each built at its first use. One that cannot be built abstains on every query.

    Args:
        options: role -> option string, e.g. {"clip": "hf-hub:...", "ocr": "easyocr"}.
    """

    options: Mapping[str, str | None] = field(default_factory=dict)
    _built: dict[str, Perceiver | Abstained] = field(default_factory=dict)
    _identities: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def get(self, name: str) -> Perceiver | Abstained:
        """The perceiver of a role, or why there is none."""
        if name not in self._built:
            factory = perceivers.get(name)
            try:
                option = self.options.get(name)
                self._built[name] = factory(option) if option is not None else factory()
            except ModelUnavailable as error:
                self._built[name] = Abstained(error.reason, error.remedy)
        return self._built[name]

    def provide(self, name: str, perceiver: Perceiver | Abstained) -> None:
        """Let a role be filled by this perceiver, which needs more than an option to be built."""
        self._built[name] = perceiver
        self._identities.pop(name, None)

    def identity(self, name: str) -> Mapping[str, str]:
        """What the output of a role depends on; empty where there is no such perceiver here."""
        if name not in self._identities:
            built = self.get(name)
            facts = {} if isinstance(built, Abstained) else {"version": built.version, **built.identity()}
            self._identities[name] = facts
        return self._identities[name]

    def refused(self) -> dict[str, Abstained]:
        """Roles whose model was named and could not be had, of those that were asked so far, with the reason."""
        named = {name: built for name, built in sorted(self._built.items()) if self.options.get(name) is not None}
        return {name: built for name, built in named.items() if isinstance(built, Abstained)}

    def used(self) -> dict[str, dict[str, str]]:
        """Identities of all roles that were asked so far."""
        return {name: dict(self.identity(name)) for name in sorted(self._built)}


class Planner:
    """Answers the queries of many subjects: merges equal ones, looks in batches, remembers.

    Args:
        pool: where perceivers come from.
        cache: what was seen before; None to look anew at everything.
        batch_size: pictures a perceiver is given at once.
        gate: what may be asked of people; nothing unless one is given.
    """

    def __init__(
        self, pool: PerceiverPool, cache: PerceptCache | None, batch_size: int = 16, gate: Gate | None = None
    ) -> None:
        self.pool = pool
        self.cache = cache
        self.batch_size = batch_size
        self.gate = gate or Gate()

    def read_headers(self, subjects: Sequence[Subject]) -> None:
        """Give every subject its header, from the cache or by decoding."""
        missing = [subject for subject in subjects if subject.header is None]
        known = self.cache.get_headers(subject.file for subject in missing) if self.cache else {}
        fresh = {}
        for subject in missing:
            header = known.get(subject.file)
            if header is not None and header.get("version") == HEADER_VERSION:
                subject.header = header
            else:
                fresh[subject.file] = subject.known_header()
        if self.cache and fresh:
            self.cache.put_headers(fresh)

    def look(
        self,
        subjects: Sequence[Subject],
        wants: Callable[[Subject, Percepts], Iterable[Query]],
        known: Sequence[Percepts] | None = None,
    ) -> list[Percepts]:
        """Ask `wants` of every subject, answer, and ask again, three rounds at most."""
        seen = list(known) if known is not None else [Percepts() for _ in subjects]
        for _ in range(ROUNDS):
            wanted = [list(wants(subject, percepts)) for subject, percepts in zip(subjects, seen, strict=True)]
            seen = [self._turned_away(queries, percepts) for queries, percepts in zip(wanted, seen, strict=True)]
            asked = [
                [query for query in with_upstream(q for q in queries if q not in percepts) if query not in percepts]
                for queries, percepts in zip(wanted, seen, strict=True)
            ]
            if not any(asked):
                break
            seen = self._answer(subjects, seen, asked)
        return seen

    def _turned_away(self, queries: Iterable[Query], percepts: Percepts) -> Percepts:
        """The percepts, with an abstention for each new query that the gate does not let through."""
        refused = {query: self.gate.refusal(query) for query in queries if query not in percepts}
        return percepts.merged({query: why for query, why in refused.items() if why is not None})

    def _answer(
        self, subjects: Sequence[Subject], seen: Sequence[Percepts], asked: Sequence[Sequence[Query]]
    ) -> list[Percepts]:
        result = list(seen)
        steps: dict[tuple[int, str], list[tuple[int, Query]]] = {}
        for index, queries in enumerate(asked):
            for query in queries:
                steps.setdefault((depth(query), query.perceiver), []).append((index, query))
        for (_, name), questions in sorted(steps.items(), key=lambda item: item[0]):
            sights = self._perceive(name, [(subjects[i], q, result[i]) for i, q in questions])
            found: dict[int, dict[Query, Sight]] = {}
            for (index, query), sight in zip(questions, sights, strict=True):
                found.setdefault(index, {})[query] = sight
            for index, answers in found.items():
                result[index] = result[index].merged(answers)
        return result

    def _perceive(self, name: str, questions: Sequence[tuple[Subject, Query, Percepts]]) -> list[Sight]:
        perceiver = self.pool.get(name)
        if isinstance(perceiver, Abstained):
            return [perceiver] * len(questions)
        keys = [self._key(subject, query, perceiver) for subject, query, _ in questions]
        known: dict[str, Sight] = self.cache.get(key for key in keys if key) if self.cache else {}
        missing: dict[str, tuple[Subject, Query, Percepts]] = {}
        for key, question in zip(keys, questions, strict=True):
            if key is not None and key not in known:
                missing.setdefault(key, question)
        fresh = self._look_at(perceiver, missing)
        if self.cache:
            self.cache.put({key: (_content(perceiver, missing[key][0]) or "", sight) for key, sight in fresh.items()})
        answers = {**known, **fresh}
        return [UNREADABLE if key is None else answers[key] for key in keys]

    def _look_at(
        self, perceiver: Perceiver, missing: Mapping[str, tuple[Subject, Query, Percepts]]
    ) -> dict[str, Sight]:
        result: dict[str, Sight] = {}
        keys = list(missing)
        for start in range(0, len(keys), self.batch_size):
            some = keys[start : start + self.batch_size]
            looks = [_look(*missing[key]) for key in some]
            result.update(zip(some, _guarded(perceiver, looks), strict=True))
        return result

    def _key(self, subject: Subject, query: Query, perceiver: Perceiver) -> str | None:
        """The cache key, or None when the perceiver needs pixels that nobody can decode."""
        content = _content(perceiver, subject)
        if content is None:
            return None
        chain = [self.pool.identity(q.perceiver) for q in with_upstream([query])]
        return digest([content, [dict(identity) for identity in chain], query.key])


def _content(perceiver: Perceiver, subject: Subject) -> str | None:
    if subject.unread:
        return None
    if perceiver.reads == "bytes":
        return subject.file
    pixels: str | None = subject.known_header()["pixels"]
    return pixels


def _look(subject: Subject, query: Query, percepts: Percepts) -> Look:
    upstream = tuple(percepts[q] for q in query.upstream)
    return Look(subject.picture(), query, upstream)


def _guarded(perceiver: Perceiver, looks: Sequence[Look]) -> Sequence[Sight]:
    """Perceive a batch; if it raises, look one by one, so that one picture cannot spoil the others."""
    try:
        return perceiver.perceive(looks)
    except ModelUnavailable as error:
        return [Abstained(error.reason, error.remedy)] * len(looks)
    except Exception as error:
        if len(looks) == 1:
            return [Failed(f"{perceiver.name}: {type(error).__name__}: {error}")]
    return [_guarded(perceiver, [look])[0] for look in looks]


def with_upstream(queries: Iterable[Query]) -> list[Query]:
    """The queries and all that they build on, what is built on first, each once."""
    ordered: dict[Query, None] = {}

    def add(query: Query) -> None:
        for below in query.upstream:
            add(below)
        ordered.setdefault(query)

    for query in queries:
        add(query)
    return list(ordered)


def depth(query: Query) -> int:
    """How many looks must come before this one."""
    return 1 + max((depth(below) for below in query.upstream), default=-1)
