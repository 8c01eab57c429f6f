"""Every value judged. Figures: `pytest tests/benchmarks --benchmark-only`; a normal run calls each once.

The headers are walked before the clock starts.
"""

from __future__ import annotations

from typing import Any

import builders
import pytest

from rules.checks.value_syntax import every_value
from rules.dictionary import tag_of, vr_of
from rules.encode import DEFINED, UNDEFINED_LENGTHS, Element, Layout, encode
from rules.header import Header, read_header
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN

SAMPLES = {"CS": "AXIAL", "DA": "20260102", "DS": "-12.5", "IS": "7", "PN": "Doe^Jane", "TM": "101112.5", "UI": "1.2.3"}
TEXTS = """
InstitutionName InstitutionAddress StationName StudyDescription SeriesDescription OperatorsName
BodyPartExamined DataCollectionDiameter DeviceSerialNumber SoftwareVersions ProtocolName
ReconstructionDiameter DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt TableHeight
RotationDirection ExposureTime XRayTubeCurrent Exposure FilterType GeneratorPower FocalSpots ConvolutionKernel
SliceLocation PositionReferenceIndicator WindowCenter WindowWidth RescaleType InstanceCreationDate
InstanceCreationTime SeriesDate AcquisitionDate ContentDate SeriesTime AcquisitionTime ContentTime
LossyImageCompression ImageComments FilterMaterial
"""


@pytest.fixture
def once(benchmark: Any, request: pytest.FixtureRequest) -> Any:
    """Time a function, in a normal run a single time."""
    if request.config.getoption("benchmark_only"):
        return benchmark
    return lambda function: benchmark.pedantic(function, rounds=1, iterations=1)


def ct() -> Header:
    """The header of a CT slice: 78 elements."""
    more = {name: SAMPLES.get(vr_of(tag_of(name)) or "", "A VALUE HERE") for name in TEXTS.split()}
    return walked(builders.ct(**more))


def parametric_map(frames: int, layout: Layout = DEFINED) -> Header:
    """Per-frame functional groups of 26 values a frame."""
    code = {"CodeValue": "s", "CodingSchemeDesignator": "UCUM", "CodeMeaning": "seconds"}
    groups = [
        {
            "FrameContentSequence": [
                {
                    "StackID": "1",
                    "InStackPositionNumber": frame,
                    "DimensionIndexValues": [1, frame],
                    "FrameAcquisitionNumber": frame % 7,
                    "FrameAcquisitionDateTime": f"20260102{frame % 24:02}1112.5",
                    "FrameReferenceDateTime": f"20260102{frame % 24:02}1112.5",
                    "FrameAcquisitionDuration": frame / 3,
                }
            ],
            "PlanePositionSequence": [{"ImagePositionPatient": ["0", "-12.5", f"{frame / 8:08.3f}"]}],
            "PlaneOrientationSequence": [{"ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]}],
            "ParametricMapFrameTypeSequence": [{"FrameType": ["DERIVED", "PRIMARY", "PERFUSION", "MTT"]}],
            "PixelMeasuresSequence": [{"PixelSpacing": ["1", "1"], "SliceThickness": "2"}],
            "FrameAnatomySequence": [{"FrameLaterality": "U", "AnatomicRegionSequence": [code]}],
            "RealWorldValueMappingSequence": [
                {
                    "RealWorldValueFirstValueMapped": Element("US", 0),
                    "RealWorldValueLastValueMapped": Element("US", 4095),
                    "RealWorldValueIntercept": 0.5,
                    "RealWorldValueSlope": 1.0,
                    "LUTLabel": "x",
                    "LUTExplanation": "none",
                    "MeasurementUnitsCodeSequence": [code],
                }
            ],
        }
        for frame in range(frames)
    ]
    return walked({"PerFrameFunctionalGroupsSequence": groups}, layout)


def walked(attributes: dict[str, object], layout: Layout = DEFINED) -> Header:
    header = read_header(encode(attributes, layout=layout), EXPLICIT_VR_LITTLE_ENDIAN)
    assert header.faults == ()
    return header


def test_the_values_of_a_ct_header(once: Any) -> None:
    header = ct()
    assert len(header.tags()) == 78
    assert once(lambda: list(every_value(header))) == []


@pytest.mark.parametrize("frames", [40, 2000])
@pytest.mark.parametrize("layout", [DEFINED, UNDEFINED_LENGTHS], ids=["defined", "undefined"])
def test_the_values_of_a_map(once: Any, frames: int, layout: Layout) -> None:
    header = parametric_map(frames, layout)
    assert once(lambda: list(every_value(header))) == []


def test_2000_frames_whose_values_are_all_wrong(once: Any) -> None:
    items = [{"ImagePositionPatient": ["0", "x", str(number)]} for number in range(2000)]
    header = walked({"PerFrameFunctionalGroupsSequence": items})
    assert len(once(lambda: list(every_value(header)))) == 1


def test_10000_private_elements_without_creator(once: Any) -> None:
    attributes: dict[str, object] = {f"(0009,{0x1000 + number:04X})": Element("LO", "own") for number in range(10_000)}
    header = walked(attributes)
    assert len(once(lambda: list(every_value(header)))) == 40
