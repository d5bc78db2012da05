"""UniGenBench (Wang et al. 2025): 600 prompts in English and Chinese, short and long, with their test points."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

from imgaudit.errors import ConfigError
from imgaudit.registry import importer
from imgaudit.suites.importers._clauses import Parts, numbered
from imgaudit.suites.importers._table import Origin, Row, csv_rows, first_header, slug, suite_of, told
from imgaudit.suites.schema import Suite
from imgaudit.types import JSON

_ABOUT = (
    "Prompts with test points: each is a clause in the set's own words. The set gives no questions. Points of "
    "knowledge, reasoning and grammar have no kind of their own here and count as attributes, imagination as the scene."
)
_FIELDS = {
    "en": ("Primary Categories", "Testpoints", "Testpoint Description"),
    "zh": ("\u4e00\u7ea7\u5782\u7c7b", "\u8003\u70b9", "\u8003\u70b9\u5bf9\u5e94\u63cf\u8ff0"),
}
"""Keys of the set's JSON by language: primary categories, test points, what each means."""
_KINDS = (
    (r"color|\u989c\u8272", "colour"), (r"quantity|\u6570\u91cf", "count"), (r"negation|\u5426\u5b9a", "negation"),
    (r"^text|\u6587\u5b57|\u6587\u672c", "text"), (r"^style|^\u98ce\u683c", "style"),
    (r"^action|^\u52a8\u4f5c", "action"), (r"^relationship|^entity layout|^\u5173\u7cfb|^\u5b9e\u4f53", "relation"),
    (r"^compound|^\u590d\u5408", "scene"),
)  # fmt: skip


@importer
class UniGenBench:
    """Reads the columns index, prompt_en or prompt_zh, and sub_dims_en or sub_dims_zh, which hold JSON."""

    name: ClassVar[str] = "unigenbench"
    title: ClassVar[str] = "UniGenBench test_prompts csv"
    licence: ClassVar[str] = "Tencent's own licence: get the file yourself and do not redistribute the prompts"
    plain: ClassVar[bool] = False
    shareable: ClassVar[bool] = False

    def recognise(self, path: Path, head: bytes) -> bool:
        """Whether the header is that of UniGenBench in one of its languages."""
        header = set(first_header(head))
        return any({"index", f"prompt_{lang}", f"sub_dims_{lang}"} <= header for lang in _FIELDS)

    def read(self, path: Path) -> Suite:
        """One case a row; ids hold language, length and the set's own number."""
        rows = list(csv_rows(path))
        if not rows:
            raise ConfigError(f"{path}:1: there is no row in it; expected a row a prompt")
        lang = "zh" if "prompt_zh" in rows[0].value else "en"
        name = f"unigenbench-{lang}{'-long' if path.stem.endswith('_long') else ''}"
        cases = [_case(path, row, lang, name) for row in rows]
        source = f"CodeGoat24/UniGenBench data/{path.name}"
        return suite_of(path, Origin(name, "UniGenBench", _ABOUT, "Tencent licence", source), rows, cases)


def _case(path: Path, row: Row, lang: str, name: str) -> dict[str, JSON]:
    number = told(path, row, "index", "a number")
    if not re.fullmatch(r"\d{1,6}", number):
        raise ConfigError(f"{path}:{row.line}: index: {number[:40]!r}; expected a number")
    category, points, meanings = _points(path, row, lang)
    told_points = zip(points, meanings, strict=True)
    parts = [Parts(_kind(point), meaning or point, value=point) for point, meaning in told_points]
    tags = [f"category:{slug(category)}"] if slug(category) else []
    tags += sorted({f"point:{slug(point)}" for point in points if slug(point)})
    identity = f"{name}-{int(number):04d}"
    return {"id": identity, "prompt": told(path, row, f"prompt_{lang}"), "clauses": numbered(parts), "tags": tags,
            "lang": lang}  # fmt: skip


def _points(path: Path, row: Row, lang: str) -> tuple[str, list[str], list[str]]:
    where = f"{path}:{row.line}: sub_dims_{lang}"
    try:
        value = json.loads(str(row.value[f"sub_dims_{lang}"]))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: no valid JSON: {error}") from error
    category, points, meanings = (value.get(name) if isinstance(value, dict) else None for name in _FIELDS[lang])
    if not isinstance(points, list) or not isinstance(meanings, list) or len(points) != len(meanings):
        raise ConfigError(f"{where}: expected test points and as many descriptions")
    return str(category or ""), [str(one) for one in points], [str(one).strip(' "') for one in meanings]


def _kind(point: str) -> str:
    lower = point.strip().lower()
    return next((kind for pattern, kind in _KINDS if re.search(pattern, lower)), "attribute")
