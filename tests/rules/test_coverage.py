from __future__ import annotations

from rules.coverage import coverage

COVERED = {each.iod: each for each in coverage()}


def test_all_171_iods_are_told() -> None:
    assert len(coverage()) == 171


def test_image_type_is_specific_general_or_none() -> None:
    assert COVERED["CT Image"].image_type == "specific"
    assert COVERED["Secondary Capture Image"].image_type == "general"
    assert COVERED["RT Plan"].image_type == "none"
    assert [each.image_type for each in coverage()].count("none") == 109
    assert [each.image_type for each in coverage()].count("general") == 7


def test_only_what_is_checked_is_counted() -> None:
    plan, scanner, map_ = (COVERED[name] for name in ("RT Plan", "CT Image", "Parametric Map"))
    assert (plan.modules, plan.attributes, plan.conditions) == (0, 0, 0)
    assert (scanner.modules, scanner.attributes) == (0, 1)
    assert map_.modules == 1
    assert map_.attributes > 24
    assert 0 < map_.undecided_conditions <= map_.conditions
