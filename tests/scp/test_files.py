"""Of large files the pixel data are not read, and what is found is what would be found with them."""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ct, data_set, part10
from maps import parametric_map

import scp.files
from rules.encode import UNDEFINED_LENGTHS, Element
from scp.examine import Bench, Examined, Outcome, examine, make_bench
from scp.files import HEAD, Candidate, all_but_pixels, contents

BASELINE, DEFLATED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1.99"
NATIVE = part10(ct(PixelData=b"PIXELS" * 100))
HIDING = b"OW\0\0\4\0\0\0abcd\xe0\x7f\x10\0OW\0\0" + (len(NATIVE) - 600).to_bytes(4, "little") + b"x" * 300
"""The value of an element of unknown VR that looks like Pixel Data, were that VR one of a 16-bit length."""
JPEG = [b"", b"\xff\xd8" + b"x" * 300 + b"\xff\xd9"]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return make_bench()


def put(folder: Path, data: bytes) -> str:
    path = folder / "a.dcm"
    path.write_bytes(data)
    return str(path)


def test_of_a_large_file_only_what_stands_around_its_pixel_data_is_read(tmp_path: Path) -> None:
    whole = part10(ct(PixelData=b"\1\2" * 600_000, DataSetTrailingPadding=b"behind"))
    with all_but_pixels(put(tmp_path, whole)) as data:
        assert len(data) == len(whole)
        assert data[:HEAD] == whole[:HEAD]
        assert not bytes(data[HEAD:-100]).strip(b"\0")
        assert data[-18:] == whole[-18:]
        assert whole.endswith(b"behind")


@pytest.mark.parametrize(
    "data",
    [
        NATIVE,
        part10(ct(PixelData=b"PIXELS" * 100, DataSetTrailingPadding=bytes(300))),
        part10(ct(PixelData=b"PIXELS" * 10, DigitalSignaturesSequence=[{"MACIDNumber": 1}] * 20)),
        part10(ct(PixelData=b"PIXELS" * 100, KVP=Element("XX", b"120 "))),
        part10(ct(PixelData=b"PIXELS" * 100, KVP=Element("UN", HIDING))).replace(b"UN\0\0", b"XX\0\0"),
        part10(ct(PixelData=b"PIXELS" * 100, Rows=9)),
        NATIVE[:-100],
        NATIVE[132:],
        NATIVE + b"left",
        data_set(ct(PixelData=b"PIXELS" * 100)),
        part10(ct(PixelData=Element("OB", JPEG, fragments=True)), BASELINE),
        part10(ct(PixelData=Element("OB", JPEG, fragments=True), DataSetTrailingPadding=bytes(99)), BASELINE),
        part10(ct(PixelData=b"PIXELS" * 100), DEFLATED),
        part10(ct(PixelData=None, EncapsulatedDocument=bytes(400))),
        part10(parametric_map(FloatPixelData=bytes(400))),
        part10(parametric_map(FloatPixelData=bytes(400), PixelData=b"PIXELS" * 60)),
    ],
    ids=[
        "native",
        "padded",
        "signed",
        "unknown VR",
        "unknown VR with pixels",
        "wrong length",
        "cut",
        "no preamble",
        "bytes left",
        "bare",
        "encapsulated",
        "encapsulated and padded",
        "deflated",
        "no pixels",
        "floating",
        "two kinds",
    ],
)
def test_the_same_is_found_wherever_what_is_read_ends(
    data: bytes, tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = Candidate(put(tmp_path, data), walked=False)
    wanted = _but_for_time(examine(candidate, bench))
    assert isinstance(wanted, Examined)
    monkeypatch.setattr(scp.files, "WORTH_IT", 0)
    for head in range(1, len(data) + 13, 13):
        monkeypatch.setattr(scp.files, "HEAD", head)
        assert _but_for_time(examine(candidate, bench)) == wanted, head


def _but_for_time(outcome: Outcome) -> Outcome:
    return replace(outcome, elapsed_ms=0) if isinstance(outcome, Examined) else outcome


def test_a_file_that_is_cut_short_while_it_is_checked_does_no_harm(tmp_path: Path) -> None:
    path = put(tmp_path, part10(ct(Rows=4096, Columns=5120, PixelData=bytes(40 << 20))))
    with all_but_pixels(path) as data:
        assert not isinstance(data, bytes)
        os.truncate(path, 0)
        assert not bytes(data[HEAD:]).strip(b"\0")


def test_what_was_read_is_free_without_the_garbage_collector(tmp_path: Path) -> None:
    nested = ct(PixelData=bytes(1_200_000), ProcedureCodeSequence=[{"CodeValue": "1"}])
    path = put(tmp_path, part10(nested, layout=UNDEFINED_LENGTHS))
    gc.collect()
    gc.disable()
    try:
        with all_but_pixels(path) as data:
            assert not isinstance(data, bytes)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_pixel_data_are_read_by_those_who_want_them(tmp_path: Path) -> None:
    whole = part10(ct(PixelData=b"\1\2" * 500_000))
    with contents(put(tmp_path, whole)) as data:
        assert data == whole
