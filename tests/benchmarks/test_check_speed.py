"""From bytes in memory to findings. Figures: `pytest tests/benchmarks --benchmark-only`; else each is called once.

An instance of each kind is checked once before the clock starts.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any

import builders
import pytest
from maps import PER_FRAME, SHARED, TYPES, parametric_map, shared

from rules.encode import DEFINED, UNDEFINED_LENGTHS, Layout, encode
from rules.engine import Checked, check, load_rules
from rules.header import read_header
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN

CODE = {"CodeValue": "s", "CodingSchemeDesignator": "UCUM", "CodeMeaning": "seconds"}


@pytest.fixture
def once(benchmark: Any, request: pytest.FixtureRequest) -> Any:
    """Time a function, in a normal run a single time."""
    if request.config.getoption("benchmark_only"):
        return benchmark
    return lambda function: benchmark.pedantic(function, rounds=1, iterations=1)


def checked(data: bytes) -> Checked:
    return check(read_header(data, EXPLICIT_VR_LITTLE_ENDIAN), load_rules())


def map_of(frames: int, layout: Layout) -> bytes:
    """A Parametric Map with 26 values a frame, of which four differ from frame to frame."""
    groups = [
        {
            "FrameContentSequence": [
                {
                    "StackID": "1",
                    "InStackPositionNumber": number,
                    "DimensionIndexValues": [number],
                    "FrameAcquisitionNumber": 7,
                    "FrameAcquisitionDateTime": "20260102101112.5",
                    "FrameReferenceDateTime": "20260102101112.5",
                    "FrameAcquisitionDuration": 0.5,
                }
            ],
            "PlanePositionSequence": [{"ImagePositionPatient": ["0", "-12.5", f"{number / 8:09.3f}"]}],
            "DerivationImageSequence": [
                {
                    "DerivationCodeSequence": [CODE],
                    "SourceImageSequence": [
                        {
                            "ReferencedSOPClassUID": "1.2.840.10008.5.1.4.1.1.4",
                            "ReferencedSOPInstanceUID": f"1.2.826.0.1.3680043.8.498.{100_000 + number}",
                            "PurposeOfReferenceCodeSequence": [CODE],
                        }
                    ],
                }
            ],
            "FrameAnatomySequence": [{"FrameLaterality": "U", "AnatomicRegionSequence": [CODE]}],
            "FrameVOILUTSequence": [{"WindowCenter": "40", "WindowWidth": "400"}],
        }
        for number in range(1, frames + 1)
    ]
    attributes = parametric_map(**{PER_FRAME: groups, "NumberOfFrames": str(frames)})
    attributes[SHARED] = [{name: group for name, group in shared(*TYPES).items() if name not in groups[0]}]
    return encode(attributes, EXPLICIT_VR_LITTLE_ENDIAN, layout)


def test_a_ct(once: Any) -> None:
    data = encode(builders.ct(), EXPLICIT_VR_LITTLE_ENDIAN)
    before = checked(data)
    assert once(lambda: checked(data)) == before


def test_the_slices_of_a_series(once: Any) -> None:
    """Each is another instance, as they come from a scanner: what is remembered is what they have in common."""
    slices = [
        builders.ct(SOPInstanceUID=f"1.2.3.4.{n}", InstanceNumber=str(n), ImagePositionPatient=["0", "0", f"{n}.5"])
        for n in range(1, 201)
    ]
    data = cycle([encode(each, EXPLICIT_VR_LITTLE_ENDIAN) for each in slices])
    before = checked(next(data))
    assert once(lambda: checked(next(data))) == before


def test_maps_of_40_frames_that_have_nothing_in_common_but_their_structure(once: Any) -> None:
    whole = map_of(40, DEFINED)
    roots = [f"1.2.826.0.1.3680043.8.{n}.".encode() for n in range(100, 300)]
    data = cycle([whole.replace(b"1.2.826.0.1.3680043.8.498.", root) for root in roots])
    before = checked(next(data))
    assert once(lambda: checked(next(data))) == before


@pytest.mark.parametrize("frames", [40, 2000, 20_000])
@pytest.mark.parametrize("layout", [DEFINED, UNDEFINED_LENGTHS], ids=["defined", "undefined"])
def test_a_map_of_many_frames(once: Any, frames: int, layout: Layout) -> None:
    before = checked(map_of(40, layout))
    data = map_of(frames, layout)
    found = once(lambda: checked(data))
    assert found.undecided == before.undecided
    assert [each.rule for each in found.findings] == [each.rule for each in before.findings]
