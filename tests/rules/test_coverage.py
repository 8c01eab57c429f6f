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


def test_modules_attributes_and_conditions_are_counted() -> None:
    plan, scanner, map_ = (COVERED[name] for name in ("RT Plan", "CT Image", "Parametric Map"))
    assert (plan.modules, scanner.modules, map_.modules) == (20, 25, 33)
    assert map_.attributes > 300
    assert 0 < map_.undecided_conditions < map_.conditions


def test_of_ten_conditions_an_instance_can_decide_nine() -> None:
    conditions = sum(each.conditions for each in coverage())
    assert sum(each.undecided_conditions for each in coverage()) <= conditions / 10


def test_no_iod_is_left_out() -> None:
    assert all(each.modules and each.attributes and each.conditions for each in COVERED.values())


def test_a_macro_that_is_included_often_is_counted_once() -> None:
    assert COVERED["Comprehensive SR"].attributes < 1500
