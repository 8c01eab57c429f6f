from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from rules.dictionary import tag_of
from rules.encode import header_of
from rules.engine import check, load_rules
from rules.header import Header
from rules.iods import storage_sop_classes
from rules.model import Example, Rule
from rules.registry import LONGEST_ID, all_rules, run

EXAMPLES = [
    pytest.param(rule, example, fault, id=f"{rule.id}-{'bad' if fault else 'good'}-{number}")
    for rule in all_rules().values()
    for fault, examples in ((False, rule.good), (True, rule.bad))
    for number, example in enumerate(examples, start=1)
]


def found(rule: Rule, example: Example) -> set[str]:
    header = header_of(example)
    findings = check(header, load_rules()).findings if rule.from_tables else tuple(run(rule, header))
    return {each.rule for each in findings}


@pytest.mark.parametrize(("rule", "example", "fault"), EXAMPLES)
def test_a_rule_finds_its_bad_examples_and_passes_its_good_ones(rule: Rule, example: Example, fault: bool) -> None:
    rules = found(rule, example)
    assert (rule.id in rules) is fault
    assert "rule-broke" not in rules


@pytest.mark.parametrize("rule", [each for each in all_rules().values() if each.only_with], ids=lambda rule: rule.id)
def test_a_rule_finds_something_only_with_the_attributes_that_it_names(rule: Rule) -> None:
    asked_with = rule.only_with or frozenset()
    assert all(not asked_with.isdisjoint(map(tag_of, example)) for example in rule.bad)
    for header in without(asked_with):
        iod = storage_sop_classes().get(header.text("SOPClassUID") or "", "")
        assert (rule.of is not None and not rule.of(iod)) or list(run(rule, header)) == []


def without(tags: frozenset[int]) -> Iterator[Header]:
    """Every example of every rule, with these Attributes taken out."""
    for example, header in all_examples():
        if tags.isdisjoint(header.tags()):
            yield header
        else:
            yield header_of({name: value for name, value in example.items() if tag_of(name) not in tags})


@cache
def all_examples() -> list[tuple[Example, Header]]:
    examples = [example for rule in all_rules().values() for example in (*rule.good, *rule.bad)]
    return [(example, header_of(example)) for example in examples]


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.id)
def test_a_rule_has_words_a_section_and_a_lasting_id(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert len(rule.id) <= LONGEST_ID
    assert rule.summary.endswith(".")
    assert "\n" not in rule.summary
    assert rule.reason
    assert rule.bad or rule.id in {"undecodable", "encoding"}
    assert re.match(r"PS3\.\d+ [A-Z0-9]|[A-F0-9]", rule.section)
