from __future__ import annotations

import pytest

from rules.conditions import CONDITIONS, Answer, Condition, lossy_compressed
from rules.encode import header_of
from rules.model import Example
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN


def answer(condition: Condition, example: Example) -> Answer:
    attributes = dict(example)
    uid = str(attributes.pop("TransferSyntaxUID", EXPLICIT_VR_LITTLE_ENDIAN))
    return condition.ask(header_of(attributes, uid))


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda each: each.name)
def test_a_condition_answers_yes_and_no_where_its_examples_say_so(condition: Condition) -> None:
    if condition.yes is not None:
        assert answer(condition, condition.yes) is Answer.YES
    if condition.no is not None:
        assert answer(condition, condition.no) is Answer.NO


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=lambda each: each.name)
def test_a_condition_has_words_that_can_follow_though(condition: Condition) -> None:
    assert condition.words
    assert not condition.words.endswith(".")


def test_compression_with_loss_shows_in_the_transfer_syntax_alone() -> None:
    lossy, either = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91"
    assert lossy_compressed.ask(header_of({"LossyImageCompression": "00"}, lossy)) is Answer.YES
    assert lossy_compressed.ask(header_of({"LossyImageCompression": "00"}, either)) is Answer.NO
    assert lossy_compressed.ask(header_of({"LossyImageCompression": "01"}, either)) is Answer.UNKNOWN
