"""How frames are named, and which of them differ."""

from __future__ import annotations

import pytest
from maps import PER_FRAME

from rules.encode import header_of
from rules.frames import MOST_NAMED, frame_fields, named


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([2, 3, 4], "frames 2 to 4"),
        ([2, 5], "frames 2 and 5"),
        ([1, 3, 4], "frames 1, 3 and 4"),
        (range(1, 60, 2), f"frames {', '.join(str(n) for n in range(1, 40, 2))} and 10 more"),
    ],
)
def test_frames_are_named_up_to_twenty(numbers: list[int], words: str) -> None:
    assert MOST_NAMED == 20
    assert named(numbers) == words


def test_frames_differ_where_their_values_are_not_nominally_the_same() -> None:
    positions = ["0", "0.004", "1", "1.0", "0.5"]
    frames = [{"PlanePositionSequence": [{"ImagePositionPatient": ["0", "0", each]}]} for each in positions]
    fields = frame_fields(header_of({PER_FRAME: frames}), "PlanePositionSequence", "ImagePositionPatient")
    assert fields is not None
    assert fields.differing([("a", 1), ("a", 2), ("b", 3), ("b", 4), ("a", 5)]) == [5]


def test_a_frame_without_a_value_differs_from_one_with() -> None:
    frames = [{"FrameContentSequence": [{"StackID": "1"}]}, {"FrameContentSequence": [{}]}]
    fields = frame_fields(header_of({PER_FRAME: frames}), "FrameContentSequence", "StackID")
    assert fields is not None
    assert fields.differing([("a", 1), ("a", 2)]) == [2]
