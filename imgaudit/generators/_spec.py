"""From `NAME[@REVISION][:ARGUMENT]` to a generator."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from imgaudit.digest import digest
from imgaudit.errors import UsageError
from imgaudit.registry import generators
from imgaudit.types import Generator

_HIDDEN = re.compile(r"~[0-9a-f]{8}(?:;|$)")
_SPEC = re.compile(r"(?P<name>[a-z][a-z0-9-]*)(?:@(?P<revision>[^:]+))?(?::(?P<argument>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GeneratorOptions:
    """What every generator is told beside its argument.

    Attributes:
        batch_size: pictures made at once; it does not change which pictures are made.
        device: torch's name of the device; None takes a GPU if there is one.
        dtype: `float32`, `float16` or `bfloat16`; None takes float32 on the CPU and bfloat16 elsewhere.
        adapter: IP-Adapter weights of the generator `reference`: a safetensors file, here or on the hub.
    """

    batch_size: int = 4
    device: str | None = None
    dtype: str | None = None
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A generator as it is asked for."""

    name: str
    revision: str | None
    argument: str | None


def parse_spec(text: str) -> Spec:
    """Read `NAME[@REVISION][:ARGUMENT]`.

    >>> parse_spec("diffusers@fp16:stabilityai/sdxl-turbo")
    Spec(name='diffusers', revision='fp16', argument='stabilityai/sdxl-turbo')
    """
    found = _SPEC.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--generator {text!r}: expected NAME[@REVISION][:ARGUMENT], such as embedded@1, folder:DIR "
            "or diffusers:stabilityai/sdxl-turbo"
        )
    return Spec(found["name"], found["revision"], found["argument"])


def shown(text: str) -> str:
    """A spec as it may be written down: of an absolute path its last name, and a digest of where it lies.

    >>> shown("embedded@1"), shown("diffusers:stabilityai/sdxl-turbo")
    ('embedded@1', 'diffusers:stabilityai/sdxl-turbo')
    """
    name, colon, argument = text.partition(":")
    place, semicolon, more = argument.partition(";")
    if not place.startswith(("/", "~", ".")):
        return text
    whole = Path(place).expanduser().resolve()
    return f"{name}{colon}{whole.name}~{digest(str(whole))[:8]}{semicolon}{more}"


def is_hidden(text: str) -> bool:
    """Whether a spec was written down without the folder that it names."""
    return _HIDDEN.search(text) is not None


def build(text: str, options: GeneratorOptions) -> Generator:
    """The generator that a spec names, ready to render."""
    if options.batch_size < 1:
        raise UsageError(f"--batch-size {options.batch_size}: at least 1 was expected")
    spec = parse_spec(text)
    generator: Generator = generators.get(spec.name)(spec.argument, spec.revision, options)
    return generator
