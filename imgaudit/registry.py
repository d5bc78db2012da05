"""Name -> factory, for everything that one file adds.

A decorator registers a class under its `name`; a scan imports the files of a folder and, unless plug-ins are
off, the entry points of other packages. Files import nothing heavy at their top, so listing is cheap.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from imgaudit.digest import digest_bytes
from imgaudit.errors import PluginError, UsageError

if TYPE_CHECKING:
    from imgaudit.types import Measure

T = TypeVar("T")

_plugins_allowed = True


def forbid_plugins() -> None:
    """Read no entry points from now on (`--no-plugins`)."""
    global _plugins_allowed
    _plugins_allowed = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a registered thing came from."""

    module: str
    package: str | None = None


@dataclass
class Registry(Generic[T]):
    """Factories of one kind, by name.

    Args:
        kind: the noun used in messages, e.g. `checker`.
        package: the package whose modules are scanned; also the entry-point group.
    """

    kind: str
    package: str
    _entries: dict[str, T] = field(default_factory=dict)
    _origins: dict[str, Origin] = field(default_factory=dict)
    _scanned: bool = False
    _loading: EntryPoint | None = None

    def register(self, name: str, thing: T, module: str) -> None:
        """Add a factory. Two things under one name are an error that names both."""
        held = self._origins.get(name)
        if held is not None and held.module != module:
            raise PluginError(
                f"the {self.kind} {name!r} is defined twice: in {held.module} and in {module}. Rename one of them"
            )
        package = self._loading.dist.name if self._loading and self._loading.dist else None
        self._entries[name] = thing
        self._origins[name] = Origin(module, package)

    def names(self) -> list[str]:
        """All names, sorted."""
        self._scan()
        return sorted(self._entries)

    def get(self, name: str) -> T:
        """The factory of a name; an unknown name says what is near and what there is."""
        self._scan()
        if name in self._entries:
            return self._entries[name]
        near = difflib.get_close_matches(name, self._entries, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"unknown {self.kind} {name!r}; {hint}there are: {', '.join(self.names())}")

    def items(self) -> Iterator[tuple[str, T]]:
        """Names and factories, sorted by name."""
        for name in self.names():
            yield name, self._entries[name]

    def origin(self, name: str) -> Origin:
        """The module, and the plug-in package if it is one."""
        self._scan()
        return self._origins[name]

    def plugins(self) -> dict[str, str]:
        """Plug-ins that registered something: `package module` -> digest of the module's file."""
        self._scan()
        return {
            f"{origin.package} {origin.module}": _module_digest(origin.module)
            for origin in self._origins.values()
            if origin.package
        }

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self.package}.{module.name}")
        if _plugins_allowed:
            self._load_entry_points()

    def _load_entry_points(self) -> None:
        for point in entry_points(group=self.package):
            self._loading = point
            try:
                point.load()
            except PluginError:
                raise
            except Exception as error:
                raise PluginError(
                    f"the plug-in {point.value!r} ({self.kind}) cannot be loaded: {error}. "
                    "Repair it, or use --no-plugins"
                ) from error
            finally:
                self._loading = None


def _module_digest(module: str) -> str:
    path = importlib.import_module(module).__file__
    if path is None:
        return "unknown"
    with open(path, "rb") as stream:
        return digest_bytes(stream.read())


checkers: Registry[Any] = Registry("checker", "imgaudit.checkers")
perceivers: Registry[Any] = Registry("perceiver", "imgaudit.perceivers")
generators: Registry[Any] = Registry("generator", "imgaudit.generators")
reporters: Registry[Any] = Registry("report format", "imgaudit.reporters")
importers: Registry[Any] = Registry("suite format", "imgaudit.suites.importers")



def measure_facts(measure: str) -> Measure:
    """Unit and direction of a measure by its full name. Raises UsageError for one that cannot get worse."""
    checker, _, name = measure.partition(".")
    known: dict[str, Measure] = {m.name: m for m in checkers.get(checker).measures}
    if name not in known:
        raise UsageError(f"unknown measure {measure!r}; the checker {checker!r} measures: {', '.join(known)}")
    if known[name].better == "none":
        raise UsageError(f"{measure}: has no direction, so that it cannot get worse; choose another measure")
    return known[name]


C = TypeVar("C", bound=type)


def _decorator(registry: Registry[Any]) -> Callable[[C], C]:
    def decorate(thing: C) -> C:
        registry.register(thing.name, thing, thing.__module__)  # type: ignore[attr-defined]
        return thing

    return decorate


checker = _decorator(checkers)
perceiver = _decorator(perceivers)
generator = _decorator(generators)
reporter = _decorator(reporters)
importer = _decorator(importers)
