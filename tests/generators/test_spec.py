from __future__ import annotations

import subprocess
import sys

import pytest

from imgaudit.errors import UsageError
from imgaudit.generators._spec import GeneratorOptions, Spec, build, parse_spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("embedded", Spec("embedded", None, None)),
        ("embedded@1", Spec("embedded", "1", None)),
        ("folder:/a/b:c@d", Spec("folder", None, "/a/b:c@d")),
        ("diffusers:stabilityai/sdxl-turbo", Spec("diffusers", None, "stabilityai/sdxl-turbo")),
        ("diffusers@refs/pr/3:org/name", Spec("diffusers", "refs/pr/3", "org/name")),
        ("folder:C:\\pictures", Spec("folder", None, "C:\\pictures")),
    ],
)
def test_a_spec_is_name_revision_and_argument(text: str, spec: Spec) -> None:
    assert parse_spec(text) == spec


@pytest.mark.parametrize("text", ["", ":x", "@1", "Embedded", "folder:", "embedded@", "two words"])
def test_text_that_is_no_spec_is_an_error_that_quotes_it(text: str) -> None:
    with pytest.raises(UsageError, match="expected NAME"):
        parse_spec(text)


def test_an_unknown_generator_says_what_is_near() -> None:
    with pytest.raises(UsageError, match="did you mean 'diffusers'"):
        build("difusers:x/y", GeneratorOptions())


def test_a_batch_of_nothing_is_an_error() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        build("embedded", GeneratorOptions(batch_size=0))


def test_listing_the_generators_imports_nothing_heavy() -> None:
    program = (
        "import sys; from imgaudit.registry import generators; names = generators.names();"
        "assert {'diffusers', 'embedded', 'folder'} <= set(names), names;"
        "heavy = {'torch', 'diffusers', 'transformers', 'numpy', 'PIL', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
