"""A multi-frame instance told the way a physicist wants to see it, each finding beside the line it concerns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, sqrt

from rules.dictionary import name_of
from rules.engine import Checked
from rules.frames import PER_FRAME, SHARED, frame_fields, frame_values, named
from rules.header import Header
from rules.model import Finding
from rules.transfer_syntax import transfer_syntax
from scp.maps.pixels import Frames, Undecodable, frames_of
from scp.maps.values import (
    Mapping,
    code_in,
    color_range,
    group,
    mappings,
    padding,
    segment_label,
    spacing,
    window,
)

FEW = 12
"""Frames, segments or mappings that are listed one by one; of more, the first and the last."""
COMPRESSED = 32
"""Compressed frames that are decoded for their range of values: each takes a codec some milliseconds."""


class NotExplained(Exception):
    """An instance that has nothing of the kind; the message is one plain line, without the path."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: what it is, what is said, and the Attributes whose findings belong under it."""

    label: str
    text: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placed:
    """A line with the findings beside it."""

    line: Line
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together."""

    title: str
    lines: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The stored values of one frame; `missing` counts pixels that are no number or padding."""

    frame: int
    least: float
    most: float
    missing: int


def explain(header: Header, checked: Checked, path: str) -> tuple[Section, ...]:
    """The instance in sections. NotExplained where it has neither frames nor real world values."""
    framed = header.is_sequence(SHARED) or header.is_sequence(PER_FRAME)
    if not framed and not header.is_sequence("RealWorldValueMappingSequence") and not header.has("NumberOfFrames"):
        what = checked.iod or "an instance of a SOP Class of its own"
        raise NotExplained(f"is {_article(what)} without frames: there is nothing to explain")
    frames: Frames | Undecodable
    try:
        frames = frames_of(header, path)
    except Undecodable as why:
        frames = why
    count = max(header.integer("NumberOfFrames") or 1, 1)
    drafts = [
        ("Image", list(_image(header, checked, frames))),
        ("Geometry", list(_geometry(header, count))),
        ("Dimensions", list(_dimensions(header))),
        ("Values", list(_values(header, frames, count))),
    ]
    left = list(checked.findings)
    sections = [Section(title, tuple(_with_findings(lines, left))) for title, lines in drafts if lines]
    if left:
        lines = [Placed(Line("", ""), tuple(left))]
        sections.append(Section("Elsewhere", tuple(lines)))
    return tuple(sections)


def _with_findings(lines: Sequence[Line], left: list[Finding]) -> Iterator[Placed]:
    """Each line with its findings, which are taken out of those left."""
    for line in lines:
        mine = tuple(each for each in left if _concerns(each, line))
        for each in mine:
            left.remove(each)
        yield Placed(line, mine)


def _concerns(finding: Finding, line: Line) -> bool:
    steps = finding.path.split(".")
    names = {_ITEM.sub("", step) for step in steps}
    return any(about in names or about in steps for about in line.about)


_ITEM = re.compile(r"\[\d+\]")


# What it is


def _image(header: Header, checked: Checked, frames: Frames | Undecodable) -> Iterator[Line]:
    yield Line("IOD", checked.iod or "none that PS3.3 lists", ("SOPClassUID", "Modality"))
    syntax = transfer_syntax(header.transfer_syntax_uid)
    size = f"{header.integer('Rows') or '?'} rows x {header.integer('Columns') or '?'} columns"
    kind = frames.kind if isinstance(frames, Frames) else str(frames)
    encoded = f", {syntax.name}" if syntax is not None else ""
    yield Line(
        "Frames",
        f"{header.integer('NumberOfFrames') or 1} of {size}, {kind}{encoded}",
        (
            *("NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
            *("SamplesPerPixel", "PhotometricInterpretation", "PixelData", "FloatPixelData", "DoubleFloatPixelData"),
            *("ExtendedOffsetTable", "ExtendedOffsetTableLengths", "EncapsulatedPixelDataValueTotalLength"),
            *("TransferSyntaxUID", "PixelPaddingRangeLimit"),
        ),
    )
    types = "\\".join(header.texts("ImageType")) or "none"
    yield Line("Image Type", types, ("ImageType", "FrameType", *_TYPE_GROUPS))
    label, description = header.text("ContentLabel"), header.text("ContentDescription")
    if label or description:
        told = ": ".join(each for each in (label, description) if each)
        yield Line("Content", told, ("ContentLabel", "ContentDescription", "ConceptNameCodeSequence"))
    maker = [header.text(each) for each in ("Manufacturer", "ManufacturerModelName")]
    software = "\\".join(header.texts("SoftwareVersions"))
    told = " ".join(each for each in maker if each) + (f", software {software}" if software else "")
    yield Line("Made by", told or "nobody says", ("Manufacturer", "ManufacturerModelName", "SoftwareVersions"))
    sources = _sources(header)
    if sources:
        yield Line(
            "Made from",
            sources,
            (
                *("DerivationImageSequence", "ReferencedImageSequence", "SourceImageSequence"),
                *("ReferencedSeriesSequence", "StudiesContainingOtherReferencedInstancesSequence"),
            ),
        )
    qualities = [header.text(each) for each in ("ContentQualification", "LossyImageCompression")]
    words = [qualities[0], "compressed with loss" if qualities[1] == "01" else None]
    yield Line(
        "Quality",
        ", ".join(each for each in words if each) or "not said",
        (
            *("ContentQualification", "LossyImageCompression", "LossyImageCompressionRatio"),
            *("LossyImageCompressionMethod", "BurnedInAnnotation", "RecognizableVisualFeatures"),
        ),
    )


_TYPE_GROUPS = (
    *("ParametricMapFrameTypeSequence", "MRImageFrameTypeSequence", "CTImageFrameTypeSequence"),
    *("PETFrameTypeSequence", "XAXRFFrameCharacteristicsSequence", "XRay3DFrameTypeSequence"),
    *("WholeSlideMicroscopyImageFrameTypeSequence", "USImageDescriptionSequence"),
)


def _sources(header: Header) -> str:
    """How many instances the frames were derived from."""
    uids: set[bytes] = set()
    for name in (SHARED, PER_FRAME):
        for stencil in header.stencils(name):
            for derivation in stencil.exemplar.items("DerivationImageSequence"):
                for source in derivation.items("SourceImageSequence"):
                    uids.update(stencil.distinct_at(source, "ReferencedSOPInstanceUID"))
    return f"{len(uids)} instance{'s' * (len(uids) != 1)}" if uids else ""


# Where it lies


def _geometry(header: Header, count: int) -> Iterator[Line]:
    found = spacing(header, 1)
    measures = group(header, 1, "PixelMeasuresSequence") or header
    told = [f"rows {found[0]:g} mm, columns {found[1]:g} mm apart"] if found else []
    for keyword, words in (("SliceThickness", "thick"), ("SpacingBetweenSlices", "from slice to slice")):
        number = measures.number(keyword) if measures.has(keyword) else None
        if number is not None:
            told.append(f"{number:g} mm {words}")
    about = ("PixelMeasuresSequence", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "PixelAspectRatio")
    if told or found is None:
        yield Line("Spacing", "; ".join(told) or "not said", about)
    normal = None
    orientations = list(frame_values(header, "PlaneOrientationSequence", "ImageOrientationPatient"))
    if orientations:
        cosines = orientations[0].numbers
        normal = _normal(cosines)
        several = f", {len(orientations)} different ones" if len(orientations) > 1 else ""
        rounded = " ".join(f"{each:.3g}" for each in cosines)
        yield Line(
            "Orientation",
            f"{_named_plane(normal)} ({rounded}){several}",
            ("PlaneOrientationSequence", "ImageOrientationPatient", "ImageOrientationSlide"),
        )
    yield from _planes(header, normal, count)
    organized = header.text("DimensionOrganizationType")
    if header.has("TotalPixelMatrixColumns"):
        size = f"{header.integer('TotalPixelMatrixRows')} x {header.integer('TotalPixelMatrixColumns')}"
        planes = header.integer("TotalPixelMatrixFocalPlanes")
        yield Line(
            "Total matrix",
            f"{size} pixels{f', {planes} focal planes' if planes and planes > 1 else ''}",
            (
                *("TotalPixelMatrixRows", "TotalPixelMatrixColumns", "TotalPixelMatrixFocalPlanes"),
                *("TotalPixelMatrixOriginSequence", "ImageOrientationSlide", "PlanePositionSlideSequence"),
                *("TilesOverlap", "NumberOfOpticalPaths", "OpticalPathSequence", "ImagedVolumeDepth"),
            ),
        )
    if organized:
        yield Line("Organization", organized, ("DimensionOrganizationType",))
    reference = header.text("PositionReferenceIndicator")
    told_reference = "given" if header.text("FrameOfReferenceUID") else "not given"
    yield Line(
        "Frame of Reference",
        f"{told_reference}{f', to {reference}' if reference else ''}",
        ("FrameOfReferenceUID", "PositionReferenceIndicator"),
    )


def _planes(header: Header, normal: Sequence[float] | None, count: int) -> Iterator[Line]:
    about = ("PlanePositionSequence", "ImagePositionPatient", "PlanePositionVolumeSequence", "ImagePositionVolume")
    fields = frame_fields(header, "PlanePositionSequence", "ImagePositionPatient")
    if fields is None:
        shared = [each.numbers for each in frame_values(header, "PlanePositionSequence", "ImagePositionPatient")]
        if shared:
            told = f"all frames at {' '.join(f'{each:g}' for each in shared[0])} mm"
            yield Line("Planes", told, about)
        return
    if normal is None:
        yield Line("Planes", f"{len(set(fields.raw.values()))} positions in {count} frames", about)
        return
    along = []
    for raw in set(fields.raw.values()):
        numbers = [each for each in fields.like.decode("ImagePositionPatient", raw) if isinstance(each, int | float)]
        if len(numbers) == 3:
            along.append(sum(a * float(b) for a, b in zip(normal, numbers, strict=True)))
    along.sort()
    places = [each for n, each in enumerate(along) if n == 0 or each - along[n - 1] > _SAME]
    gaps = [b - a for a, b in pairwise(places)]
    told = f"{len(places)} in {count} frame{'s' * (count != 1)}"
    if gaps:
        even = f"{gaps[0]:.4g} mm apart" if max(gaps) - min(gaps) <= _SAME else f"{min(gaps):.4g} to {max(gaps):.4g} mm"
        told += f", {even}, {places[-1] - places[0]:.4g} mm from first to last"
    yield Line("Planes", told, about)


_SAME = 0.001
"""Millimetres between places that are one."""


def _normal(cosines: Sequence[float]) -> tuple[float, float, float] | None:
    if len(cosines) != 6:
        return None
    (a, b, c), (d, e, f) = cosines[:3], cosines[3:]
    return b * f - c * e, c * d - a * f, a * e - b * d


def _named_plane(normal: Sequence[float] | None) -> str:
    if normal is None:
        return "not six numbers"
    length = sqrt(sum(each * each for each in normal)) or 1
    sizes = [abs(each) / length for each in normal]
    at = sizes.index(max(sizes))
    name = ("sagittal", "coronal", "axial")[at]
    return name if sizes[at] > _STRAIGHT else f"oblique, nearest {name}"


_STRAIGHT = 0.996
"""The cosine of five degrees."""


# What its dimensions are


def _dimensions(header: Header) -> Iterator[Line]:
    indices = frame_fields(header, "FrameContentSequence", "DimensionIndexValues")
    rows: list[tuple[int, ...]] = []
    if indices is not None:
        decoded = (indices.like.decode(indices.name, raw) for raw in set(indices.raw.values()))
        rows = [tuple(int(each) for each in row if isinstance(each, int)) for row in decoded]
    for number, item in enumerate(header.items("DimensionIndexSequence"), start=1):
        pointer, within = item.integer("DimensionIndexPointer"), item.integer("FunctionalGroupPointer")
        name = _words(name_of(pointer)) if pointer is not None else "no pointer"
        where = f" in {_words(name_of(within).removesuffix('Sequence'))}" if within is not None else ""
        used = {row[number - 1] for row in rows if len(row) >= number}
        span = f", {len(used)} values ({min(used)} to {max(used)})" if len(used) > 1 else ", 1 value" * len(used)
        label = item.text("DimensionDescriptionLabel")
        named_so = f' "{label}"' if label and label.replace(" ", "") != name.replace(" ", "") else ""
        yield Line(f"{number}", f"{name}{named_so}{where}{span}", (f"DimensionIndexSequence[{number}]",))
    if header.has("DimensionOrganizationSequence") or rows:
        told = f"{len(rows)} combination{'s' * (len(rows) != 1)} of values" if rows else "none"
        about = ("DimensionIndexValues", "DimensionIndexSequence", "DimensionOrganizationSequence")
        yield Line("Indices", told, (*about, "FrameContentSequence", "StackID", "InStackPositionNumber"))


def _words(keyword: str) -> str:
    """A keyword as the Standard prints it, nearly: ImagePositionPatient as Image Position Patient."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", keyword)


# What its values are


def _values(header: Header, frames: Frames | Undecodable, count: int) -> Iterator[Line]:
    mapped = _mapped(header, count)
    for mapping, where in list(mapped.items())[:FEW]:
        yield from _mapping_lines(mapping, where if len(mapped) > 1 else "")
    if len(mapped) > FEW:
        yield Line("Mappings", f"{len(mapped) - FEW} more, from frame to frame")
    if not mapped and header.text("SOPClassUID") in _MAPS:
        yield Line("Mapping", "none", _MAPPING)
    yield from _segments(header)
    ranges: list[Range] = []
    if isinstance(frames, Frames) and frames.samples == 1:
        try:
            ranges = list(_ranges(frames))
        except Undecodable as why:
            yield Line("Stored values", str(why))
    if ranges:
        yield from _range_lines(header, frames, ranges)
    seen = window(header, 1)
    about = ("FrameVOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTSequence", "VOILUTFunction")
    if seen is not None:
        yield Line("Window", f"{seen[0]:g} to {seen[1]:g} stored", about)
    elif header.is_sequence(SHARED):
        yield Line("Window", "none", about)
    yield from _colors(header)
    if len(ranges) > 1 and not _all_alike(ranges):
        yield from _frame_lines(header, ranges, count)


_MAPPING = (
    *("RealWorldValueMappingSequence", "PixelValueTransformationSequence", "RescaleSlope", "RescaleIntercept"),
    "RescaleType",
)
_MAPS = frozenset(("1.2.840.10008.5.1.4.1.1.30",))


def _mapped(header: Header, count: int) -> dict[Mapping, str]:
    """Every mapping with the frames it is of, in words."""
    shared = any(item.items("RealWorldValueMappingSequence") for item in header.items(SHARED)[:1])
    if shared or header.is_sequence("RealWorldValueMappingSequence"):
        return dict.fromkeys(mappings(header, 1), "all frames")
    frames: dict[Mapping, list[int]] = {}
    for number in range(1, count + 1):
        for each in mappings(header, number):
            frames.setdefault(each, []).append(number)
        if not frames and number >= FEW:
            break
    return {
        each: "all frames" if len(numbers) == count else named(numbers) if len(numbers) > 1 else f"frame {numbers[0]}"
        for each, numbers in frames.items()
    }


def _mapping_lines(mapping: Mapping, where: str) -> Iterator[Line]:
    called = f'"{mapping.label}"' if mapping.label else "without a label"
    rest = f", {mapping.explanation}" if mapping.explanation and mapping.explanation != mapping.label else ""
    of = f" ({where})" if where else ""
    span = ""
    if mapping.first is not None and mapping.last is not None:
        span = f", of stored {mapping.first:g} to {mapping.last:g}"
    yield Line("Mapping", f"{called}{rest}{of}", ("LUTLabel", "LUTExplanation"))
    yield Line(
        "  real value",
        f"{mapping.formula}{span}",
        (
            *("RealWorldValueSlope", "RealWorldValueIntercept", "RealWorldValueLUTData"),
            *("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped"),
            *("DoubleFloatRealWorldValueFirstValueMapped", "DoubleFloatRealWorldValueLastValueMapped"),
        ),
    )
    units = str(mapping.units) if mapping.units is not None else "not said"
    yield Line("  units", units, ("MeasurementUnitsCodeSequence",))
    quantity = "; ".join(f"{name}: {value}" if name else value for name, value in mapping.quantity)
    yield Line("  quantity", quantity or "not said", ("QuantityDefinitionSequence", *_MAPPING))


def _segments(header: Header) -> Iterator[Line]:
    items = header.items("SegmentSequence")
    about = ("SegmentSequence", "SegmentIdentificationSequence", "SegmentationType", "MaximumFractionalValue")
    if not items:
        return
    kind = header.text("SegmentationType") or "no type"
    yield Line("Segments", f"{len(items)}, {kind}", about)
    for item in items[:FEW]:
        kind_of = code_in(item, "SegmentedPropertyTypeCodeSequence")
        told = f"{item.text('SegmentLabel') or 'no label'}{f': {kind_of}' if kind_of is not None else ''}"
        yield Line(f"  {item.integer('SegmentNumber')}", told)


def _ranges(frames: Frames) -> Iterator[Range]:
    import numpy as np

    nothing = padding(frames.header)
    last = frames.count if frames.header.pixel_data and frames.header.pixel_data.length is not None else COMPRESSED
    for number in range(1, min(last, frames.count) + 1):
        values = frames.frame(number)
        known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
        if nothing is not None:
            known &= (values < nothing[0]) | (values > nothing[1])
        kept = values[known]
        least, most = (float(kept.min()), float(kept.max())) if kept.size else (inf, -inf)
        yield Range(number, least, most, int(values.size - kept.size))


def _range_lines(header: Header, frames: Frames | Undecodable, ranges: Sequence[Range]) -> Iterator[Line]:
    assert isinstance(frames, Frames)
    least, most = min(each.least for each in ranges), max(each.most for each in ranges)
    missing = sum(each.missing for each in ranges)
    part = "" if len(ranges) == frames.count else f" (of the first {len(ranges)} frames)"
    about = ("SmallestImagePixelValue", "LargestImagePixelValue", "PixelPaddingValue", "FloatPixelPaddingValue")
    if not isfinite(least):
        yield Line("Stored values", f"none that are numbers{part}", about)
        return
    percent = 100 * missing / (len(ranges) * frames.rows * frames.columns)
    without = f", {percent:.2g} % of the pixels without a value" if missing else ""
    yield Line("Stored values", f"{least:g} to {most:g}{part}{without}", about)
    real = [value for each in ranges for value in _real(header, each)]
    if real:
        first = (*mappings(header, 1), None)[0]
        unit = f" {first.unit}" if first is not None and first.unit else ""
        outside = first is not None and (
            (first.first is not None and least < first.first) or (first.last is not None and most > first.last)
        )
        beyond = ", some stored values lie outside the range that is mapped" if outside else ""
        yield Line("Real values", f"{min(real):g} to {max(real):g}{unit}{beyond}")


def _real(header: Header, each: Range) -> Iterator[float]:
    for mapping in mappings(header, each.frame)[:1]:
        for stored in (each.least, each.most):
            value = mapping.real(stored) if isfinite(stored) else None
            if value is not None:
                yield value


def _all_alike(ranges: Iterable[Range]) -> bool:
    return len({(each.least, each.most) for each in ranges}) == 1


def _colors(header: Header) -> Iterator[Line]:
    about = (
        *("PixelPresentation", "StoredValueColorRangeSequence", "PaletteColorLookupTableUID", "ICCProfile"),
        *(f"{color}PaletteColorLookupTableDescriptor" for color in ("Red", "Green", "Blue")),
        *(f"{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")),
        *("MinimumStoredValueMapped", "MaximumStoredValueMapped", "ColorSpace"),
    )
    presentation = header.text("PixelPresentation")
    if presentation is None and not header.has("ICCProfile"):
        return
    shown = color_range(header, 1)
    span = f" over stored {shown[0]:g} to {shown[1]:g}" if shown is not None else ""
    own = header.has("RedPaletteColorLookupTableDescriptor")
    palette = "its own palette" if own else header.text("PaletteColorLookupTableUID") or "no palette"
    yield Line("Colours", f"{presentation or 'not said'}, {palette}{span}", about)


def _frame_lines(header: Header, ranges: Sequence[Range], count: int) -> Iterator[Line]:
    shown = list(ranges) if len(ranges) <= FEW else [*ranges[: FEW - 2], *ranges[-2:]]
    before = 0
    for each in shown:
        if each.frame != before + 1:
            yield Line("  ...", f"{each.frame - before - 1} more")
        before = each.frame
        real = list(_real(header, each))
        unit = (*(mapping.unit for mapping in mappings(header, each.frame)), "")[0]
        told = f"stored {each.least:g} to {each.most:g}" if isfinite(each.least) else "no values"
        if real:
            told += f", real {min(real):g} to {max(real):g}{f' {unit}' if unit else ''}"
        label = segment_label(header, each.frame)
        yield Line(f"  frame {each.frame}", told + (f", {label}" if label else ""), (f"{PER_FRAME}[{each.frame}]",))


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}" if not name.startswith("an ") else name
