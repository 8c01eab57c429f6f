"""Which colors, signs and bits a Transfer Syntax takes, and which an IOD leaves of them (PS3.5 8.2, PS3.3 C.8)."""

from __future__ import annotations

import pytest

from rules.encode import Element, header_of
from rules.engine import check, load_rules
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN as NATIVE
from rules.transfer_syntax import (
    HEVC_MAIN_10,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR_LOSSLESS,
    RLE_LOSSLESS,
)

MPEG2, HTJ2K, PRIVATE = "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.203", "1.2.3.4"
SECONDARY_CAPTURE, ULTRASOUND = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1"
ENDOSCOPY, TRUE_COLOR = "1.2.840.10008.5.1.4.1.1.77.1.1", "1.2.840.10008.5.1.4.1.1.7.4"
SLIDE, FUNDUS = "1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.77.1.5.1"
RULES = ("photometric-transfer-syntax", "planar-configuration", "samples-transfer-syntax")


def told(
    syntax: str, interpretation: str, sop_class: str = SECONDARY_CAPTURE, fragments: bool = False, **more: object
) -> set[tuple[str, str]]:
    """The Attributes that the rules on pixels and Transfer Syntaxes name, with the section."""
    encapsulated = fragments or syntax != NATIVE
    pixels: object = Element("OB", [b"", b"\1\2"], fragments=True) if encapsulated else bytes(12)
    colors = 1 if interpretation.startswith(("MONO", "PALETTE")) else 3
    planes = {"PlanarConfiguration": 0} if colors == 3 else {}
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    described = {"SamplesPerPixel": colors, "PhotometricInterpretation": interpretation, "Rows": 2, "Columns": 2}
    header = header_of({"SOPClassUID": sop_class, **described, **planes, **bits, **more, "PixelData": pixels}, syntax)
    return {(each.path, each.section) for each in check(header, load_rules()).findings if each.rule in RULES}


COLOR = "PhotometricInterpretation"


@pytest.mark.parametrize(
    ("syntax", "interpretations"),
    [
        (NATIVE, ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422")),
        (JPEG_BASELINE, ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL_422")),
        (JPEG_EXTENDED, ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL_422")),
        (JPEG_LOSSLESS, ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422")),
        (JPEG_LS_LOSSLESS, ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL")),
        (JPEG_LS_NEAR_LOSSLESS, ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL")),
        (
            JPEG_2000_LOSSLESS,
            ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_RCT", "YBR_FULL", "YBR_FULL_422"),
        ),
        (JPEG_2000, ("MONOCHROME1", "MONOCHROME2", "RGB", "YBR_RCT", "YBR_ICT", "YBR_FULL", "YBR_FULL_422")),
        (RLE_LOSSLESS, ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL")),
        (HEVC_MAIN_10, ("YBR_PARTIAL_420",)),
    ],
)
def test_a_transfer_syntax_takes_its_colors_and_no_others(syntax: str, interpretations: tuple[str, ...]) -> None:
    every = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420")
    every += ("YBR_ICT", "YBR_RCT")
    assert [each for each in every if not told(syntax, each)] == [each for each in every if each in interpretations]
    assert all(path == COLOR for each in every for path, _ in told(syntax, each))


@pytest.mark.parametrize("syntax", [HTJ2K, PRIVATE, JPEG_BASELINE])
def test_colors_of_other_transfer_syntaxes_and_other_colors_are_left_to_them(syntax: str) -> None:
    assert told(syntax, "YBR_FULL" if syntax != JPEG_BASELINE else "MULTISPECTRAL") == set()


@pytest.mark.parametrize(
    ("syntax", "sop_class", "wrong", "right", "section"),
    [
        (NATIVE, ULTRASOUND, "YBR_FULL_422", "RGB", "PS3.3 C.8.5.6.1.2"),
        (NATIVE, ENDOSCOPY, "YBR_FULL_422", "RGB", "PS3.3 C.8.12.1.1.1"),
        (NATIVE, TRUE_COLOR, "YBR_FULL", "RGB", "PS3.3 A.8.5.4"),
        (JPEG_LS_LOSSLESS, SLIDE, "YBR_FULL", "RGB", "PS3.3 C.8.12.4.1.5"),
        (MPEG2, FUNDUS, "RGB", "YBR_PARTIAL_420", "PS3.3 C.8.17.2.1.3"),
        (NATIVE, ULTRASOUND, "YBR_FULL", "PALETTE COLOR", "PS3.3 C.8.5.6.1.2"),
    ],
)
def test_an_iod_leaves_one_color_space(syntax: str, sop_class: str, wrong: str, right: str, section: str) -> None:
    assert told(syntax, wrong, sop_class) == {(COLOR, section)}
    assert told(syntax, right, sop_class) == set()


def test_planes_stay_together_where_colors_are_subsampled_or_transformed() -> None:
    assert told(NATIVE, "YBR_FULL_422", PlanarConfiguration=1) == {("PlanarConfiguration", "PS3.3 C.7.6.3.1.2")}
    assert told(JPEG_LS_LOSSLESS, "RGB", PlanarConfiguration=1) == {("PlanarConfiguration", "PS3.5 8.2.3")}
    assert told(JPEG_BASELINE, "RGB", PlanarConfiguration=1) == set()
    assert told(RLE_LOSSLESS, "YBR_FULL", PlanarConfiguration=1) == set()


def test_signs_and_bits_are_those_of_the_transfer_syntax() -> None:
    assert told(JPEG_2000, "MONOCHROME2", PixelRepresentation=1) == set()
    assert told(JPEG_2000, "RGB", PixelRepresentation=1) == {("PixelRepresentation", "PS3.5 8.2.4")}
    assert told(JPEG_2000_LOSSLESS, "MONOCHROME2", BitsAllocated=1, BitsStored=1, HighBit=0) == set()
    assert told(JPEG_LS_LOSSLESS, "RGB", BitsAllocated=16, BitsStored=12, HighBit=11) == set()
    wide = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    assert told(JPEG_LS_LOSSLESS, "YBR_FULL", **wide) == {
        (each, "PS3.5 8.2.3") for each in ("BitsAllocated", "BitsStored")
    }
    assert told(JPEG_BASELINE, "MONOCHROME2", **wide) == {
        (each, "PS3.5 8.2.1") for each in ("BitsAllocated", "BitsStored")
    }
    assert told(JPEG_EXTENDED, "MONOCHROME2", **wide) == set()


def test_pixels_in_the_wrong_format_are_told_of_once() -> None:
    assert told(NATIVE, "YBR_RCT", fragments=True) == set()
