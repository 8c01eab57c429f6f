from __future__ import annotations

import re

import pytest

from rules.encode import header_of
from rules.engine import check, load_rules
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


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.id)
def test_a_rule_has_words_a_section_and_a_lasting_id(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert len(rule.id) <= LONGEST_ID
    assert rule.summary.endswith(".")
    assert "\n" not in rule.summary
    assert rule.reason
    assert rule.bad or rule.id in {"undecodable", "encoding"}
    assert re.match(r"(PS3\.\d+ )?[A-F0-9]", rule.section)
