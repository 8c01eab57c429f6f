"""Which pixels a Transfer Syntax takes: colors, signs, bits, planes (PS3.5 8.2; PS3.3 C.7.6.3.1.2 and C.8)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from rules.encode import Element
from rules.header import Header
from rules.iods import iod_in_any_edition, iods
from rules.model import Example, Finding, Problem, Severity
from rules.registry import run, table_rule
from rules.transfer_syntax import (
    DEFLATED_IMAGE_FRAME,
    ENCAPSULATED_UNCOMPRESSED,
    HEVC_MAIN_10,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LOSSLESS_FIRST_ORDER,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR_LOSSLESS,
    RLE_LOSSLESS,
    TransferSyntax,
)

_GRAY, _PALETTE = ("MONOCHROME1", "MONOCHROME2"), ("PALETTE COLOR",)
_SUBSAMPLED = ("YBR_FULL_422",)
_ENCAPSULATED_ONLY = ("YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
_STANDARD = frozenset((*_GRAY, *_PALETTE, "RGB", "YBR_FULL", *_SUBSAMPLED, *_ENCAPSULATED_ONLY, "XYB"))
"""The Defined Terms that PS3.5 8.2 speaks of. Others, retired ones among them, are left to the Transfer Syntax."""
_BY_PIXEL = frozenset((*_SUBSAMPLED, *_ENCAPSULATED_ONLY))
"""Those whose planes may not follow each other."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What goes with some Photometric Interpretations: Pixel Representation, Bits Allocated, Bits Stored.

    Empty is whatever the Attributes say, where the table of the Transfer Syntax could not be read in full.
    """

    interpretations: tuple[str, ...]
    representations: Collection[int] = ()
    allocated: Collection[int] = ()
    stored: Collection[int] = ()
    by_pixel: bool = False
    """Whether Planar Configuration has to be 0."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of PS3.5 8.2."""

    section: str
    rows: tuple[_Taken, ...]

    @property
    def interpretations(self) -> list[str]:
        """All that are taken."""
        return [each for row in self.rows for each in row.interpretations]

    def row(self, interpretation: str) -> _Taken | None:
        """What goes with a Photometric Interpretation; None where it is not taken."""
        return next((row for row in self.rows if interpretation in row.interpretations), None)


_BYTES_TO_40, _TO_38, _TO_16 = (8, 16, 24, 32, 40), range(1, 39), range(2, 17)
_LOSSY = (
    _Taken(_GRAY, (0,), (8,), (8,)),
    _Taken((*_SUBSAMPLED, "RGB"), (0,), (8,), (8,)),
)
_LOSSLESS = (_Taken(_GRAY), _Taken(_PALETTE, (0,)), _Taken(("RGB", "YBR_FULL", *_SUBSAMPLED), (0,)))
"""The subsampled one is let pass: what table 8.2.1-2 says of it was not seen."""
_RLE = (_Taken(_GRAY), _Taken(_PALETTE, (0,)), _Taken(("RGB", "YBR_FULL"), (0,)))
_NEAR_LOSSLESS = (
    _Taken(_GRAY, (0, 1), (8, 16), _TO_16),
    _Taken(("RGB",), (0,), (8, 16), _TO_16, by_pixel=True),
    _Taken(("YBR_FULL",), (0,), (8,), range(2, 9), by_pixel=True),
)
_WAVELETS = (_Taken(_GRAY, (0, 1), (1, *_BYTES_TO_40), _TO_38),)
"""Single bits are let pass: segmentations of them are sent so, though the table that was read begins at bytes."""
_WAVELETS_IN_COLOR = ("RGB", "YBR_RCT", "YBR_FULL", *_SUBSAMPLED)
"""Subsampled chrominance has been proposed for JPEG 2000 since; it is let pass."""
_PALETTE_BITS = _Taken(_PALETTE, (0,), (8, 16), range(1, 17))

_TABLES: Mapping[str, _Table] = {
    JPEG_BASELINE: _Table("PS3.5 8.2.1", _LOSSY),
    JPEG_EXTENDED: _Table("PS3.5 8.2.1", (_Taken(_GRAY, (0,)), _Taken((*_SUBSAMPLED, "RGB"), (0,)))),
    JPEG_LOSSLESS: _Table("PS3.5 8.2.1", _LOSSLESS),
    JPEG_LOSSLESS_FIRST_ORDER: _Table("PS3.5 8.2.1", _LOSSLESS),
    RLE_LOSSLESS: _Table("PS3.5 8.2.2", _RLE),
    JPEG_LS_LOSSLESS: _Table("PS3.5 8.2.3", (*_NEAR_LOSSLESS, _Taken(_PALETTE, (0,), (8, 16), _TO_16))),
    JPEG_LS_NEAR_LOSSLESS: _Table("PS3.5 8.2.3", _NEAR_LOSSLESS),
    JPEG_2000_LOSSLESS: _Table(
        "PS3.5 8.2.4",
        (*_WAVELETS, _Taken(_WAVELETS_IN_COLOR, (0,), _BYTES_TO_40, _TO_38, by_pixel=True), _PALETTE_BITS),
    ),
    JPEG_2000: _Table(
        "PS3.5 8.2.4",
        (*_WAVELETS, _Taken((*_WAVELETS_IN_COLOR, "YBR_ICT"), (0,), _BYTES_TO_40, _TO_38, by_pixel=True)),
    ),
    HEVC_MAIN_10: _Table("PS3.5 8.2.11", (_Taken(("YBR_PARTIAL_420",)),)),
}
"""What each Transfer Syntax takes."""

_WITHOUT_TRANSFORMATION = frozenset(
    (
        ENCAPSULATED_UNCOMPRESSED,
        DEFLATED_IMAGE_FRAME,
        JPEG_LOSSLESS,
        JPEG_LOSSLESS_FIRST_ORDER,
        JPEG_LS_LOSSLESS,
    )
)
"""Encapsulated Transfer Syntaxes without loss that know no color but what they are given."""
_VL, _SLIDES, _OPHTHALMIC, _ULTRASOUND = "C.8.12.1.1.1", "C.8.12.4.1.5", "C.8.17.2.1.3", "C.8.5.6.1.2"
_COLORS_OF: Mapping[str, str] = {
    "Confocal Microscopy Image": _VL,
    "Confocal Microscopy Tiled Pyramidal Image": _VL,
    "Dermoscopic Photography Image": _VL,
    "Multi-frame True Color Secondary Capture Image": "A.8.5.4",
    "Ophthalmic Photography 16 Bit Image": _OPHTHALMIC,
    "Ophthalmic Photography 8 Bit Image": _OPHTHALMIC,
    "Ultrasound Image": _ULTRASOUND,
    "Ultrasound Multi-frame Image": _ULTRASOUND,
    "VL Endoscopic Image": _VL,
    "VL Microscopic Image": _VL,
    "VL Photographic Image": _VL,
    "VL Slide-Coordinates Microscopic Image": _VL,
    "VL Whole Slide Microscopy Image": _SLIDES,
    "Video Endoscopic Image": _VL,
    "Video Microscopic Image": _VL,
    "Video Photographic Image": _VL,
}
"""IODs that leave one color space to each kind of Transfer Syntax, and the section that says so."""


def interpretations(header: Header, syntax: TransferSyntax) -> Iterator[Finding]:
    """Judge the description of Pixel Data, which is there in the format of its Transfer Syntax, by that one."""
    said = header.text("PhotometricInterpretation")
    if said not in _STANDARD:
        return
    if not syntax.encapsulated and said in _UNTOUCHED:
        return
    table = _TABLES.get(syntax.uid)
    yield from run(COLORS, header, said, syntax, table)
    yield from run(PLANES, header, said, syntax, table)
    row = table.row(said) if table else None
    if table and row:
        yield from run(SAMPLES, header, said, syntax, row, table.section)


_UNTOUCHED = frozenset((*_GRAY, *_PALETTE, "RGB"))
"""Those that every native Transfer Syntax takes, with all that goes with them."""

_FOUR_PIXELS: Mapping[str, object] = {
    "SamplesPerPixel": 3,
    "PlanarConfiguration": 0,
    "Rows": 2,
    "Columns": 2,
    "BitsAllocated": 8,
    "BitsStored": 8,
    "HighBit": 7,
    "PixelRepresentation": 0,
}


def _pixels(syntax: str, interpretation: str, **more: object) -> Example:
    pixels = Element("OB", [b"", b"\1\2"], fragments=True)
    told = {"PhotometricInterpretation": interpretation, "LossyImageCompression": "01"}
    return {"TransferSyntaxUID": syntax, **_FOUR_PIXELS, **told, "PixelData": pixels, **more}


def _native(interpretation: str, **more: object) -> Example:
    length = 8 if interpretation == "YBR_FULL_422" else 12
    told = {"PhotometricInterpretation": interpretation, "PixelData": bytes(length)}
    return {**_FOUR_PIXELS, **told, **more}


def _colors(header: Header, said: str, syntax: TransferSyntax, table: _Table | None) -> Iterator[Problem]:
    """The Photometric Interpretation is not one that the Transfer Syntax takes.

    It says what was encoded. Whoever decodes by it turns luminance into red, or transforms a color twice; whoever
    believes the codec instead shows other colors than the next reader.
    """
    if not syntax.encapsulated and said in _ENCAPSULATED_ONLY:
        yield Problem(_INTERPRETATION, f"is {said}, which {syntax.name} cannot have", section="C.7.6.3.1.2")
        return
    if table and table.row(said) is None:
        wanted = ", ".join(table.interpretations)
        yield Problem(_INTERPRETATION, f"is {said}, wanted one of {wanted} in {syntax.name}", section=table.section)
        return
    section = _COLORS_OF.get(iod_in_any_edition(header))
    if section is None or said in _GRAY or said in _PALETTE:
        return
    if not syntax.encapsulated or syntax.uid in _WITHOUT_TRANSFORMATION:
        wanted = "RGB"
    elif syntax.video and section != _SLIDES:
        wanted = "YBR_PARTIAL_420"
    else:
        return
    if said != wanted:
        yield Problem(_INTERPRETATION, f"is {said}, wanted {wanted} in {syntax.name}", section=section)


_INTERPRETATION, _PLANAR = "PhotometricInterpretation", "PlanarConfiguration"

COLORS = table_rule(
    "photometric-transfer-syntax",
    section="PS3.5 8.2",
    severity=Severity.ERROR,
    good=[
        _pixels(JPEG_BASELINE, "YBR_FULL_422"),
        _pixels(JPEG_2000, "YBR_ICT"),
        _pixels(RLE_LOSSLESS, "RGB"),
        _native("YBR_FULL_422"),
    ],
    bad=[
        _pixels(JPEG_BASELINE, "YBR_FULL"),
        _pixels(JPEG_2000_LOSSLESS, "YBR_ICT"),
        _pixels(JPEG_LS_NEAR_LOSSLESS, "PALETTE COLOR", SamplesPerPixel=1),
        _native("YBR_RCT"),
        _native("YBR_FULL_422", SOPClassUID=iods()["Ultrasound Image"].sop_class_uids[0]),
    ],
)(_colors)


def _planes(header: Header, said: str, syntax: TransferSyntax, table: _Table | None) -> Iterator[Problem]:
    """Planar Configuration is 1 where the samples of a pixel are together.

    Subsampled and transformed colors have no planes of equal size to follow each other, and JPEG-LS and JPEG 2000
    bring their own order. A reader that goes by it mixes up the colors.
    """
    if header.integer(_PLANAR) != 1:
        return
    if said in _BY_PIXEL:
        yield Problem(_PLANAR, f"is 1, wanted 0 for {said}")
        return
    row = table.row(said) if table else None
    if table and row and row.by_pixel:
        yield Problem(_PLANAR, f"is 1, wanted 0 for {said} in {syntax.name}", section=table.section)


PLANES = table_rule(
    "planar-configuration",
    section="C.7.6.3.1.2",
    severity=Severity.ERROR,
    good=[_native("YBR_FULL_422"), _native("RGB", PlanarConfiguration=1), _pixels(JPEG_2000, "RGB")],
    bad=[_native("YBR_FULL_422", PlanarConfiguration=1), _pixels(JPEG_2000, "RGB", PlanarConfiguration=1)],
)(_planes)


def _samples(header: Header, said: str, syntax: TransferSyntax, row: _Taken, section: str) -> Iterator[Problem]:
    """Pixel Representation, Bits Allocated or Bits Stored is not what the Transfer Syntax takes of these pixels.

    A codec has a sign and a number of bits of its own. A reader that makes room by the Attributes has too much of it
    or too little, or takes bright pixels for negative ones.
    """
    for keyword, taken in (
        ("PixelRepresentation", row.representations),
        ("BitsAllocated", row.allocated),
        ("BitsStored", row.stored),
    ):
        value = header.integer(keyword) if taken and header.has(keyword) else None
        if value is not None and value not in taken:
            yield Problem(keyword, f"is {value}, wanted {_either(taken)} for {said} in {syntax.name}", section=section)


def _either(taken: Collection[int]) -> str:
    if isinstance(taken, range):
        return f"{taken[0]} to {taken[-1]}"
    return " or ".join(map(str, taken))


SAMPLES = table_rule(
    "samples-transfer-syntax",
    section="PS3.5 8.2",
    severity=Severity.ERROR,
    good=[
        _pixels(JPEG_LS_LOSSLESS, "RGB"),
        _pixels(JPEG_2000, "MONOCHROME2", SamplesPerPixel=1, PixelRepresentation=1),
    ],
    bad=[
        _pixels(JPEG_2000, "YBR_ICT", PixelRepresentation=1),
        _pixels(JPEG_LS_LOSSLESS, "YBR_FULL", BitsAllocated=16),
        _pixels(JPEG_BASELINE, "RGB", BitsAllocated=16, BitsStored=12, HighBit=11),
    ],
)(_samples)
