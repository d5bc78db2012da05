"""The packaged models: small latent diffusion models of a world of coloured shapes.

They run without a network and without a GPU, through the same code as any other diffusers model. `embedded@1` and
`embedded@2` are an older and a newer model, so that a comparison of two models can be tried on any machine. A prompt
from outside their world is rendered all the same; what comes out then shows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import metadata
from typing import ClassVar

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.generators._spec import GeneratorOptions
from imgaudit.generators.diffusers import Model, Pipeline
from imgaudit.registry import generator
from imgaudit.types import JSON, Job, Refused, Rendered

REVISIONS = ("1", "2")
DEFAULT = "2"
LIMITS = "knows only coloured shapes: colour, shape, size, number up to four, place, background. Ignores other words"


@generator
class Embedded:
    """One of the packaged diffusion models."""

    name: ClassVar[str] = "embedded"
    title: ClassVar[str] = "Packaged diffusion models of a small world of coloured shapes (@1, @2)"

    def __init__(self, argument: str | None, revision: str | None, options: GeneratorOptions) -> None:
        self.pipeline = Pipeline(packaged(argument, revision), options)

    def identity(self) -> Mapping[str, JSON]:
        """See `Pipeline.identity`; `limits` says what the models do not know."""
        return {**self.pipeline.identity(), "limits": LIMITS}

    def render(self, jobs: Sequence[Job]) -> Iterator[Rendered | Refused]:
        """See `Pipeline.render`."""
        return self.pipeline.render(jobs)


def packaged(argument: str | None, revision: str | None) -> Model:
    """A packaged model by its revision. It was trained for this package and comes under the package's licence."""
    from imgaudit.embedded import GUIDANCE, STEPS, model_path

    if argument is not None:
        raise UsageError(f"the generator 'embedded' takes no argument, got {argument!r}; expected embedded@1 or @2")
    number = revision or DEFAULT
    if number not in REVISIONS:
        raise UsageError(f"the generator 'embedded' has no revision {number!r}; there are: {', '.join(REVISIONS)}")
    folder = model_path(f"embedded-{number}")
    if not folder.is_dir():
        raise ModelUnavailable(f"the packaged model embedded-{number} is missing", "install imgaudit again")
    licence = metadata("imgaudit")["License-Expression"]
    return Model("embedded", f"embedded-{number}", number, folder, STEPS, GUIDANCE, licence)
