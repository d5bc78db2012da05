from __future__ import annotations

import pytest

from imgaudit.errors import ConfigError
from imgaudit.yamlfile import parse_yaml


def test_every_place_knows_its_line():
    document = parse_yaml("a: 1\nb:\n  - c\n  - d: 2\n", "x.yaml")

    assert document.value == {"a": 1, "b": ["c", {"d": 2}]}
    assert document.line(("b", 1, "d")) == 4
    assert document.line(("b", 1, "missing")) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", r"x.yaml:\d: is not valid YAML"),
        ("", "x.yaml:1: is empty"),
        ("a: &big [1]\nb: *big\n", r"x.yaml:2: uses a YAML alias"),
        ("a: 1\na: 2\n", r"x.yaml:2: the key 'a' stands twice"),
        ("a: !!python/object/apply:os.system ['true']\n", "x.yaml:1: "),
    ],
)
def test_hostile_or_broken_yaml_is_refused_with_file_and_line(text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, "x.yaml")


def test_a_document_of_too_many_values_is_refused():
    with pytest.raises(ConfigError, match="split it"):
        parse_yaml("- 1\n" * 200_010, "x.yaml")
