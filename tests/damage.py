"""Generated Data Sets, ways to damage their bytes, and a reader that asks a Header everything there is to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from rules.encode import Element
from rules.header import Header, Stencil


def _binary(word: int) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=5).map(lambda raw: raw * word)


_WORDS = st.text("ABC xyz0123", max_size=9).map(str.strip)
_UTF8 = st.text(st.characters(codec="utf-8", categories=("L", "N")), max_size=9)
_INTEGERS = st.integers(-(2**31), 2**31 - 1)
_DECIMALS = st.integers(-999_999, 999_999).map(lambda number: str(number / 1000))


_TAGS = st.sampled_from(["Rows", "(0009,1001)"])

_VALUES: dict[str, st.SearchStrategy[object]] = {
    "ImageType": st.lists(st.sampled_from(["ORIGINAL", "PRIMARY", "", "AXIAL"]), max_size=5),
    "InstanceCreationDate": st.sampled_from(["20260101", ""]),
    "AcquisitionDateTime": st.sampled_from(["20260101101112.5+0100", ""]),
    "ContentTime": st.sampled_from(["101112.25", "10"]),
    "SOPInstanceUID": st.sampled_from(["1.2.3", "1.2.34", ""]),
    "RetrieveAETitle": st.lists(_WORDS, max_size=3),
    "AccessionNumber": _UTF8,
    "PatientName": _UTF8,
    "PatientAge": st.sampled_from(["030Y", ""]),
    "AdditionalPatientHistory": _UTF8,
    "InstitutionAddress": _UTF8,
    "SliceThickness": _DECIMALS,
    "ImagePositionPatient": st.lists(_DECIMALS, max_size=3),
    "SeriesNumber": _INTEGERS,
    "ReferencedFrameNumber": st.lists(_INTEGERS, max_size=4),
    "FrameIncrementPointer": st.lists(_TAGS, max_size=2),
    "DiffusionBValue": st.floats(allow_nan=False),
    "TableTopVerticalPosition": st.floats(width=32, allow_nan=False),
    "ReferencePixelX0": _INTEGERS,
    "Rows": st.integers(0, 65535),
    "SimpleFrameList": st.lists(st.integers(0, 2**32 - 1), max_size=5),
    "DisplayedAreaTopLeftHandCorner": st.lists(_INTEGERS, max_size=2),
    "OverlayOrigin": st.lists(st.integers(-(2**15), 2**15 - 1), max_size=2),
    "SelectorSVValue": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3),
    "SelectorUVValue": st.lists(st.integers(0, 2**64 - 1), max_size=3),
    "SmallestImagePixelValue": st.integers(0, 2**15 - 1),
    "ExtendedOffsetTable": _binary(8),
    "EncapsulatedDocument": _binary(1),
    "RedPaletteColorLookupTableData": _binary(2),
    "VectorGridData": _binary(4),
    "LongCodeValue": _WORDS,
    "URNCodeValue": st.sampled_from(["urn:a", "http://x/y"]),
    "TextValue": _UTF8,
    "(0009,0010)": st.just("ACME"),
    "(0009,1001)": _binary(1).map(lambda raw: Element("UN", raw)),
    "(0009,1002)": _WORDS.map(lambda text: Element("LO", text)),
}

_SEQUENCES = ("ReferencedImageSequence", "PlanePositionSequence", "ContentSequence", "ConceptNameCodeSequence")

_LEVEL: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries({}, optional=_VALUES)


def _deeper(inner: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[dict[str, object]]:
    items = st.lists(inner, max_size=4)
    return st.builds(
        lambda flat, nested: {**flat, **nested},
        _LEVEL,
        st.fixed_dictionaries({}, optional=dict.fromkeys(_SEQUENCES, items)),
    )


DATA_SETS: st.SearchStrategy[Mapping[str, object]] = st.recursive(_LEVEL, _deeper, max_leaves=6).map(
    lambda attributes: {"SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"} | attributes
)
"""Legal Data Sets of nearly every VR, with private elements and nested Sequences."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut off, flipped, replaced by lengths that lie, doubled, or with others put in."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(changed) - 1, 0)))
        how = draw(st.sampled_from(["cut", "flip", "lie", "insert", "double", "remove"]))
        if how == "cut":
            del changed[at:]
        elif how == "flip" and changed:
            changed[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "lie":
            lie = draw(
                st.sampled_from(
                    [b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff", b"\1\0", b"\0\0"]
                )
            )
            changed[at : at + len(lie)] = lie
        elif how == "insert":
            changed[at:at] = draw(
                st.sampled_from(
                    [
                        b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
                        b"\xfe\xff\x0d\xe0\0\0\0\0",
                        b"\xfe\xff\xdd\xe0\0\0\0\0",
                        b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff",
                        b"\x40\0\x30\xa7SQ\0\0\xff\xff\xff\xff",
                        b"\0" * 9,
                    ]
                )
            )
        elif how == "double":
            changed[at:at] = changed[at : at + draw(st.integers(1, 60))]
        else:
            del changed[at : at + draw(st.integers(1, 12))]
    return bytes(changed)


def ask_everything(header: Header, size: int) -> int:
    """Use every method on every Attribute; how many there were. Whatever is found lies within `size` bytes."""
    asked = 0
    for tag in header.tags():
        asked += 1
        _, offset, length = header.element(tag) or (None, 0, 0)
        assert 0 <= offset <= offset + length <= size
        assert header.has(tag)
        assert header.path_of(tag).startswith(header.path)
        raw = header.raw(tag)
        assert raw is None or len(raw) == length
        header.vr(tag), header.length(tag), header.empty(tag)
        header.values(tag), header.value(tag), header.integer(tag), header.integers(tag)
        header.texts(tag), header.text(tag), header.number(tag), header.numbers(tag)
        items = header.items(tag)
        for item in items:
            asked += ask_everything(item, size)
        numbers = []
        for stencil in header.stencils(tag):
            numbers += stencil.numbers
            _ask_columns(items, stencil, stencil.exemplar, ())
        assert sorted(numbers) == list(range(1, len(items) + 1))
    return asked


def _ask_columns(items: Sequence[Header], stencil: Stencil, place: Header, steps: tuple[tuple[int, int], ...]) -> None:
    """A column holds, for each of the Items, what the Item itself says at that place."""
    for tag in place.tags():
        if place.is_sequence(tag):
            for index, nested in enumerate(place.items(tag)):
                _ask_columns(items, stencil, nested, (*steps, (tag, index)))
            continue
        found = stencil.column_at(place, tag)
        assert found is not None
        assert sorted(number for each in found.values() for number in each) == list(stencil.numbers)
        for raw, those in found.items():
            for number in those:
                item = items[number - 1]
                for step, index in steps:
                    item = item.items(step)[index]
                assert item.raw(tag) == raw
