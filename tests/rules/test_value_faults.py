"""Sound instances with one thing broken in pixels, mappings, colours, windows and what frames refer to."""

from __future__ import annotations

from copy import deepcopy

import pytest
from multi_frame import base
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence as Items
from pydicom.uid import JPEG2000Lossless, JPEGLSNearLossless
from single_faults import Fault, Faults, changed, findings, is_found, is_missed_without_its_rule, loud

from rules.model import Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
FAULTS = Faults()
fault, legal = FAULTS.fault, FAULTS.legal
MAPPING = "RealWorldValueMappingSequence"


def _shared(dataset: Dataset) -> Dataset:
    item: Dataset = dataset.SharedFunctionalGroupsSequence[0]
    return item


def _frame(dataset: Dataset, number: int) -> Dataset:
    item: Dataset = dataset.PerFrameFunctionalGroupsSequence[number - 1]
    return item


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _code(value: str, scheme: str = "99ONE") -> Items:
    return Items([_item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning="one")])


def _mapping(dataset: Dataset) -> Dataset:
    item: Dataset = _shared(dataset)[MAPPING].value[0]
    return item


def _per_frame(dataset: Dataset, group: str) -> None:
    """Move a shared functional group into every frame."""
    shared = _shared(dataset)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        setattr(frame, group, deepcopy(shared[group].value))
    delattr(shared, group)


# Pixels as bytes


@fault("map", "pixel-data-format")
def floating_point_pixels_in_a_compressed_transfer_syntax(ds: Dataset) -> None:
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless


@fault("integer map", "pixel-data-vr")
def words_as_bytes(ds: Dataset) -> None:
    ds["PixelData"].VR = "OB"


@fault("compressed", "pixel-data-vr")
def fragments_as_words(ds: Dataset) -> None:
    ds["PixelData"].VR = "OW"


def _frames_of(ds: Dataset) -> list[bytes]:
    return list(generate_frames(ds.PixelData, number_of_frames=4))


@fault("compressed", "pixel-data-fragments")
def frame_without_a_fragment(ds: Dataset) -> None:
    ds.PixelData = encapsulate(_frames_of(ds)[:3], has_bot=False)


@fault("compressed", "pixel-data-fragments")
def empty_fragment(ds: Dataset) -> None:
    ds.PixelData = encapsulate(_frames_of(ds), has_bot=False) + b"\xfe\xff\x00\xe0\0\0\0\0"


@fault("compressed", "basic-offset-table")
def offset_table_of_three_frames(ds: Dataset) -> None:
    whole = encapsulate(_frames_of(ds), has_bot=True)
    ds.PixelData = whole[:4] + (12).to_bytes(4, "little") + whole[8:20] + whole[24:]


@fault("compressed", "basic-offset-table")
def offset_that_is_no_fragment(ds: Dataset) -> None:
    whole = bytearray(encapsulate(_frames_of(ds), has_bot=True))
    whole[12] += 2
    ds.PixelData = bytes(whole)


def _extended(ds: Dataset) -> tuple[list[int], list[int]]:
    frames = _frames_of(ds)
    ds.PixelData = encapsulate(frames, has_bot=False)
    lengths = [len(each) + len(each) % 2 for each in frames]
    return [sum(lengths[:n]) + 8 * n for n in range(4)], lengths


def _offsets(ds: Dataset, offsets: list[int], lengths: list[int]) -> None:
    ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = (
        b"".join(each.to_bytes(8, "little") for each in table) for table in (offsets, lengths)
    )


@legal("compressed")
def extended_offset_table(ds: Dataset) -> None:
    _offsets(ds, *_extended(ds))


@fault("compressed", "extended-offset-table")
def both_offset_tables(ds: Dataset) -> None:
    offsets, lengths = _extended(ds)
    ds.PixelData = encapsulate(_frames_of(ds), has_bot=True)
    _offsets(ds, offsets, lengths)


@fault("compressed", "extended-offset-table")
def extended_offset_that_is_no_fragment(ds: Dataset) -> None:
    offsets, lengths = _extended(ds)
    _offsets(ds, [*offsets[:3], offsets[3] + 2], lengths)


@fault("compressed", "extended-offset-table")
def length_of_another_frame(ds: Dataset) -> None:
    offsets, lengths = _extended(ds)
    _offsets(ds, offsets, [*lengths[:3], lengths[3] + 2])


@fault("integer map", "extended-offset-table")
def extended_offsets_of_native_pixels(ds: Dataset) -> None:
    _offsets(ds, [0, 32, 64, 96], [32, 32, 32, 32])


@fault("compressed", "encapsulated-total-length")
def stream_longer_than_its_fragments(ds: Dataset) -> None:
    ds.EncapsulatedPixelDataValueTotalLength = 4000


@fault("compressed", "lossy-compression-denied")
def loss_that_is_denied(ds: Dataset) -> None:
    ds.file_meta.TransferSyntaxUID = JPEGLSNearLossless
    ds.LossyImageCompression = "00"


@fault("segmentation", "pixel-data-length")
def last_byte_missing(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[:-2]


@fault("enhanced MR", "high-bit")
def bits_at_the_top(ds: Dataset) -> None:
    ds.BitsStored = 12


@fault("enhanced MR", "pixel-padding-range")
def range_of_padding_from_white_to_black(ds: Dataset) -> None:
    ds.add_new("PixelPaddingValue", "US", 9)
    ds.add_new("PixelPaddingRangeLimit", "US", 0)


# Real world values


def _both(ds: Dataset, vr: str, first: int, last: int) -> None:
    mapping = _mapping(ds)
    mapping.add_new("RealWorldValueFirstValueMapped", vr, first)
    mapping.add_new("RealWorldValueLastValueMapped", vr, last)


@fault("integer map", "real-world-value-vr")
def signed_end_of_unsigned_pixels(ds: Dataset) -> None:
    _mapping(ds).add_new("RealWorldValueLastValueMapped", "SS", 4095)


@fault("map", "real-world-value-vr")
def unsigned_end_of_floating_point_pixels(ds: Dataset) -> None:
    mapping = _mapping(ds)
    del mapping.DoubleFloatRealWorldValueLastValueMapped
    mapping.add_new("RealWorldValueLastValueMapped", "US", 1)


@legal("map")
def signed_ends_of_floating_point_pixels(ds: Dataset) -> None:
    mapping = _mapping(ds)
    del mapping.DoubleFloatRealWorldValueFirstValueMapped, mapping.DoubleFloatRealWorldValueLastValueMapped
    _both(ds, "SS", 0, 1)


def _lut(mapping: Dataset, entries: int) -> None:
    del mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept
    mapping.RealWorldValueLUTData = [float(n) for n in range(entries)]


@fault("integer map", "real-world-value-lut-length")
def lookup_table_one_too_short(ds: Dataset) -> None:
    _both(ds, "US", 0, 63)
    _lut(_mapping(ds), 63)


@fault("integer map", "real-world-value-lut-length", frames=(2, 2, 3))
def lookup_tables_of_two_frames_too_long(ds: Dataset) -> None:
    _both(ds, "US", 0, 63)
    _lut(_mapping(ds), 64)
    _per_frame(ds, MAPPING)
    for number in (2, 3):
        _frame(ds, number)[MAPPING].value[0].add_new("RealWorldValueFirstValueMapped", "US", 1)


@legal("integer map")
def lookup_table(ds: Dataset) -> None:
    _both(ds, "US", 0, 63)
    _lut(_mapping(ds), 64)


@fault("map", "real-world-value-lut-floating", WARNING)
def lookup_table_of_floating_point_pixels(ds: Dataset) -> None:
    mapping = _mapping(ds)
    del mapping.DoubleFloatRealWorldValueFirstValueMapped, mapping.DoubleFloatRealWorldValueLastValueMapped
    _both(ds, "SS", 0, 1)
    mapping.RealWorldValueLUTData = [0.0, 1.0]


@fault("integer map", "real-world-value-two-ways", WARNING)
def limit_in_two_forms(ds: Dataset) -> None:
    _mapping(ds).DoubleFloatRealWorldValueFirstValueMapped = 0.0


@fault("integer map", "real-world-value-two-ways", WARNING)
def line_and_lookup_table(ds: Dataset) -> None:
    _both(ds, "US", 0, 1)
    _mapping(ds).RealWorldValueLUTData = [0.0, 1.0]


@fault("integer map", "real-world-value-order", WARNING)
def mapping_from_last_to_first(ds: Dataset) -> None:
    _both(ds, "US", 4095, 0)


@fault("map", "real-world-value-order", WARNING, frames=(1, 4, 4))
def mapping_of_one_frame_backwards(ds: Dataset) -> None:
    _per_frame(ds, MAPPING)
    _frame(ds, 4)[MAPPING].value[0].DoubleFloatRealWorldValueLastValueMapped = -1.0


@fault("integer map", "real-world-value-flat", NOTE)
def slope_of_0(ds: Dataset) -> None:
    _mapping(ds).RealWorldValueSlope = 0.0


@fault("enhanced MR", "real-world-value-beyond-stored", NOTE)
def mapping_of_values_that_no_pixel_has(ds: Dataset) -> None:
    ds.BitsStored, ds.HighBit = 12, 11
    _shared(ds).RealWorldValueMappingSequence = deepcopy(_shared(base("integer map"))[MAPPING].value)
    _both(ds, "US", 0, 4096)


@fault("map", "units-not-ucum", WARNING)
def units_with_a_caret(ds: Dataset) -> None:
    _mapping(ds).MeasurementUnitsCodeSequence[0].CodeValue = "mm^2/s"


@fault("map", "units-not-ucum", WARNING, frames=(2, 2, 3))
def units_in_words_in_two_frames(ds: Dataset) -> None:
    _per_frame(ds, MAPPING)
    for number in (2, 3):
        _frame(ds, number)[MAPPING].value[0].MeasurementUnitsCodeSequence[0].CodeValue = "sec"


@legal("map")
def units_of_another_scheme(ds: Dataset) -> None:
    ds_unit = _mapping(ds).MeasurementUnitsCodeSequence[0]
    ds_unit.CodeValue, ds_unit.CodingSchemeDesignator = "mm^2/s", "99ONE"


@fault("map", "real-world-value-label-repeated", NOTE)
def two_mappings_with_one_label(ds: Dataset) -> None:
    _shared(ds)[MAPPING].value.append(deepcopy(_mapping(ds)))


# Palettes, profiles, ranges of colours


def _descriptor(ds: Dataset, color: str, *values: int) -> None:
    ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", list(values))


def _tables(ds: Dataset, data: bytes, segmented: bool = False) -> None:
    for color in ("Red", "Green", "Blue"):
        if segmented:
            delattr(ds, f"{color}PaletteColorLookupTableData")
        name = f"{'Segmented' if segmented else ''}{color}PaletteColorLookupTableData"
        ds.add_new(name, "OW", data)


@fault("colour map", "palette-descriptor")
def palette_with_first_values_that_differ(ds: Dataset) -> None:
    _descriptor(ds, "Blue", 256, 1, 16)


@fault("colour map", "palette-descriptor")
def green_of_12_bits(ds: Dataset) -> None:
    _descriptor(ds, "Green", 256, 0, 12)


@fault("colour map", "palette-length")
def red_without_its_end(ds: Dataset) -> None:
    ds.RedPaletteColorLookupTableData = ds.RedPaletteColorLookupTableData[:-2]


@legal("colour map")
def segmented_palette(ds: Dataset) -> None:
    _tables(ds, _words(0, 1, 0, 1, 255, 65535), segmented=True)


@legal("colour map")
def palette_with_a_uid_of_its_own(ds: Dataset) -> None:
    ds.PaletteColorLookupTableUID = "1.2.826.0.21"


@fault("colour map", "palette-segments")
def blue_that_expands_too_short(ds: Dataset) -> None:
    segmented_palette(ds)
    ds.SegmentedBluePaletteColorLookupTableData = _words(0, 1, 0, 1, 254, 65535)


@fault("colour map", "palette-segments")
def red_that_begins_in_the_middle(ds: Dataset) -> None:
    segmented_palette(ds)
    ds.SegmentedRedPaletteColorLookupTableData = _words(1, 256, 65535)


@fault("colour map", "palette-segments")
def green_that_copies_itself(ds: Dataset) -> None:
    segmented_palette(ds)
    ds.SegmentedGreenPaletteColorLookupTableData = _words(0, 1, 0, 2, 1, 6, 0)


def _words(*words: int) -> bytes:
    return b"".join(each.to_bytes(2, "little") for each in words)


def _profile(ds: Dataset, at: int, seen: bytes) -> None:
    profile = bytearray(ds.ICCProfile)
    profile[at : at + len(seen)] = seen
    ds.ICCProfile = bytes(profile)


@fault("colour map", "icc-profile")
def profile_of_a_printer(ds: Dataset) -> None:
    _profile(ds, 12, b"prtr")


@fault("colour map", "icc-profile", WARNING)
def profile_of_a_colour_space(ds: Dataset) -> None:
    _profile(ds, 12, b"spac")


@fault("colour map", "icc-profile")
def profile_of_grays(ds: Dataset) -> None:
    _profile(ds, 16, b"GRAY")


@fault("colour map", "icc-profile")
def profile_that_leads_nowhere(ds: Dataset) -> None:
    _profile(ds, 20, b"Luv ")


@fault("colour map", "icc-profile")
def profile_that_is_none(ds: Dataset) -> None:
    _profile(ds, 36, b"none")


@fault("colour map", "icc-profile", WARNING)
def profile_cut_short(ds: Dataset) -> None:
    _profile(ds, 0, (3144).to_bytes(4, "big"))


@fault("colour map", "color-range-order", WARNING)
def colours_from_white_to_black(ds: Dataset) -> None:
    _shared(ds).StoredValueColorRangeSequence[0].MinimumStoredValueMapped = 64.0


@fault("colour map", "color-range-order", WARNING, frames=(1, 2, 2))
def colours_of_one_frame_backwards(ds: Dataset) -> None:
    _per_frame(ds, "StoredValueColorRangeSequence")
    _frame(ds, 2).StoredValueColorRangeSequence[0].MinimumStoredValueMapped = 64.0


@fault("colour map", "color-range-beyond-stored", NOTE)
def colours_of_values_that_no_pixel_has(ds: Dataset) -> None:
    _shared(ds).StoredValueColorRangeSequence[0].MaximumStoredValueMapped = 1e6


# Windows and lookup tables


def _voi(ds: Dataset) -> Dataset:
    item: Dataset = _shared(ds).FrameVOILUTSequence[0]
    return item


@fault("map", "window-count")
def two_centers_and_one_width(ds: Dataset) -> None:
    _voi(ds).WindowCenter = ["0.5", "0.7"]


@fault("map", "window-count", frames=(2, 1, 2))
def two_widths_and_one_center_in_two_frames(ds: Dataset) -> None:
    _per_frame(ds, "FrameVOILUTSequence")
    for number in (1, 2):
        _frame(ds, number).FrameVOILUTSequence[0].WindowWidth = ["2", "4"]


@fault("map", "window-width")
def window_narrower_than_1(ds: Dataset) -> None:
    _voi(ds).WindowWidth = "0.5"


@legal("map")
def narrow_window_that_is_exact(ds: Dataset) -> None:
    _voi(ds).WindowWidth, _voi(ds).VOILUTFunction = "0.5", "LINEAR_EXACT"


@fault("map", "window-width", frames=(1, 3, 3))
def sigmoid_without_a_width(ds: Dataset) -> None:
    _per_frame(ds, "FrameVOILUTSequence")
    voi = _frame(ds, 3).FrameVOILUTSequence[0]
    voi.WindowWidth, voi.VOILUTFunction = "0", "SIGMOID"


def _voi_lut(ds: Dataset, entries: int, bits: int, length: int) -> None:
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [entries, 0, bits])
    lut.add_new("LUTData", "OW", bytes(length))
    _voi(ds).VOILUTSequence = Items([lut])


@legal("integer map")
def lookup_table_beside_the_window(ds: Dataset) -> None:
    _voi_lut(ds, 64, 12, 128)


@fault("integer map", "lut-descriptor")
def lookup_table_of_20_bits(ds: Dataset) -> None:
    _voi_lut(ds, 64, 20, 128)


@fault("integer map", "lut-descriptor")
def lookup_table_without_its_end(ds: Dataset) -> None:
    _voi_lut(ds, 64, 16, 126)


@fault("integer map", "lut-descriptor", WARNING)
def bytes_in_words(ds: Dataset) -> None:
    _voi_lut(ds, 64, 8, 128)


@fault("Secondary Capture Image", "window-of-colour")
def window_of_a_colour_image(ds: Dataset) -> None:
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PlanarConfiguration = "RGB", 3, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelData = 8, 8, 7, bytes(4)
    ds.WindowCenter, ds.WindowWidth = "40", "400"


# What is described once


@fault("segmentation", "item-numbers")
def segments_1_and_3(ds: Dataset) -> None:
    ds.SegmentSequence[1].SegmentNumber = 3
    for frame in ds.PerFrameFunctionalGroupsSequence:
        segment = frame.SegmentIdentificationSequence[0]
        segment.ReferencedSegmentNumber = {1: 1, 2: 3}[segment.ReferencedSegmentNumber]


@fault("segmentation", "item-numbers")
def two_segments_1(ds: Dataset) -> None:
    ds.SegmentSequence[1].SegmentNumber = 1
    for frame in ds.PerFrameFunctionalGroupsSequence:
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber = 1


@fault("segmentation", "item-number-undeclared", frames=(2, 2, 5))
def frames_of_a_segment_that_is_not_described(ds: Dataset) -> None:
    for number in (2, 5):
        _frame(ds, number).SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9


@fault("segmentation", "segment-number-one", frames=(1, 3, 3))
def frame_of_two_segments(ds: Dataset) -> None:
    _frame(ds, 3).SegmentIdentificationSequence[0].ReferencedSegmentNumber = [1, 2]


@fault("Enhanced PET Image", "item-numbers")
def first_agent_2(ds: Dataset) -> None:
    ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalAgentNumber = 2
    _usage(ds).RadiopharmaceuticalAgentNumber = 2


@fault("Enhanced PET Image", "item-number-undeclared")
def agent_that_was_not_given(ds: Dataset) -> None:
    _usage(ds).RadiopharmaceuticalAgentNumber = 2


def _usage(ds: Dataset) -> Dataset:
    item: Dataset = _shared(ds).RadiopharmaceuticalUsageSequence[0]
    return item


# What sums up the frames


def _properties(ds: Dataset, image: str, *frames: str) -> None:
    ds.VolumetricProperties = image
    _per_frame(ds, "MRImageFrameTypeSequence")
    for number, value in enumerate(frames, start=1):
        _frame(ds, number).MRImageFrameTypeSequence[0].VolumetricProperties = value


@fault("enhanced MR", "image-summary-frames-differ")
def distorted_image_of_volumes(ds: Dataset) -> None:
    _properties(ds, "DISTORTED", "VOLUME", "VOLUME", "VOLUME", "VOLUME")


@fault("enhanced MR", "image-summary-frames-differ")
def mixed_image_of_volumes(ds: Dataset) -> None:
    _properties(ds, "MIXED", "VOLUME", "VOLUME", "VOLUME", "VOLUME")


@fault("enhanced MR", "image-summary-frames-differ")
def volume_of_several_kinds(ds: Dataset) -> None:
    _properties(ds, "VOLUME", "VOLUME", "VOLUME", "VOLUME", "SAMPLED")


@legal("enhanced MR")
def mixed_image_of_several_kinds(ds: Dataset) -> None:
    _properties(ds, "MIXED", "VOLUME", "VOLUME", "VOLUME", "SAMPLED")


@fault("Enhanced CT Image", "value-not-enumerated")
def original_frames_in_other_units(ds: Dataset) -> None:
    _shared(ds).PixelValueTransformationSequence[0].RescaleType = "US"


# Frames that are named


@fault("enhanced MR", "frame-number-outside")
def frame_0_of_interest(ds: Dataset) -> None:
    ds.FrameNumbersOfInterest = [0, 4]


@fault("enhanced MR", "frame-number-outside", WARNING)
def frame_of_interest_beyond_the_last(ds: Dataset) -> None:
    ds.FrameNumbersOfInterest = [1, 5]


@fault("enhanced MR", "frames-of-interest")
def one_type_for_two_frames_of_interest(ds: Dataset) -> None:
    ds.FrameNumbersOfInterest, ds.FrameOfInterestType = [1, 4], "RWAVE"


def _mask(ds: Dataset, operation: str, *ranges: int) -> None:
    item = _item(MaskOperation=operation, SubtractionItemID=1, ApplicableFrameRange=list(ranges), TIDOffset=1)
    ds.MaskSubtractionSequence = Items([item])
    ds.RecommendedViewingMode = "SUB"


@fault("enhanced MR", "mask-frame-ranges")
def mask_that_runs_backwards(ds: Dataset) -> None:
    _mask(ds, "TID", 4, 2)


@fault("enhanced MR", "mask-frame-ranges")
def reversed_mask_with_ranges_out_of_order(ds: Dataset) -> None:
    _mask(ds, "REV_TID", 3, 4, 1, 2)


@fault("enhanced MR", "frame-display-ranges")
def display_that_leaves_out_a_frame(ds: Dataset) -> None:
    ds.FrameDisplaySequence = Items([_item(StartTrim=1, StopTrim=2), _item(StartTrim=4, StopTrim=4)])


def _context(**more: object) -> Dataset:
    measured = {"ValueType": "NUMERIC", "NumericValue": ["1", "2"], "MeasurementUnitsCodeSequence": _code("mm", "UCUM")}
    return _item(ConceptNameCodeSequence=_code("1"), **measured, **more)


@fault("map", "frame-number-outside", WARNING)
def context_of_a_frame_that_is_not_there(ds: Dataset) -> None:
    ds.AcquisitionContextSequence = Items([_context(ReferencedFrameNumbers=[2, 9])])


@fault("map", "numeric-value-forms")
def one_floating_point_value_for_two(ds: Dataset) -> None:
    ds.AcquisitionContextSequence = Items([_context(FloatingPointValue=[1.0])])


@fault("map", "numeric-value-forms")
def part_of_nothing(ds: Dataset) -> None:
    rational = {"RationalNumeratorValue": [1, 2], "RationalDenominatorValue": [1, 0]}
    ds.AcquisitionContextSequence = Items([_context(**rational)])


# Shapes, matrices, slides, addresses


@fault("enhanced MR", "shape-repeated")
def two_round_shutters(ds: Dataset) -> None:
    ds.ShutterShape = ["CIRCULAR", "CIRCULAR"]


@fault("enhanced MR", "polygon-vertices")
def shutter_of_two_corners(ds: Dataset) -> None:
    ds.VerticesOfThePolygonalShutter = ["1", "1", "4", "4"]


@fault("enhanced US", "matrix-not-rigid", WARNING)
def matrix_that_stretches(ds: Dataset) -> None:
    ds.VolumeToTransducerMappingMatrix = [2.0 if n == 5 else float(n % 5 == 0) for n in range(16)]


@fault("enhanced US", "matrix-not-rigid", WARNING)
def matrix_that_projects(ds: Dataset) -> None:
    ds.VolumeToTransducerMappingMatrix = [0.5 if n == 14 else float(n % 5 == 0) for n in range(16)]


@fault("slide", "channel-descriptions")
def three_channels_of_one_sample(ds: Dataset) -> None:
    ds.OpticalPathSequence[0].ChannelDescriptionCodeSequence = Items([_code("1")[0] for _ in range(3)])


@fault("map", "ntp-source-address")
def time_from_a_name(ds: Dataset) -> None:
    ds.NTPSourceAddress = "time.example.org"


@legal("map")
def time_from_an_address(ds: Dataset) -> None:
    ds.NTPSourceAddress = "12:34:56:78:9a:bc:de:f0"


# Groups and organizations


@fault("map", "functional-group-unlisted", NOTE)
def functional_group_of_another_iod(ds: Dataset) -> None:
    _shared(ds).MRVelocityEncodingSequence = Items([Dataset()])


@fault("map", "functional-group-unlisted", NOTE, frames=(2, 1, 4))
def time_beside_the_groups(ds: Dataset) -> None:
    for number in (1, 4):
        _frame(ds, number).TriggerTime = "1"


@fault("map", "dimension-organization-unused", NOTE)
def organization_without_dimensions(ds: Dataset) -> None:
    ds.DimensionOrganizationSequence.append(_item(DimensionOrganizationUID="1.2.826.0.20"))


@pytest.mark.parametrize("name", sorted({each.base for each in FAULTS.broken}))
def test_a_sound_instance_has_no_findings(name: str) -> None:
    assert loud(findings(base(name))) == []


@pytest.mark.parametrize("each", FAULTS.broken, ids=lambda each: each.change.__name__)
def test_one_fault_is_found_by_one_rule_in_its_frames(each: Fault) -> None:
    is_found(each)


@pytest.mark.parametrize("each", FAULTS.broken, ids=lambda each: each.change.__name__)
def test_a_fault_is_missed_without_its_rule(each: Fault) -> None:
    is_missed_without_its_rule(each)


@pytest.mark.parametrize(("name", "change"), FAULTS.odd, ids=lambda each: getattr(each, "__name__", each))
def test_a_legal_oddity_draws_nothing(name: str, change) -> None:  # type: ignore[no-untyped-def]
    assert loud(changed(name, change)) == []
