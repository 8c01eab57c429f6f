"""Slide microscopy: optical paths, specimens, coordinates of the slide (PS3.3 C.8.12.5, C.7.6.22, C.7.4.1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.checks.value_place import Place, places_within
from rules.dictionary import tag_of
from rules.frames import PER_FRAME, SHARED, frame_places, frame_values, problems
from rules.header import Header
from rules.iods import iods
from rules.model import Example, Problem, Severity
from rules.registry import rule
from rules.wording import listed, shown


def _paths(*identifiers: str, frame: str | None = None, **more: object) -> Example:
    attributes: dict[str, object] = {"OpticalPathSequence": [{"OpticalPathIdentifier": each} for each in identifiers]}
    if frame is not None:
        attributes[PER_FRAME] = [{"OpticalPathIdentificationSequence": [{"OpticalPathIdentifier": frame}]}]
    return {**attributes, **more}


@rule(
    "optical-path-count",
    section="C.8.12.5",
    severity=Severity.ERROR,
    only_with=["NumberOfOpticalPaths"],
    good=[_paths("1", "2", NumberOfOpticalPaths=2)],
    bad=[_paths("1", "2", NumberOfOpticalPaths=1)],
)
def optical_path_count(header: Header) -> Iterator[Problem]:
    """Number of Optical Paths is not the number of Items of the Optical Path Sequence.

    The frames of a TILED_FULL image are counted with it.
    """
    said, items = header.integer("NumberOfOpticalPaths"), len(header.items("OpticalPathSequence"))
    if said is not None and items and said != items:
        yield Problem("NumberOfOpticalPaths", f"is {said}, wanted {items}, the Items of OpticalPathSequence")


@rule(
    "optical-path-repeated",
    section="C.8.12.5",
    severity=Severity.ERROR,
    only_with=["OpticalPathSequence"],
    good=[_paths("1", "2")],
    bad=[_paths("1", "1")],
)
def optical_path_repeated(header: Header) -> Iterator[Problem]:
    """Two optical paths have the same identifier.

    Frames name their path by it; nobody can tell which of the two is meant.
    """
    met: set[str] = set()
    for item in header.items("OpticalPathSequence"):
        identifier = item.text("OpticalPathIdentifier")
        if identifier is not None and identifier in met:
            yield Problem(item.path_of("OpticalPathIdentifier"), "is that of an earlier Item")
        met.add(identifier or "")


@rule(
    "optical-path-undeclared",
    section="C.8.12.6.2",
    severity=Severity.ERROR,
    only_with=["OpticalPathSequence"],
    good=[_paths("1", "2", frame="2")],
    bad=[_paths("1", "2", frame="3")],
)
def optical_path_undeclared(header: Header) -> Iterator[Problem]:
    """A frame names an optical path that the Optical Path Sequence does not describe.

    Light and colour of the frame are unknown; it is left out, or shown as another.
    """
    declared = {item.text("OpticalPathIdentifier") for item in header.items("OpticalPathSequence")}
    if not declared:
        return
    for seen in frame_values(header, "OpticalPathIdentificationSequence", "OpticalPathIdentifier"):
        if not declared.issuperset(str(each) for each in seen.values):
            yield from problems([(seen, "is none of those in OpticalPathSequence")])


def _specimens(described: str, seen: str) -> Example:
    return {
        "SpecimenDescriptionSequence": [{"SpecimenUID": described}],
        SHARED: [{"SpecimenReferenceSequence": [{"SpecimenUID": seen}]}],
    }


@rule(
    "specimen-undeclared",
    section="C.8.12.6.3",
    severity=Severity.ERROR,
    only_with=["SpecimenDescriptionSequence"],
    good=[_specimens("1.2.3", "1.2.3")],
    bad=[_specimens("1.2.3", "1.2.4")],
)
def specimen_undeclared(header: Header) -> Iterator[Problem]:
    """A frame shows a specimen that the Specimen Description Sequence does not describe.

    What was cut and stained cannot be looked up, and the image may be taken for that of another specimen.
    """
    declared = {item.text("SpecimenUID") for item in header.items("SpecimenDescriptionSequence")}
    if not declared:
        return
    for name in (SHARED, PER_FRAME):
        for frame in places_within(Place(header), tag_of(name)):
            for item in places_within(frame, _SPECIMENS):
                for raw, numbers in item.fields(_SPECIMEN).items():
                    uid = raw.rstrip(b" \0").decode("latin-1")
                    if uid and uid not in declared:
                        yield item.problem(_SPECIMEN, "is none of those in SpecimenDescriptionSequence", numbers)


_SPECIMENS, _SPECIMEN = tag_of("SpecimenReferenceSequence"), tag_of("SpecimenUID")


@rule(
    "specimen-repeated",
    section="C.7.6.22.1.2",
    # No sentence forbids to describe one specimen twice; but the UID is there to tell specimens apart.
    severity=Severity.WARNING,
    only_with=["SpecimenDescriptionSequence"],
    good=[{"SpecimenDescriptionSequence": [{"SpecimenUID": "1.2.3"}, {"SpecimenUID": "1.2.4"}]}],
    bad=[{"SpecimenDescriptionSequence": [{"SpecimenUID": "1.2.3"}, {"SpecimenUID": "1.2.3"}]}],
)
def specimen_repeated(header: Header) -> Iterator[Problem]:
    """Two specimens have the same Specimen UID.

    It identifies one specimen in the world; findings on one are taken for findings on the other.
    """
    met: set[str] = set()
    for item in header.items("SpecimenDescriptionSequence"):
        uid = item.text("SpecimenUID")
        if uid is not None and uid in met:
            yield Problem(item.path_of("SpecimenUID"), "is that of an earlier Item")
        met.add(uid or "")


@rule(
    "slide-corner",
    section="C.7.4.1.1.2",
    severity=Severity.ERROR,
    only_with=["ImageOrientationSlide", "TotalPixelMatrixOriginSequence"],
    good=[
        {"PositionReferenceIndicator": "SLIDE_CORNER", "ImageOrientationSlide": ["0", "1", "0", "1", "0", "0"]},
        {"PositionReferenceIndicator": "", "TotalPixelMatrixOriginSequence": [{}]},
        {"PositionReferenceIndicator": "XY", "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"]},
    ],
    bad=[
        {"PositionReferenceIndicator": "XY", "ImageOrientationSlide": ["0", "1", "0", "1", "0", "0"]},
        {"PositionReferenceIndicator": "SN", "TotalPixelMatrixOriginSequence": [{}]},
    ],
)
def slide_corner(header: Header) -> Iterator[Problem]:
    """An image in slide coordinates names another reference point than the corner of the slide.

    Position Reference Indicator is SLIDE_CORNER for a slide; by it readers tell slide from patient coordinates.
    """
    if header.text("PositionReferenceIndicator") not in (None, "SLIDE_CORNER") and _on_slide(header):
        yield Problem("PositionReferenceIndicator", "is another than SLIDE_CORNER")


def _on_slide(header: Header) -> bool:
    """Whether coordinates of a slide are given, and none of a patient."""
    if header.has("ImageOrientationPatient") or any(each.has("PlanePositionSequence") for each in frame_places(header)):
        return False
    return header.has("ImageOrientationSlide") or header.has("TotalPixelMatrixOriginSequence")


@rule(
    "imaged-volume-depth",
    section="C.8.12.4.1.2",
    severity=Severity.ERROR,
    only_with=["ImagedVolumeDepth"],
    good=[{"ImagedVolumeDepth": 1.5}],
    bad=[{"ImagedVolumeDepth": 0.0}],
)
def imaged_volume_depth(header: Header) -> Iterator[Problem]:
    """Imaged Volume Depth is 0.

    Even a single focal plane has a depth of field; volumes computed with it are 0.
    """
    if header.number("ImagedVolumeDepth") == 0:
        yield Problem("ImagedVolumeDepth", "is 0, wanted more")


_JPEG = tuple(f"1.2.840.10008.1.2.4.{each}" for each in (50, 51))
_PHOTOMETRIC: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_JPEG, ("MONOCHROME2", "RGB", "YBR_FULL_422")),
    "1.2.840.10008.1.2.4.90": ("MONOCHROME2", "RGB", "YBR_RCT"),
    "1.2.840.10008.1.2.4.91": ("MONOCHROME2", "RGB", "YBR_ICT", "YBR_RCT"),
    **dict.fromkeys(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"), ("MONOCHROME2", "RGB")),
}


def _slide(interpretation: str, syntax: str = "1.2.840.10008.1.2.1") -> Example:
    uid = iods()["VL Whole Slide Microscopy Image"].sop_class_uids[0]
    return {"SOPClassUID": uid, "TransferSyntaxUID": syntax, "PhotometricInterpretation": interpretation}


@rule(
    "slide-photometric",
    section="C.8.12.4.1.5",
    severity=Severity.ERROR,
    iods=["VL Whole Slide Microscopy Image"],
    only_with=["PhotometricInterpretation"],
    good=[_slide("RGB"), _slide("YBR_FULL_422", _JPEG[0]), _slide("YBR_RCT", "1.2.840.10008.1.2.4.90")],
    bad=[_slide("YBR_FULL_422"), _slide("YBR_ICT", _JPEG[0]), _slide("YBR_ICT", "1.2.840.10008.1.2.4.90")],
)
def slide_photometric(header: Header) -> Iterator[Problem]:
    """Photometric Interpretation of a slide does not go with its Transfer Syntax.

    It says what is in the bytes: native pixels are RGB or gray, and each codec has its own transformation of colours.
    Slides with the wrong one are shown green and pink.
    """
    allowed = _PHOTOMETRIC.get(header.transfer_syntax_uid)
    said = header.text("PhotometricInterpretation")
    if allowed is not None and said is not None and said not in allowed:
        told = f"is {shown(said)}, wanted {listed(allowed)} in this Transfer Syntax"
        yield Problem("PhotometricInterpretation", told)


def _channels(number: int, samples: int) -> Example:
    return {"SamplesPerPixel": samples, "OpticalPathSequence": [{"ChannelDescriptionCodeSequence": [{}] * number}]}


@rule(
    "channel-descriptions",
    section="C.8.12.5",
    severity=Severity.ERROR,
    only_with=["OpticalPathSequence"],
    good=[_channels(3, 3), _channels(1, 1)],
    bad=[_channels(1, 3), _channels(3, 1)],
)
def channel_descriptions(header: Header) -> Iterator[Problem]:
    """An optical path does not describe as many channels as pixels have samples.

    Channels are described in the order of the samples; with unequal numbers nobody knows which light is which.
    """
    used = header.integer("SamplesPerPixelUsed") if header.has("SamplesPerPixelUsed") else None
    wanted = used if used is not None else header.integer("SamplesPerPixel")
    for path in header.items("OpticalPathSequence") if wanted is not None else ():
        found = len(path.items("ChannelDescriptionCodeSequence"))
        if found and found != wanted:
            yield Problem(path.path_of("ChannelDescriptionCodeSequence"), f"has {found} Items, wanted {wanted}")
