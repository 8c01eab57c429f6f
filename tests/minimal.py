"""The smallest conformant instance of an IOD, made from the fact tables: `instance("CT Image")`.

All Types 1 and 2 of the mandatory Modules, and whatever a condition requires of what is there already, added one by
one until no condition asks for more. It reads the same rows as the engine, but merges and walks them its own way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from type_cases import legal

from rules.checks.modality import USUAL
from rules.conditions import Answer
from rules.dictionary import vm_of, vr_of
from rules.encode import Element, header_of
from rules.engine import check, load_rules
from rules.expressions import Expression, compiled
from rules.header import Header
from rules.image_types import image_type
from rules.iods import Usage, constraints_of, frame_constraints_of, functional_groups_of, iods, modules_of
from rules.modules import Row, Terms, macro, module, rows_of
from rules.tables import file_name

Attributes = dict[str, Any]
SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
ROUNDS = 200
"""Additions after which conditions are held to contradict each other."""

_BY_VR: dict[str, object] = {
    "AE": "ONE", "AS": "001Y", "AT": 0x00100020, "CS": "ONE", "DA": "20260102", "DS": "1", "DT": "20260102101112",
    "FD": 1.0, "FL": 1.0, "IS": "1", "LO": "one", "LT": "one", "OB": b"\0\0", "OD": b"\0" * 8, "OF": b"\0" * 4,
    "OL": b"\0" * 4, "OV": b"\0" * 8, "OW": b"\0\0", "PN": "One^One", "SH": "one", "SL": 1, "SS": 1, "ST": "one",
    "SV": 1, "TM": "101112", "UC": "one", "UI": "1.2.3", "UL": 1, "UN": b"\0\0", "UR": "http://localhost/", "US": 1,
    "UT": "one", "UV": 1,
}  # fmt: skip
_BY_KEYWORD: dict[str, object] = {
    "SOPInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2.3.1", "SeriesInstanceUID": "1.2.3.2",
    "FrameOfReferenceUID": "1.2.3.3", "DimensionOrganizationUID": "1.2.3.5", "SpecimenUID": "1.2.3.6",
    "VelocityEncodingDirection": [1.0, 0.0, 0.0], "SlabOrientation": [1.0, 0.0, 0.0],
    "VolumetricProperties": "VOLUME", "PixelPresentation": "MONOCHROME", "ComplexImageComponent": "MAGNITUDE",
    "AcquisitionContrast": "UNKNOWN", "PatientOrientation": ["L", "F"],
    "ImageOrientationSlide": ["0", "-1", "0", "-1", "0", "0"],
    "LUTDescriptor": [1, 0, 16], "LUTData": b"\xff\xff",
    "PositionMeasuringDeviceUsed": "RIGID", "AcousticCouplingMediumFlag": "NO",
    **{f"{color}PaletteColorLookupTableData": b"\xff\xff" for color in ("Red", "Green", "Blue")},
    "WaveformBitsAllocated": 16, "WaveformSampleInterpretation": "SS", "RescaleIntercept": "0", "RescaleSlope": "1",
    "RescaleType": "US", "DisplayedAreaBottomRightHandCorner": [2, 2], "SpecimenLabelInImage": "NO",
    "RedPaletteColorLookupTableDescriptor": [1, 0, 16], "GreenPaletteColorLookupTableDescriptor": [1, 0, 16],
    "BluePaletteColorLookupTableDescriptor": [1, 0, 16], "BurnedInAnnotation": "NO", "BlendingPosition": "UNDERLYING",
    "InConcatenationTotalNumber": 2, "SelectorAttributeVR": "CS", "ValueType": "CONTAINER",
    "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0, "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2", "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "CodeValue": "1", "CodingSchemeDesignator": "99ONE", "CodeMeaning": "one", "MIMETypeOfEncapsulatedDocument":
    "application/pdf", "PatientSex": "O", "TimezoneOffsetFromUTC": "+0000", "PixelData": b"\0\0",
    "VolumeBasedCalculationTechnique": "NONE", "ImageOrientationVolume": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "ImagePositionVolume": [0.0, 0.0, 0.0],
    "ICCProfile": (128).to_bytes(4, "big") + bytes(8) + b"scnrRGB XYZ " + bytes(12) + b"acsp" + bytes(88),
    "VolumeToTransducerMappingMatrix": [1.0 * (n % 5 == 0) for n in range(16)],
}  # fmt: skip
_EIGHT_BITS: Attributes = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
_HOUNSFIELD: Attributes = {SHARED: [{"PixelValueTransformationSequence": [{"RescaleType": "HU"}]}]}
_COLORS: Attributes = {**_EIGHT_BITS, "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PixelData": bytes(4)}
_WAVEFORM: Attributes = {"WaveformSampleInterpretation": "SS", "WaveformBitsAllocated": 16, "SamplingFrequency": "300"}
_VOICE: Attributes = {"WaveformSampleInterpretation": "UB", "WaveformBitsAllocated": 8, "SamplingFrequency": "8000"}
_TWO_CHANNELS: Attributes = {
    "NumberOfWaveformChannels": 2,
    "ChannelDefinitionSequence": [{}, {}],
    "WaveformData": b"\0" * 4,
}
SEEDS: Mapping[str, Attributes] = {
    **{
        each: {"WaveformSequence": [_WAVEFORM]}
        for each in (
            "12-Lead ECG",
            "General ECG",
            "Ambulatory ECG",
            "Hemodynamic Waveform",
            "General 32-bit ECG",
            "Basic Cardiac Electrophysiology Waveform",
            "Routine Scalp Electroencephalogram",
            "Electromyogram",
            "Sleep Electroencephalogram",
            "Multi-channel Respiratory Waveform",
        )
    },
    "Basic Voice Audio Waveform": {"WaveformSequence": [_VOICE]},
    "Electrooculogram": {"WaveformSequence": [_WAVEFORM | _TWO_CHANNELS]},
    "Parametric Map": {
        "FloatPixelData": b"\0\0\0\0",
        "BitsAllocated": 32,
        SHARED: [
            {
                "RealWorldValueMappingSequence": [
                    {
                        "RealWorldValueFirstValueMapped": Element("SS", 0),
                        "RealWorldValueLastValueMapped": Element("SS", 1),
                    }
                ]
            }
        ],
    },
    "Multi-frame True Color Secondary Capture Image": {**_COLORS, "PlanarConfiguration": 0},
    "Ultrasound Image": _EIGHT_BITS,
    "Ultrasound Multi-frame Image": _EIGHT_BITS,
    **{
        f"{way} {kind} Image": {**_EIGHT_BITS, "Modality": modality}
        for way in ("VL", "Video")
        for kind, modality in (("Endoscopic", "ES"), ("Microscopic", "GM"), ("Photographic", "XC"))
    },
    "VL Slide-Coordinates Microscopic Image": {
        **_EIGHT_BITS,
        "Modality": "SM",
        "PositionReferenceIndicator": "SLIDE_CORNER",
    },
    "VL Whole Slide Microscopy Image": {
        "PositionReferenceIndicator": "SLIDE_CORNER",
        PER_FRAME: [
            {
                "FrameContentSequence": [{"DimensionIndexValues": [1]}],
                "PlanePositionSlideSequence": [
                    {
                        **{f"{axis}OffsetInSlideCoordinateSystem": "0" for axis in "XYZ"},
                        "ColumnPositionInTotalImagePixelMatrix": 1,
                        "RowPositionInTotalImagePixelMatrix": 1,
                    }
                ],
                "OpticalPathIdentificationSequence": [{"OpticalPathIdentifier": "one"}],
            }
        ],
        SHARED: [{"PixelMeasuresSequence": [{"PixelSpacing": ["1", "1"], "SliceThickness": "1"}]}],
    },
    "Dermoscopic Photography Image": _EIGHT_BITS,
    "Ophthalmic Photography 8 Bit Image": _EIGHT_BITS,
    "Enhanced MR Color Image": {
        **_COLORS,
        "PlanarConfiguration": 0,
        "PixelPresentation": "TRUE_COLOR",
        SHARED: [{"MRImageFrameTypeSequence": [{"PixelPresentation": "TRUE_COLOR"}]}],
    },
    "Segmentation": {
        **_EIGHT_BITS,
        "SegmentationType": "FRACTIONAL",
        "SegmentationFractionalType": "PROBABILITY",
        PER_FRAME: [{"FrameContentSequence": [{"DimensionIndexValues": [1]}]}],
    },
    "Microscopy Bulk Simple Annotations": {
        "AnnotationCoordinateType": "2D",
        "PixelOriginInterpretation": "VOLUME",
        "AnnotationGroupSequence": [
            {
                "AnnotationGroupGenerationType": "MANUAL",
                "GraphicType": "POINT",
                "AnnotationAppliesToAllOpticalPaths": "YES",
                "PointCoordinatesData": bytes(8),
            }
        ],
    },
    "Nuclear Medicine Image": {"FrameIncrementPointer": [0x00540010, 0x00540020]},
    "Color Palette": {f"{color}PaletteColorLookupTableDescriptor": [1, 0, 8] for color in ("Red", "Green", "Blue")},
    "Photoacoustic Image": {PER_FRAME: [{"PlanePositionVolumeSequence": [{}]}]},
    "Intravascular Optical Coherence Tomography Image": {"VolumetricProperties": "DISTORTED"},
    "Enhanced CT Image": _HOUNSFIELD,
    "Legacy Converted Enhanced CT Image": _HOUNSFIELD,
    "Encapsulated CDA": {"MIMETypeOfEncapsulatedDocument": "text/XML"},
    **{
        f"Encapsulated {kind}": {"MIMETypeOfEncapsulatedDocument": f"model/{kind.lower()}", "Modality": "M3D"}
        for kind in ("STL", "OBJ", "MTL")
    },
    # A drawing or a model, PS3.3 A.61.3.
    "Generic Implant Template": {
        "SurfaceModelDescriptionSequence": [{"ReferencedSurfaceNumber": 1, "SurfaceModelLabel": "one"}],
        "SurfaceModelScalingFactor": 1.0,
        "ImplantTemplate3DModelSurfaceNumber": 1,
    },
    # Its three dimensions, PS3.3 C.8.24.3.3.
    "Enhanced US Volume": {
        "DimensionIndexSequence": [
            {"DimensionIndexPointer": 0x0020930D, "FunctionalGroupPointer": 0x00209310},
            {"DimensionIndexPointer": 0x00209301, "FunctionalGroupPointer": 0x0020930E},
            {"DimensionIndexPointer": 0x00189808, "FunctionalGroupPointer": 0x00189807},
        ],
        PER_FRAME: [
            {"FrameContentSequence": [{"DimensionIndexValues": [1, 1, 1]}], "PlanePositionVolumeSequence": [{}]}
        ],
    },
}
"""What settles a choice that the tables leave open."""
CODES = {
    "ViewCodeSequence": {"CodeValue": "399162004", "CodingSchemeDesignator": "SCT", "CodeMeaning": "cranio-caudal"}
}
"""Codes that conditions ask about, one a Sequence."""
STACK = {"DimensionIndexPointer": 0x00209057, "FunctionalGroupPointer": 0x00209111}
"""The one dimension of the frames: their place in a stack."""
OVERRIDDEN = {"SC Multi-frame Image": ("Multi-frame", "FrameIncrementPointer")}
"""By Module, the row of another whose Type it overrides (PS3.3 C.8.6.3)."""


def instance(iod: str) -> Attributes:
    """A smallest conformant instance of this IOD, of one frame where it has frames."""
    attributes: Attributes = {"SOPClassUID": iods()[iod].sop_class_uids[0], **deepcopy(SEEDS.get(iod, {}))}
    if iod in USUAL:
        attributes["Modality"] = USUAL[iod]
    types = image_type(iod)
    if types is not None:
        typed = legal(types)
        for item, more in zip(typed.get(SHARED, []), attributes.get(SHARED, []), strict=False):
            for group, items in more.items():
                item[group] = [{**items[0], **item.get(group, [{}])[0]}]
        attributes |= typed
    framed = any(each.name.endswith("Functional Groups") and each.usage == "M" for each in modules_of(iod))
    groups = functional_groups_of(iod) if framed else ()
    if groups:
        attributes[SHARED] = [*attributes.get(SHARED, [{}])]
        attributes.setdefault(PER_FRAME, [{}])
        attributes["NumberOfFrames"] = "1"
        if _in_stacks(iod):
            attributes.setdefault("DimensionIndexSequence", [dict(STACK)])
            content = attributes[PER_FRAME][0].setdefault("FrameContentSequence", [{"DimensionIndexValues": [1]}])
            content[0] |= {"StackID": "1", "InStackPositionNumber": 1}
    for _ in range(ROUNDS):
        header = header_of(attributes)
        if not _more(attributes, header, iod, groups):
            if isinstance(attributes.get("BitsStored"), int) and "HighBit" in attributes:
                attributes["HighBit"] = attributes["BitsStored"] - 1
            return attributes
    raise ValueError(f"the conditions of {iod} do not settle")


def _in_stacks(iod: str) -> bool:
    """Whether the frames of this IOD have dimensions, and content of their own."""
    dimensions = any(each.name == "Multi-frame Dimension" and each.usage == "M" for each in modules_of(iod))
    return dimensions and any(each.name == "Frame Content" for each in functional_groups_of(iod))


Steps = tuple[str | int, ...]
Conditions = tuple[Expression, ...]


def told_more(iod: str) -> Attributes:
    """The smallest instance with what dciodvfy asks for where it cannot tell: a body part, an orientation."""
    attributes = instance(iod)
    modules = {each.name for each in modules_of(iod) if each.usage == "M"}
    if "General Series" in modules and attributes.get("AnatomicRegionSequence") != []:
        attributes["BodyPartExamined"] = attributes.get("BodyPartExamined") or "ABDOMEN"
    if "General Image" in modules and "ImageOrientationPatient" not in attributes:
        attributes.setdefault("PatientOrientation", None)
    return attributes


def required_paths(attributes: Attributes, iod: str) -> Iterator[tuple[Steps, Conditions]]:
    """The places of the Attributes that Modules demand of the instance, as steps of keywords and Item indices.

    With each come the conditions of Type 1C or 2C, of which one must be met; none for Types 1 and 2.
    """
    tables = [table for usage in modules_of(iod) if usage.usage == "M" and (table := module(usage.name))]
    out = {OVERRIDDEN[table.name] for table in tables if table.name in OVERRIDDEN}
    every = [(table.name, row) for table in tables for row in rows_of(table.within)]
    yield from _required(attributes, [row for name, row in every if (name, row.keyword) not in out])
    groups = [table for usage in functional_groups_of(iod) if (table := macro(file_name(usage.name)))]
    for sequence in (SHARED, PER_FRAME):
        for item in attributes.get(sequence, ()):
            for row in (row for table in groups for row in rows_of(table.within)):
                for number, group in enumerate(item.get(row.keyword, ())):
                    for steps, conditions in _required(group, list(rows_of(row.within))):
                        yield (sequence, 0, row.keyword, number, *steps), conditions


def missed(attributes: Attributes, iod: str) -> Iterator[tuple[str, bool]]:
    """Take out each Attribute that must be there, one at a time: its path, and whether it was missed."""
    for steps, conditions in required_paths(attributes, iod):
        if steps == ("SOPClassUID",):
            continue  # without it nobody knows what is required
        header = header_of(without(attributes, steps))
        if conditions and all(ask(each, _place(header, steps)) is not Answer.YES for each in conditions):
            continue  # what is taken out was itself the reason
        found = {(each.rule, each.path) for each in check(header, load_rules()).findings}
        yield written(steps), ("attribute-missing", written(steps)) in found


def without(attributes: Attributes, steps: Steps) -> Attributes:
    """The instance without what is at these steps."""
    changed = deepcopy(attributes)
    place: Any = changed
    for step in steps[:-1]:
        place = place[step]
    del place[steps[-1]]
    return changed


def written(steps: Steps) -> str:
    """The steps as a path, Items counted from 1."""
    path = ""
    for step in steps:
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _place(header: Header, steps: Steps) -> Header:
    """The Data Set or Item that the last step is in."""
    place = header
    for keyword, number in zip(steps[:-1:2], steps[1:-1:2], strict=True):
        assert isinstance(number, int)
        place = place.items(keyword)[number]
    return place


def _required(place: Attributes, rows: Sequence[Row]) -> Iterator[tuple[Steps, Conditions]]:
    for keyword, same in _by_keyword(rows).items():
        if keyword in place and keyword not in (SHARED, PER_FRAME, *ELSEWHERE):
            conditions = tuple(row.required_if for row in same if row.type in ("1C", "2C") and row.required_if)
            if any(row.type in ("1", "2") for row in same):
                yield (keyword,), ()
            elif conditions:
                yield (keyword,), conditions
            if vr_of(same[0].tag) == "SQ":
                below = [row for each in same for row in rows_of(each.within)]
                for number, item in enumerate(place[keyword]):
                    for steps, more in _required(item, below):
                        yield (keyword, number, *steps), more


ELSEWHERE = ("ImageType", "FrameType", "Modality")
"""Attributes whose absence has rules of its own, or Types that one Module overrides."""


def _more(attributes: Attributes, header: Header, iod: str, groups: Sequence[Usage]) -> bool:
    """Add what is missing; whether anything was."""
    tables = [table for usage in modules_of(iod) if _applies(usage, header) and (table := module(usage.name))]
    out = {OVERRIDDEN[table.name] for table in tables if table.name in OVERRIDDEN}
    every = ((table.name, row) for table in tables for row in rows_of(table.within))
    rows = [*(row for name, row in every if (name, row.keyword) not in out), *constraints_of(iod)]
    if _fill(attributes, header, rows):
        return True
    if not groups:
        return False
    shared: list[Row] = []
    framed: list[Row] = []
    for usage in groups:
        table = macro(file_name(usage.name))
        below = [row for row in rows_of(table.within) if vr_of(row.tag) == "SQ"] if table else []
        if _applies(usage, header.items(PER_FRAME)[0]):
            here = usage.place == "per-frame" or any(row.keyword in attributes[PER_FRAME][0] for row in below)
            (framed if here else shared).extend(below)
    for row in frame_constraints_of(iod):
        (framed if any(each.keyword == row.keyword for each in framed) else shared).append(row)
    return _fill(attributes[SHARED][0], header.items(SHARED)[0], shared) or _fill(
        attributes[PER_FRAME][0], header.items(PER_FRAME)[0], framed
    )


def _applies(usage: Usage, place: Header) -> bool:
    if usage.usage == "C" and usage.required_if is not None:
        return ask(usage.required_if, place) is Answer.YES
    return usage.usage == "M"


def _fill(place: Attributes, header: Header, rows: Sequence[Row]) -> bool:
    by_keyword = _by_keyword(rows)
    added = False
    for keyword, same in by_keyword.items():
        if keyword not in place and any(row.type in ("1", "2") for row in same):
            place[keyword] = _value(keyword, same)
            added = True
    if added:
        return True
    for keyword, same in by_keyword.items():
        if keyword not in place and _is_code(keyword, by_keyword):
            place[keyword] = _value(keyword, same)
            return True
        wanted = (row for row in same if row.type in ("1C", "2C") and row.required_if is not None)
        if keyword not in place and any(ask(row.required_if or {}, header) is Answer.YES for row in wanted):
            place[keyword] = _value(keyword, same)
            return True
    for keyword, same in by_keyword.items():
        if isinstance(place.get(keyword), list) and vr_of(same[0].tag) == "SQ" and keyword not in (SHARED, PER_FRAME):
            below = [row for each in same for row in rows_of(each.within)]
            for item, inside in zip(place[keyword], header.items(keyword), strict=True):
                if _fill(item, inside, below):
                    return True
    return _settle(place, header, by_keyword)


def _settle(place: Attributes, header: Header, by_keyword: Mapping[str, Sequence[Row]]) -> bool:
    """Put right a value that a list of its own condition does not have; whether one was."""
    for keyword, same in by_keyword.items():
        every = [terms for row in same for terms in row.terms if terms.number == 0]
        lists = [each.allowed for each in every if _counts(each, header)]
        if keyword in place and place[keyword] is not None and any(str(place[keyword]) not in each for each in lists):
            common = [term for term in lists[0] if all(term in each for each in lists)]
            conditional = len(every) > 1 or every[0].condition is not None
            if common and conditional and not isinstance(place[keyword], list):
                place[keyword] = _typed(common[0], (vr_of(same[0].tag) or "UN").split(" or ")[0])
                return True
    return False


def _counts(terms: Terms, header: Header) -> bool:
    return terms.condition is None or ask(terms.condition, header) is Answer.YES


def _is_code(keyword: str, by_keyword: Mapping[str, Sequence[Row]]) -> bool:
    return keyword in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning") and "URNCodeValue" in by_keyword


def _by_keyword(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.keyword, []).append(row)
    return found


def _value(keyword: str, same: Sequence[Row]) -> object:
    """A value that every row of the Attribute takes; empty for Type 2."""
    vr = (vr_of(same[0].tag) or "UN").split(" or ")[0]
    if vr == "SQ":
        fewest = max((row.items[0] for row in same if row.items), default=1)
        empty = all(row.type not in ("1", "1C") for row in same)
        if keyword in CODES:
            return [dict(CODES[keyword])]
        return [] if empty else [{} for _ in range(max(fewest, 1))]
    if all(row.type not in ("1", "1C") for row in same):
        return None
    lists = [terms.allowed for row in same for terms in row.terms if terms.condition is None and terms.number == 0]
    usual = _BY_KEYWORD.get(keyword)
    chosen: object = usual if usual is not None else _BY_VR[vr]
    common = [term for term in lists[0] if all(term in each for each in lists)] if lists else []
    if common and str(chosen) not in common:
        chosen = _typed(common[0], vr)
    numbered = {terms.number: _typed(terms.allowed[0], vr) for row in same for terms in row.terms if terms.number}
    fewest = int((next((row.vm for row in same if row.vm), None) or vm_of(same[0].tag) or "1").partition("-")[0])
    if isinstance(chosen, list) or vr.startswith("O") or (fewest == 1 and not numbered):
        return chosen
    return [numbered.get(number, chosen) for number in range(1, max(fewest, *numbered, 1) + 1)]


def _typed(term: str, vr: str) -> object:
    return int(term) if vr in ("US", "SS", "UL", "SL", "UV", "SV") else float(term) if vr in ("FL", "FD") else term


def ask(expression: Expression, place: Header) -> Answer:
    """What a condition answers of a place."""
    return _compiled(repr(expression), _Kept(expression))(place)


class _Kept:
    """An expression that is cached by its text."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept)

    def __hash__(self) -> int:
        return 0


@cache
def _compiled(text: str, kept: _Kept) -> Any:
    return compiled(kept.expression)
