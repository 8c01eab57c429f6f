"""Sound multi-frame instances to be broken: made by highdicom, or grown from the smallest ones. As pydicom Datasets."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from io import BytesIO

import highdicom as hd
import numpy as np
from builders import Attributes, ct, part10
from minimal import PER_FRAME, SHARED, instance
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import RLELossless

from rules.header import Header, read_part10

SLICES = 4
EQUIPMENT = {
    "manufacturer": "Maker",
    "manufacturer_model_name": "Model",
    "software_versions": "1",
    "device_serial_number": "7",
}
NUMBERS = {"series_number": 2, "instance_number": 1}


def as_dataset(attributes: Attributes) -> Dataset:
    """The same instance as pydicom reads it."""
    return dcmread(BytesIO(part10(attributes)))


def header_of(dataset: Dataset) -> Header:
    """The same instance as our reader has it."""
    written = BytesIO()
    dataset.save_as(written)
    return read_part10(written.getvalue())


@cache
def base(name: str) -> Dataset:
    """A sound instance by its name in `BASES`, or the smallest of an IOD; to be copied before it is changed."""
    made = BASES.get(name)
    return made() if made is not None else as_dataset(instance(name))


def slices() -> list[Dataset]:
    """A CT series of parallel planes, 2.5 mm apart."""
    return [
        as_dataset(
            ct(
                SOPInstanceUID=f"1.2.826.0.1.{n + 1}",
                ImagePositionPatient=["-10", "-20", str(2.5 * n)],
                InstanceNumber=str(n + 1),
            )
        )
        for n in range(SLICES)
    ]


def patient_map() -> Dataset:
    """A Parametric Map over the CT series, one frame a slice."""
    return _map(slices())


def integer_map() -> Dataset:
    """The same with 16-bit integer pixels, which a line makes real values of."""
    return _map(slices(), floating=False)


def color_map() -> Dataset:
    """The map of integers with colours: a palette of its own over a range of stored values."""
    made = integer_map()
    made.PixelPresentation = "COLOR_RANGE"
    made.ICCProfile = (128).to_bytes(4, "big") + bytes(8) + b"scnrRGB XYZ " + bytes(12) + b"acsp" + bytes(88)
    span = Dataset()
    span.MinimumStoredValueMapped, span.MaximumStoredValueMapped = 0.0, 63.0
    made.SharedFunctionalGroupsSequence[0].StoredValueColorRangeSequence = [span]
    for color in ("Red", "Green", "Blue"):
        made.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        made.add_new(f"{color}PaletteColorLookupTableData", "OW", np.linspace(0, 65535, 256).astype("<u2").tobytes())
    return made


def compressed() -> Dataset:
    """An Enhanced MR Image of four planes, run-length encoded, with a Basic Offset Table."""
    made = enhanced_mr()
    made.Rows = made.Columns = 4
    made.PixelData = np.arange(16 * SLICES, dtype="<u2").tobytes()
    made.compress(RLELossless)
    return made


def slide_map() -> Dataset:
    """A Parametric Map over the slide, one frame a tile, each with its position."""
    return _map([slide()])


def _map(sources: list[Dataset], floating: bool = True) -> Dataset:
    frames = max(len(sources), int(sources[0].get("NumberOfFrames", 1)))
    pixels = np.linspace(0, 1, frames * 16, dtype=np.float32) if floating else np.arange(frames * 16, dtype=np.uint16)
    made = hd.pm.ParametricMap(
        source_images=sources,
        pixel_array=pixels.reshape(frames, 4, 4),
        series_instance_uid=hd.UID(),
        sop_instance_uid=hd.UID(),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            hd.pm.RealWorldValueMapping(
                lut_label="1",
                lut_explanation="feature",
                unit=codes.UCUM.NoUnits,
                value_range=[0.0, 1.0] if floating else [0, 4095],
                slope=1.0,
                intercept=0.0,
                quantity_definition=codes.DCM.ApparentDiffusionCoefficient,
            )
        ],
        voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=2.0)],
        **NUMBERS,
        **EQUIPMENT,
    )
    return _read_again(made)


def segmentation() -> Dataset:
    """A binary Segmentation of two segments over the CT series."""
    mask = np.zeros((SLICES, 4, 4, 2), dtype=np.uint8)
    mask[:, 1:3, 1:3, 0] = 1
    mask[:, 0, 0, 1] = 1
    return _segmentation(slices(), mask)


def tiled_segmentation() -> Dataset:
    """A binary Segmentation of the slide, TILED_FULL."""
    mask = np.ones((1, 8, 16, 1), dtype=np.uint8)
    made = _segmentation(
        [slide()],
        mask,
        tile_pixel_array=True,
        tile_size=(4, 4),
        dimension_organization_type="TILED_FULL",
        omit_empty_frames=False,
    )
    del made.ReferencedSeriesSequence  # of the Common Instance Reference Module, which no frame calls for
    return made


def _segmentation(sources: list[Dataset], mask: np.ndarray, **more: object) -> Dataset:
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"segment {number}",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number in range(1, mask.shape[-1] + 1)
    ]
    made = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=mask,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=hd.UID(),
        sop_instance_uid=hd.UID(),
        **NUMBERS,
        **EQUIPMENT,
        **more,
    )
    return _read_again(made)


def _read_again(dataset: Dataset) -> Dataset:
    written = BytesIO()
    dataset.save_as(written)
    return dcmread(BytesIO(written.getvalue()))


def enhanced_mr() -> Dataset:
    """An Enhanced MR Image: one stack of four planes."""
    return as_dataset(_planes(instance("Enhanced MR Image"), 0x00209057))


def _planes(attributes: Attributes, place: int) -> Attributes:
    attributes = deepcopy(attributes)
    shared, frame = attributes[SHARED][0], attributes[PER_FRAME][0]  # type: ignore[index]
    position = shared.pop("PlanePositionSequence", None)
    assert position is not None
    frames = []
    for n in range(SLICES):
        each = deepcopy(frame)
        each["FrameContentSequence"][0] |= {
            "DimensionIndexValues": [1, n + 1],
            "StackID": "1",
            "InStackPositionNumber": n + 1,
        }
        each["PlanePositionSequence"] = [{"ImagePositionPatient": ["0", "0", str(3 * n)]}]
        frames.append(each)
    uid = "1.2.826.0.2"
    attributes["DimensionOrganizationSequence"] = [{"DimensionOrganizationUID": uid}]
    attributes["DimensionIndexSequence"] = [
        {"DimensionIndexPointer": each, "FunctionalGroupPointer": 0x00209111, "DimensionOrganizationUID": uid}
        for each in (0x00209056, place)
    ]
    return attributes | {PER_FRAME: frames, "NumberOfFrames": str(SLICES), "PixelData": bytes(2 * SLICES)}


def enhanced_us() -> Dataset:
    """An Enhanced US Volume of four planes."""
    attributes = deepcopy(instance("Enhanced US Volume"))
    frame = attributes[PER_FRAME][0]
    frames = []
    for n in range(SLICES):
        each = deepcopy(frame)
        each["FrameContentSequence"][0]["DimensionIndexValues"] = [1, n + 1, 1]
        each["PlanePositionVolumeSequence"] = [{"ImagePositionVolume": [0.0, 0.0, 0.5 * n]}]
        frames.append(each)
    return as_dataset(attributes | {PER_FRAME: frames, "NumberOfFrames": str(SLICES), "PixelData": bytes(2 * SLICES)})


def slide() -> Dataset:
    """A VL Whole Slide Microscopy Image of 2 x 4 tiles, TILED_FULL."""
    attributes = deepcopy(instance("VL Whole Slide Microscopy Image"))
    del attributes[PER_FRAME], attributes["DimensionIndexSequence"]
    shared = attributes[SHARED][0]
    shared["PixelMeasuresSequence"] = [{"PixelSpacing": ["0.25", "0.25"], "SliceThickness": "1"}]
    return as_dataset(
        attributes
        | {
            "DimensionOrganizationType": "TILED_FULL",
            "TotalPixelMatrixColumns": 16,
            "TotalPixelMatrixRows": 8,
            "TotalPixelMatrixFocalPlanes": 1,
            "NumberOfOpticalPaths": 1,
            "Columns": 4,
            "Rows": 4,
            "NumberOfFrames": "8",
            "ImageOrientationSlide": ["0", "-1", "0", "-1", "0", "0"],
            "PositionReferenceIndicator": "SLIDE_CORNER",
            "FrameOfReferenceUID": "1.2.826.0.3",
            "PixelData": bytes(8 * 16 * 2),
        }
    )


BASES: dict[str, Callable[[], Dataset]] = {
    "map": patient_map,
    "integer map": integer_map,
    "colour map": color_map,
    "compressed": compressed,
    "slide map": slide_map,
    "segmentation": segmentation,
    "enhanced MR": enhanced_mr,
    "enhanced US": enhanced_us,
    "slide": slide,
    "tiled segmentation": tiled_segmentation,
}
