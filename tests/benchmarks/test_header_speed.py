"""The reader beside pydicom. Figures: `pytest tests/benchmarks --benchmark-only`; a normal run calls each once."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pydicom.filereader import read_dataset

from rules.encode import UNDEFINED_LENGTHS, Layout, encode
from rules.header import read_header
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

FRAMES = "PerFrameFunctionalGroupsSequence"
UIDS = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID FrameOfReferenceUID"
TEXTS = """ImageType InstanceCreationDate InstanceCreationTime StudyDate SeriesDate AcquisitionDate ContentDate
StudyTime SeriesTime AcquisitionTime ContentTime AccessionNumber Modality Manufacturer InstitutionName
InstitutionAddress ReferringPhysicianName StationName StudyDescription SeriesDescription OperatorsName
ManufacturerModelName PatientName PatientID PatientBirthDate PatientSex PatientAge PatientWeight BodyPartExamined
SliceThickness KVP DataCollectionDiameter DeviceSerialNumber SoftwareVersions ProtocolName ReconstructionDiameter
DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt TableHeight RotationDirection ExposureTime
XRayTubeCurrent Exposure FilterType GeneratorPower FocalSpots ConvolutionKernel PatientPosition StudyID SeriesNumber
AcquisitionNumber InstanceNumber ImagePositionPatient ImageOrientationPatient PositionReferenceIndicator
SliceLocation PhotometricInterpretation PixelSpacing WindowCenter WindowWidth RescaleIntercept RescaleSlope
RescaleType"""
NUMBERS = "SamplesPerPixel Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue"


def ct() -> dict[str, object]:
    """The header of a CT slice: 78 elements, 512 x 512 pixels."""
    attributes: dict[str, object] = dict.fromkeys(UIDS.split(), "1.2.840.113619.2.5.1762583153.215519.978957063.78")
    attributes |= dict.fromkeys(TEXTS.split(), "A VALUE HERE") | dict.fromkeys(NUMBERS.split(), 512)
    return attributes | {"PixelData": bytes(524_288)}


def parametric_map(frames: int) -> dict[str, object]:
    """Per-frame functional groups as a Parametric Map has them, 14 values a frame."""
    unit = [{"CodeValue": "s", "CodingSchemeDesignator": "UCUM", "CodeMeaning": "seconds"}]
    return {
        FRAMES: [
            {
                "FrameContentSequence": [
                    {"StackID": "1", "InStackPositionNumber": frame, "DimensionIndexValues": [1, frame]}
                ],
                "PlanePositionSequence": [{"ImagePositionPatient": ["0", "-12.5", str(frame / 8)]}],
                "ParametricMapFrameTypeSequence": [{"FrameType": ["DERIVED", "PRIMARY", "PERFUSION", "MTT"]}],
                "PixelMeasuresSequence": [{"PixelSpacing": ["1", "1"], "SliceThickness": "2"}],
                "RealWorldValueMappingSequence": [
                    {"RealWorldValueSlope": 1.0, "LUTLabel": "x", "MeasurementUnitsCodeSequence": unit}
                ],
            }
            for frame in range(frames)
        ]
    }


@pytest.fixture
def once(benchmark: Any, request: pytest.FixtureRequest) -> Any:
    """Time a function, in a normal run a single time."""
    if request.config.getoption("benchmark_only"):
        return benchmark
    return lambda function: benchmark.pedantic(function, rounds=1, iterations=1)


@pytest.mark.parametrize("syntax", [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN])
def test_a_ct_header_is_walked(once: Any, syntax: str) -> None:
    data = encode(ct(), syntax)
    assert len(once(lambda: read_header(data, syntax)).tags()) == 78


def test_a_ct_header_is_walked_and_its_faults_are_told(once: Any) -> None:
    data = encode(ct())
    assert once(lambda: read_header(data, EXPLICIT_VR_LITTLE_ENDIAN).faults) == ()


def test_a_ct_header_is_read_by_pydicom(once: Any) -> None:
    data = encode(ct())
    assert len(once(lambda: read_dataset(io.BytesIO(data), False, True))) == 78


@pytest.mark.parametrize("layout", [Layout(), UNDEFINED_LENGTHS])
def test_2000_frames_are_grouped(once: Any, layout: Layout) -> None:
    data = encode(parametric_map(2000), layout=layout)
    (stencil,) = once(lambda: read_header(data, EXPLICIT_VR_LITTLE_ENDIAN).stencils(FRAMES))
    assert len(stencil.numbers) == 2000


def test_2000_frames_are_read_by_pydicom(once: Any) -> None:
    data = encode(parametric_map(2000), layout=UNDEFINED_LENGTHS)
    assert len(once(lambda: read_dataset(io.BytesIO(data), False, True))[FRAMES].value) == 2000


def test_a_column_of_2000_values_is_read(once: Any) -> None:
    (stencil,) = read_header(encode(parametric_map(2000)), EXPLICIT_VR_LITTLE_ENDIAN).stencils(FRAMES)
    assert len(once(lambda: stencil.column("PlanePositionSequence", "ImagePositionPatient"))) == 2000
