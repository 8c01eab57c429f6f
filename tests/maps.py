"""The smallest Parametric Map with a sound Parametric Map Image Module: `parametric_map(BitsAllocated=64)`."""

from __future__ import annotations

SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"
TYPES = ["DERIVED", "PRIMARY", "VOLUME", "MEAN"]


def parametric_map(**changes: object) -> dict[str, object]:
    """A map of one frame of 32-bit floating point pixels; a keyword that is `...` is left out."""
    attributes: dict[str, object] = {
        "ImageType": TYPES,
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.30",
        "SOPInstanceUID": "1.2.3.4",
        "ContentQualification": "RESEARCH",
        "InstanceNumber": "1",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "NumberOfFrames": "1",
        "Rows": 1,
        "Columns": 1,
        "BitsAllocated": 32,
        "BurnedInAnnotation": "NO",
        "RecognizableVisualFeatures": "NO",
        "LossyImageCompression": "00",
        "ContentLabel": "T1_MAP",
        "ContentDescription": None,
        "PresentationLUTShape": "IDENTITY",
        SHARED: [frame_type(*TYPES)],
        PER_FRAME: [{}],
        "FloatPixelData": b"\0\0\0\0",
        **changes,
    }
    return {name: value for name, value in attributes.items() if value is not ...}


def integer_map(**changes: object) -> dict[str, object]:
    """The same with 16-bit integer pixels."""
    integer: dict[str, object] = {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelData": b"\0\0"}
    return parametric_map(**{"FloatPixelData": ..., **integer, **changes})


def frame_type(*values: str) -> dict[str, object]:
    """The Parametric Map Frame Type functional group."""
    return {"ParametricMapFrameTypeSequence": [{"FrameType": list(values)}]}
