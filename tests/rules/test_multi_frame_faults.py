"""Sound multi-frame instances with one thing broken, each found by the one rule about it; and legal oddities."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest
from multi_frame import BASES, base
from pydicom import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.tag import Tag
from single_faults import Change, Fault, Faults, changed, findings, is_found, is_missed_without_its_rule, loud

from rules.model import Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
FAULTS = Faults()
fault, legal = FAULTS.fault, FAULTS.legal


def _shared(dataset: Dataset) -> Dataset:
    item: Dataset = dataset.SharedFunctionalGroupsSequence[0]
    return item


def _frames(dataset: Dataset) -> Iterator[Dataset]:
    yield from dataset.PerFrameFunctionalGroupsSequence


def _frame(dataset: Dataset, number: int) -> Dataset:
    item: Dataset = dataset.PerFrameFunctionalGroupsSequence[number - 1]
    return item


def _indices(dataset: Dataset, number: int, *values: int) -> None:
    _frame(dataset, number).FrameContentSequence[0].DimensionIndexValues = list(values)


def _copied(dataset: Dataset, group: str) -> None:
    """Move a shared functional group into every frame."""
    shared = _shared(dataset)
    for frame in _frames(dataset):
        setattr(frame, group, deepcopy(shared[group].value))
    delattr(shared, group)


# Spacings


@fault("map", "pixel-spacing-not-positive")
def spacing_of_0(ds: Dataset) -> None:
    _shared(ds).PixelMeasuresSequence[0].PixelSpacing = ["0", "1"]


@fault("map", "pixel-spacing-not-positive", frames=(2, 2, 3))
def negative_spacing_in_two_frames(ds: Dataset) -> None:
    _copied(ds, "PixelMeasuresSequence")
    for number in (2, 3):
        _frame(ds, number).PixelMeasuresSequence[0].PixelSpacing = ["1", "-1"]


@fault("enhanced MR", "slice-spacing-negative")
def spacing_between_slices_with_a_direction(ds: Dataset) -> None:
    _shared(ds).PixelMeasuresSequence[0].SpacingBetweenSlices = "-3"


@fault("segmentation", "slice-thickness-not-positive", NOTE)
def thickness_of_0(ds: Dataset) -> None:
    _shared(ds).PixelMeasuresSequence[0].SliceThickness = "0"


@legal("enhanced MR")
def spacing_between_slices_of_0(ds: Dataset) -> None:
    _shared(ds).PixelMeasuresSequence[0].SpacingBetweenSlices = "0"


# Orientation and position


@fault("enhanced MR", "orientation-not-orthonormal")
def column_of_length_2(ds: Dataset) -> None:
    _shared(ds).PlaneOrientationSequence[0].ImageOrientationPatient = ["1", "0", "0", "0", "2", "0"]


@fault("segmentation", "orientation-not-orthonormal", frames=(1, 3, 3))
def one_oblique_frame(ds: Dataset) -> None:
    _copied(ds, "PlaneOrientationSequence")
    _frame(ds, 3).PlaneOrientationSequence[0].ImageOrientationPatient = ["1", "0", "0", "0.7", "0.7", "0"]


@fault("slide", "orientation-not-orthonormal")
def slide_with_equal_directions(ds: Dataset) -> None:
    ds.ImageOrientationSlide = ["0", "-1", "0", "0", "-1", "0"]


@legal("map")
def cosines_of_two_decimals(ds: Dataset) -> None:
    _shared(ds).PlaneOrientationSequence[0].ImageOrientationPatient = ["0.71", "0.7", "0.08", "-0.7", "0.71", "0.01"]


@fault("map", "position-orientation-pair", WARNING)
def no_orientation(ds: Dataset) -> None:
    del _shared(ds).PlaneOrientationSequence[0].ImageOrientationPatient


@fault("map", "position-orientation-pair", WARNING, frames=(1, 4, 4))
def no_position_in_the_last_frame(ds: Dataset) -> None:
    del _frame(ds, 4).PlanePositionSequence[0].ImagePositionPatient
    del ds.DimensionOrganizationType


@fault("map", "volume-spacing-irregular", WARNING, frames=(1, 4, 4))
def plane_out_of_step(ds: Dataset) -> None:
    _frame(ds, 4).PlanePositionSequence[0].ImagePositionPatient = ["-10", "-20", "9"]


@fault("map", "volume-planes-not-parallel", WARNING, frames=(1, 2, 2))
def plane_turned_over(ds: Dataset) -> None:
    _copied(ds, "PlaneOrientationSequence")
    _frame(ds, 2).PlaneOrientationSequence[0].ImageOrientationPatient = ["1", "0", "0", "0", "0", "1"]


@fault("map", "volume-spacing-differs", WARNING)
def spacing_between_slices_of_another_volume(ds: Dataset) -> None:
    _shared(ds).PixelMeasuresSequence[0].SpacingBetweenSlices = "5"


@fault("enhanced US", "volume-spacing-irregular", WARNING, frames=(1, 4, 4))
def ultrasound_plane_out_of_step(ds: Dataset) -> None:
    _frame(ds, 4).PlanePositionVolumeSequence[0].ImagePositionVolume = [0.0, 0.0, 1.9]


@fault("enhanced US", "orientation-not-orthonormal")
def ultrasound_volume_with_a_short_column(ds: Dataset) -> None:
    _shared(ds).PlaneOrientationVolumeSequence[0].ImageOrientationVolume = [1.0, 0.0, 0.0, 0.0, 0.5, 0.0]


@fault("enhanced US", "ultrasound-volume-dimensions")
def ultrasound_with_orientation_for_a_dimension(ds: Dataset) -> None:
    item = ds.DimensionIndexSequence[1]
    item.DimensionIndexPointer = Tag("ImageOrientationVolume")
    item.FunctionalGroupPointer = Tag("PlaneOrientationVolumeSequence")


@legal("map")
def planes_rounded_to_hundredths(ds: Dataset) -> None:
    for number, z in enumerate(["0", "2.5", "5.01", "7.51"], start=1):
        _frame(ds, number).PlanePositionSequence[0].ImagePositionPatient = ["-10", "-20", z]


@legal("map")
def sheared_volume(ds: Dataset) -> None:
    for number, frame in enumerate(_frames(ds)):
        frame.PlanePositionSequence[0].ImagePositionPatient = [str(number), "-20", str(2.5 * number)]


@legal("map")
def two_moments_of_one_volume(ds: Dataset) -> None:
    ds.DimensionOrganizationType = "3D_TEMPORAL"
    for number, z in enumerate(["0", "2.5", "0", "2.5"], start=1):
        _frame(ds, number).PlanePositionSequence[0].ImagePositionPatient = ["-10", "-20", z]


@legal("enhanced MR")
def unequal_planes_that_claim_no_volume(ds: Dataset) -> None:
    _frame(ds, 4).PlanePositionSequence[0].ImagePositionPatient = ["0", "0", "77"]


# Dimensions


@fault("enhanced MR", "dimension-index-count", frames=(2, 1, 3))
def one_index_too_few(ds: Dataset) -> None:
    for number in (1, 3):
        _indices(ds, number, 1)


@fault("segmentation", "dimension-index-count", frames=(8, 1, 8))
def one_dimension_too_few(ds: Dataset) -> None:
    del ds.DimensionIndexSequence[-1]


@fault("map", "dimension-index-zero", frames=(2, 2, 4))
def _zero_indices(ds: Dataset) -> None:
    for number in (2, 4):
        values = _frame(ds, number).FrameContentSequence[0].DimensionIndexValues
        several = list(values) if hasattr(values, "__len__") else [values]
        _indices(ds, number, *(0 for _ in several))


@fault("enhanced MR", "dimension-index-holes", NOTE)
def indices_with_a_hole(ds: Dataset) -> None:
    _indices(ds, 4, 1, 9)


@fault("enhanced MR", "dimension-index-disagrees", NOTE, frames=(1, 4, 4))
def index_of_another_place(ds: Dataset) -> None:
    _indices(ds, 4, 1, 4)
    ds.DimensionIndexSequence[0].DimensionIndexPointer = Tag("InStackPositionNumber")
    ds.DimensionIndexSequence[1].DimensionIndexPointer = Tag("StackID")
    for number in range(1, 5):
        _indices(ds, number, min(number, 3), number)


@fault("enhanced MR", "dimension-index-repeated", NOTE, frames=(1, 4, 4))
def two_frames_with_the_same_indices(ds: Dataset) -> None:
    _indices(ds, 4, 1, 3)
    _frame(ds, 4).FrameContentSequence[0].InStackPositionNumber = 3
    _frame(ds, 4).PlanePositionSequence[0].ImagePositionPatient = ["0", "0", "6"]


@fault("segmentation", "dimension-organization-undeclared")
def dimension_of_another_organization(ds: Dataset) -> None:
    ds.DimensionIndexSequence[1].DimensionOrganizationUID = "1.2.3.4"


@fault("enhanced MR", "dimension-functional-group")
def dimension_in_the_wrong_group(ds: Dataset) -> None:
    ds.DimensionIndexSequence[0].FunctionalGroupPointer = Tag("PlanePositionSequence")


@fault("map", "attribute-not-allowed")
def group_pointer_beside_a_group(ds: Dataset) -> None:
    item = ds.DimensionIndexSequence[0]
    item.DimensionIndexPointer = item.FunctionalGroupPointer = Tag("PlanePositionSequence")


@fault("enhanced MR", "dimension-pointer-forbidden")
def dimension_of_frame_content(ds: Dataset) -> None:
    item = ds.DimensionIndexSequence[0]
    item.DimensionIndexPointer = Tag("FrameContentSequence")
    del item.FunctionalGroupPointer


@fault("enhanced MR", "dimension-pointer-nowhere", NOTE)
def dimension_that_no_frame_has(ds: Dataset) -> None:
    ds.DimensionIndexSequence[0].DimensionIndexPointer = Tag("FrameLabel")


@fault("enhanced MR", "dimension-private-creator")
def dimension_of_another_creator(ds: Dataset) -> None:
    _private_dimension(ds, "OTHER")


@legal("enhanced MR")
def private_dimension(ds: Dataset) -> None:
    _private_dimension(ds, "MAKER")


def _private_dimension(ds: Dataset, creator: str) -> None:
    for number, frame in enumerate(_frames(ds)):
        group = Dataset()
        group.private_block(0x0029, "MAKER", create=True).add_new(1, "LO", str(number))
        frame.private_block(0x0029, "MAKER", create=True).add_new(0, "SQ", [group])
    item = ds.DimensionIndexSequence[1]
    item.DimensionIndexPointer, item.FunctionalGroupPointer = 0x00291001, 0x00291000
    item.DimensionIndexPrivateCreator, item.FunctionalGroupPrivateCreator = creator, "MAKER"


@legal("map")
def a_whole_group_as_dimension(ds: Dataset) -> None:
    item = ds.DimensionIndexSequence[0]
    item.DimensionIndexPointer = Tag("PlanePositionSequence")
    del item.FunctionalGroupPointer


@legal("segmentation")
def indices_that_go_on_from_another_instance(ds: Dataset) -> None:
    for frame in _frames(ds):
        content = frame.FrameContentSequence[0]
        content.DimensionIndexValues = [each + 4 for each in content.DimensionIndexValues]


# Stacks


@fault("enhanced MR", "stack-position-differs", WARNING, frames=(1, 2, 2))
def two_planes_in_one_place_of_a_stack(ds: Dataset) -> None:
    _frame(ds, 2).FrameContentSequence[0].InStackPositionNumber = 1


@fault("enhanced MR", "ordinal-zero", WARNING, frames=(1, 1, 1))
def stack_that_begins_with_0(ds: Dataset) -> None:
    _frame(ds, 1).FrameContentSequence[0].InStackPositionNumber = 0


# Concatenations


def _part(ds: Dataset, number: int, offset: int, total: int | None = None) -> None:
    ds.ConcatenationUID = "1.2.826.0.5"
    ds.SOPInstanceUIDOfConcatenationSource = "1.2.826.0.6"
    ds.InConcatenationNumber, ds.ConcatenationFrameOffsetNumber = number, offset
    if total is not None:
        ds.InConcatenationTotalNumber = total


@fault("enhanced MR", "concatenation-total")
def concatenation_of_one(ds: Dataset) -> None:
    _part(ds, 1, 0, 1)


@fault("enhanced MR", "concatenation-number")
def fourth_of_three(ds: Dataset) -> None:
    _part(ds, 4, 12, 3)


@fault("map", "concatenation-number")
def part_number_0(ds: Dataset) -> None:
    _part(ds, 0, 0, 3)


@fault("map", "concatenation-offset")
def first_part_that_begins_later(ds: Dataset) -> None:
    _part(ds, 1, 4)


@fault("segmentation", "concatenation-offset")
def second_part_that_begins_at_0(ds: Dataset) -> None:
    _part(ds, 2, 0)


@fault("map", "concatenation-source-is-this", NOTE)
def part_that_is_its_own_source(ds: Dataset) -> None:
    _part(ds, 2, 4)
    ds.SOPInstanceUIDOfConcatenationSource = ds.SOPInstanceUID


@legal("map")
def last_part_of_a_concatenation(ds: Dataset) -> None:
    _part(ds, 3, 9, 3)
    _frame(ds, 4).PlanePositionSequence[0].ImagePositionPatient = ["-10", "-20", "77"]


# Tiles and slides


@fault("slide", "tiled-full-frame-count")
def one_tile_too_few(ds: Dataset) -> None:
    ds.TotalPixelMatrixColumns = 17


@fault("slide", "tiled-full-frame-count")
def focal_plane_without_frames(ds: Dataset) -> None:
    ds.TotalPixelMatrixFocalPlanes = 2
    _shared(ds).PixelMeasuresSequence[0].SpacingBetweenSlices = "0.1"


@fault("slide", "tiled-full-frame-count")
def optical_path_without_frames(ds: Dataset) -> None:
    ds.OpticalPathSequence.append(deepcopy(ds.OpticalPathSequence[0]))
    ds.OpticalPathSequence[1].OpticalPathIdentifier = "other"
    ds.NumberOfOpticalPaths = 2


@fault("tiled segmentation", "tiled-full-frame-count")
def segment_without_frames(ds: Dataset) -> None:
    ds.SegmentSequence.append(deepcopy(ds.SegmentSequence[0]))
    ds.SegmentSequence[1].SegmentNumber = 2


@fault("slide", "tiled-full-frame-count")
def part_with_more_tiles_than_are_left(ds: Dataset) -> None:
    _part(ds, 2, 1)


@legal("slide")
def part_of_a_tiled_concatenation(ds: Dataset) -> None:
    _part(ds, 2, 8)
    ds.TotalPixelMatrixColumns = 32


@legal("slide")
def matrix_that_the_last_tiles_overlap(ds: Dataset) -> None:
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows = 13, 5


@fault("slide", "tiles-overlap-in-full")
def overlapping_tiles_in_full(ds: Dataset) -> None:
    ds.add_new(0x00480304, "CS", "FIXED")  # Tiles Overlap, newer than pydicom's dictionary


def _sparse(ds: Dataset) -> None:
    """The tiles with a position each."""
    ds.DimensionOrganizationType = "TILED_SPARSE"
    uid = "1.2.826.0.7"
    ds.DimensionOrganizationSequence = Items([_item(DimensionOrganizationUID=uid)])
    ds.DimensionIndexSequence = Items(
        _item(
            DimensionIndexPointer=Tag(keyword),
            FunctionalGroupPointer=Tag("PlanePositionSlideSequence"),
            DimensionOrganizationUID=uid,
        )
        for keyword in ("RowPositionInTotalImagePixelMatrix", "ColumnPositionInTotalImagePixelMatrix")
    )
    path = _item(OpticalPathIdentifier=ds.OpticalPathSequence[0].OpticalPathIdentifier)
    frames = []
    for n in range(8):
        position = _item(
            RowPositionInTotalImagePixelMatrix=n // 4 * 4 + 1,
            ColumnPositionInTotalImagePixelMatrix=n % 4 * 4 + 1,
            XOffsetInSlideCoordinateSystem="0",
            YOffsetInSlideCoordinateSystem="0",
            ZOffsetInSlideCoordinateSystem="0",
        )
        frames.append(
            _item(
                FrameContentSequence=Items([_item(DimensionIndexValues=[n // 4 + 1, n % 4 + 1])]),
                PlanePositionSlideSequence=Items([position]),
                OpticalPathIdentificationSequence=Items([deepcopy(path)]),
            )
        )
    ds.PerFrameFunctionalGroupsSequence = Items(frames)
    shared = _shared(ds)
    for group in ("PlanePositionSlideSequence", "OpticalPathIdentificationSequence"):
        if group in shared:
            delattr(shared, group)


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


@legal("slide")
def sparse_tiles(ds: Dataset) -> None:
    _sparse(ds)
    del ds.PerFrameFunctionalGroupsSequence[5]
    ds.NumberOfFrames = "7"
    ds.PixelData = ds.PixelData[:-32]


@fault("slide", "tile-outside-matrix", WARNING, frames=(2, 4, 8))
def tiles_beside_the_matrix(ds: Dataset) -> None:
    _sparse(ds)
    for number in (4, 8):
        _frame(ds, number).PlanePositionSlideSequence[0].ColumnPositionInTotalImagePixelMatrix = 17


@fault("slide", "optical-path-undeclared", frames=(1, 2, 2))
def frame_of_an_unknown_optical_path(ds: Dataset) -> None:
    _sparse(ds)
    _frame(ds, 2).OpticalPathIdentificationSequence[0].OpticalPathIdentifier = "none"


@fault("slide", "optical-path-count")
def number_of_optical_paths(ds: Dataset) -> None:
    ds.NumberOfOpticalPaths = 2


@fault("slide", "specimen-undeclared")
def unknown_specimen(ds: Dataset) -> None:
    _shared(ds).SpecimenReferenceSequence = Items([_item(SpecimenUID="1.2.826.0.8")])


@fault("slide", "specimen-undeclared", frames=(1, 6, 6))
def unknown_specimen_in_one_of_eight_frames(ds: Dataset) -> None:
    _sparse(ds)
    known = ds.SpecimenDescriptionSequence[0].SpecimenUID
    for number, frame in enumerate(_frames(ds), start=1):
        uids = [known, known if number != 6 else "1.2.826.0.8"]
        frame.SpecimenReferenceSequence = Items(_item(SpecimenUID=uid) for uid in uids)


@fault("slide", "slide-corner")
def reference_point_of_a_patient(ds: Dataset) -> None:
    ds.PositionReferenceIndicator = "XY"


@fault("slide", "slide-label-frames")
def label_of_eight_frames(ds: Dataset) -> None:
    ds.ImageType = [*ds.ImageType[:2], "LABEL", ds.ImageType[3]]
    _shared(ds).WholeSlideMicroscopyImageFrameTypeSequence[0].FrameType = ds.ImageType
    ds.SpecimenLabelInImage = "YES"
    ds.BarcodeValue, ds.LabelText = "", ""


@fault("slide", "imaged-volume-depth")
def slide_without_depth(ds: Dataset) -> None:
    ds.ImagedVolumeDepth = 0.0


@fault("slide map", "functional-group-missing", frames=(1, 3, 3))
def tile_of_a_map_without_position(ds: Dataset) -> None:
    del _frame(ds, 3).PlanePositionSlideSequence


@fault("slide map", "tile-outside-matrix", WARNING, frames=(1, 8, 8))
def tile_of_a_map_below_the_matrix(ds: Dataset) -> None:
    _frame(ds, 8).PlanePositionSlideSequence[0].RowPositionInTotalImagePixelMatrix = 9


@fault("slide map", "slide-corner")
def map_of_a_slide_with_the_reference_of_a_patient(ds: Dataset) -> None:
    ds.PositionReferenceIndicator = "XY"


@fault("slide map", "orientation-not-orthonormal")
def map_of_a_slide_with_a_long_row(ds: Dataset) -> None:
    ds.ImageOrientationSlide = ["0", "-1.1", "0", "-1", "0", "0"]


@fault("slide", "slide-pyramid-flavor")
def overview_in_a_pyramid(ds: Dataset) -> None:
    ds.ImageType = [*ds.ImageType[:2], "OVERVIEW", ds.ImageType[3]]
    _shared(ds).WholeSlideMicroscopyImageFrameTypeSequence[0].FrameType = ds.ImageType
    ds.NumberOfFrames, ds.PixelData = "1", ds.PixelData[:32]
    ds.PyramidUID, ds.SpecimenLabelInImage = "1.2.826.0.12", "YES"


@legal("slide map")
def map_of_a_slide_in_another_corner(ds: Dataset) -> None:
    ds.ImageOrientationSlide = ["0", "1", "0", "1", "0", "0"]


# Frames and references


@fault("enhanced MR", "representative-frame-number", WARNING)
def frame_5_of_4(ds: Dataset) -> None:
    ds.RepresentativeFrameNumber = 5


@fault("map", "instance-reference-unlisted", WARNING, frames=(1, 2, 2))
def unlisted_source(ds: Dataset) -> None:
    _source(ds, 2).ReferencedSOPInstanceUID = "1.2.826.0.9"


@fault("map", "instance-reference-class-differs", ERROR)
def source_of_another_class(ds: Dataset) -> None:
    _source(ds, 3).ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"


@fault("map", "source-is-this-instance", WARNING, frames=(1, 1, 1))
def map_derived_from_itself(ds: Dataset) -> None:
    _source(ds, 1).ReferencedSOPInstanceUID = ds.SOPInstanceUID


@fault("map", "instance-reference-wrong-study")
def this_study_among_others(ds: Dataset) -> None:
    series = ds.ReferencedSeriesSequence
    del ds.ReferencedSeriesSequence
    ds.StudiesContainingOtherReferencedInstancesSequence = Items(
        [_item(StudyInstanceUID=ds.StudyInstanceUID, ReferencedSeriesSequence=series)]
    )


@legal("map")
def sources_in_another_study(ds: Dataset) -> None:
    this_study_among_others(ds)
    ds.StudiesContainingOtherReferencedInstancesSequence[0].StudyInstanceUID = "1.2.826.0.10"


@fault("slide", "instance-reference-missing")
def slide_that_lists_no_source(ds: Dataset) -> None:
    _derived(ds, "1.2.826.0.11")


def _derived(ds: Dataset, uid: str) -> None:
    donor = deepcopy(_frame(base("map"), 1).DerivationImageSequence)
    donor[0].SourceImageSequence[0].ReferencedSOPInstanceUID = uid
    _shared(ds).DerivationImageSequence = donor


@fault("map", "referenced-frame-number")
def reference_to_frame_0(ds: Dataset) -> None:
    _to_itself(ds, "0")


@fault("map", "reference-frame-of-one", frames=(1, 2, 2))
def reference_to_a_frame_of_a_ct_image(ds: Dataset) -> None:
    _source(ds, 2).ReferencedFrameNumber = "1"


@fault("map", "referenced-frame-number")
def reference_to_a_frame_of_its_own_that_is_not_there(ds: Dataset) -> None:
    _to_itself(ds, "5")


@legal("map")
def reference_to_another_frame_of_its_own(ds: Dataset) -> None:
    _to_itself(ds, "4")


def _to_itself(ds: Dataset, number: str) -> None:
    item = deepcopy(_source(ds, 1))
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    item.ReferencedFrameNumber = number
    if "SpatialLocationsPreserved" in item:
        del item.SpatialLocationsPreserved
    _shared(ds).ReferencedImageSequence = Items([item])


def _source(ds: Dataset, number: int) -> Dataset:
    item: Dataset = _frame(ds, number).DerivationImageSequence[0].SourceImageSequence[0]
    return item


@pytest.mark.parametrize("name", BASES)
def test_a_sound_instance_has_no_findings(name: str) -> None:
    assert loud(findings(base(name))) == []


@pytest.mark.parametrize("each", FAULTS.broken, ids=lambda each: each.change.__name__)
def test_one_fault_is_found_by_one_rule_in_its_frames(each: Fault) -> None:
    is_found(each)


@pytest.mark.parametrize("each", FAULTS.broken, ids=lambda each: each.change.__name__)
def test_a_fault_is_missed_without_its_rule(each: Fault) -> None:
    is_missed_without_its_rule(each)


@pytest.mark.parametrize(("name", "change"), FAULTS.odd, ids=lambda each: getattr(each, "__name__", each))
def test_a_legal_oddity_draws_nothing(name: str, change: Change) -> None:
    assert loud(changed(name, change)) == []


def test_the_frames_are_named_in_the_message() -> None:
    (found,) = loud(changed("map", _zero_indices))
    assert found.message.endswith("(frames 2 and 4)")
