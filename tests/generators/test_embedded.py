from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from imgaudit.embedded import GUIDANCE, STEPS, model_path
from imgaudit.errors import UsageError
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.generators.diffusers import weights_digest
from imgaudit.types import Controls, Job, Rendered

# diffusers turns torch tensors into arrays in a way that numpy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OPTIONS = GeneratorOptions(batch_size=2, device="cpu")


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [("embedded@3", "there are: 1, 2"), ("embedded:cat", "takes no argument"), ("embedded@1:cat", "takes no argument")],
)
def test_there_are_two_revisions_and_no_argument(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        build(spec, OPTIONS)


@pytest.mark.parametrize(("spec", "model"), [("embedded", "embedded-2"), ("embedded@1", "embedded-1")])
def test_the_packaged_models_draw_and_say_what_they_do_not_know(
    spec: str, model: str, jobs: Callable[..., list[Job]]
) -> None:
    generator = build(spec, OPTIONS)

    one, other = generator.render(jobs("a red circle", "a portrait of a queen", controls=Controls()))

    assert isinstance(one, Rendered)
    assert isinstance(other, Rendered)
    assert (one.source.generator, one.source.model) == ("embedded", model)
    assert (one.source.steps, one.source.guidance) == (STEPS, GUIDANCE)
    assert one.image.size >= (64, 64)
    identity = generator.identity()
    assert identity["weights"] == weights_digest(model_path(model))
    assert "only coloured shapes" in str(identity["limits"])
    assert identity["licence"] == "Apache-2.0"


def test_the_two_revisions_are_two_models(jobs: Callable[..., list[Job]]) -> None:
    drawn = []
    for spec in ("embedded@1", "embedded@2"):
        [made] = build(spec, OPTIONS).render(jobs("a red circle", controls=Controls(steps=5)))
        assert isinstance(made, Rendered)
        drawn.append(np.asarray(made.image).astype(int))

    assert np.abs(drawn[0] - drawn[1]).max() > 0
