from __future__ import annotations

from pathlib import Path

from rules.reference import as_json, page, reference
from rules.registry import all_rules

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_reference_is_current(update: bool) -> None:
    if update:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(reference(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == reference()


def test_a_page_has_all_that_is_known_of_a_rule() -> None:
    rule = all_rules()["image-type-value-1"]
    text = page(rule)
    for part in (
        rule.id,
        "error",
        "PS3.3 C.7.6.1.1.2",
        rule.summary,
        "Good:",
        "Bad:",
        "ImageType MIXED\\PRIMARY\\AXIAL",
    ):
        assert part in text


def test_a_rule_as_json_has_no_bytes() -> None:
    assert as_json(all_rules()["icc-profile"])["bad"][0] == {"ICCProfile": b"no profile".hex()}
