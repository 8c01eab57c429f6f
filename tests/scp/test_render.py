"""`dicomgate render`: a frame as a picture, with real world values on a bar of colours."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from multi_frame import base
from PIL import Image
from pydicom import Dataset
from pydicom.uid import RLELossless

from rules.header import Header, read_part10
from scp.commands.render import render
from scp.maps.picture import _PAPER, Shades, _round_values, _shades, _ticks
from scp.maps.pixels import Undecodable, frames_of
from scp.maps.values import Code, Mapping, mappings, written

GRAY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def drawn(folder: Path, name: str, change: Callable[[Dataset], None] = lambda ds: None, *more: str) -> Result:
    dataset = deepcopy(base(name))
    change(dataset)
    dataset.save_as(folder / "in.dcm")
    return CliRunner().invoke(render, [str(folder / "in.dcm"), "-o", str(folder / "out.png"), *more])


def picture(folder: Path) -> np.ndarray:
    return np.asarray(Image.open(folder / "out.png").convert("RGB"))


def the_frame(folder: Path) -> np.ndarray:
    """The pixels of the frame in the picture, each once: it is enlarged by a whole number."""
    whole = picture(folder)
    columns = [n for n in range(24, whole.shape[1]) if tuple(whole[90, n]) == _PAPER]
    step = (columns[0] - 24) // 4
    return whole[88 + step // 2 : 88 + 4 * step : step, 24 + step // 2 : 24 + 4 * step : step]


def colors(ds: Dataset) -> None:
    """Make the map one of a colour range, with a palette of its own: black, red, and yellow to the end."""
    ds.PixelPresentation = "COLOR_RANGE"
    span = Dataset()
    span.MinimumStoredValueMapped, span.MaximumStoredValueMapped = 0.0, 1.0
    ds.SharedFunctionalGroupsSequence[0].StoredValueColorRangeSequence = [span]
    for color, entries in (("Red", (0, 65535, 65535)), ("Green", (0, 0, 65535)), ("Blue", (0, 0, 0))):
        ds.add_new(f"{color}PaletteColorLookupTableDescriptor", "US", [3, 0, 16])
        ds.add_new(f"{color}PaletteColorLookupTableData", "OW", np.array(entries, "<u2").tobytes())


def test_gray_follows_the_window(tmp_path: Path) -> None:
    assert drawn(tmp_path, "map", lambda ds: None, "--frame", "4").exit_code == 0
    frame = the_frame(tmp_path)
    # The window is from -0.5 to 1.5, the last frame holds 0 to 15/63.
    assert frame[0, 0].tolist() == [64, 64, 64]
    assert abs(int(frame[3, 3, 0]) - round((15 / 63 + 0.5) / 2 * 255)) <= 1
    assert (np.diff(frame[..., 0].astype(int).ravel()) >= 0).all()


def test_another_frame_is_another_picture(tmp_path: Path) -> None:
    drawn(tmp_path, "map")
    first = the_frame(tmp_path)
    assert drawn(tmp_path, "map", lambda ds: None, "--frame", "4").exit_code == 0
    assert (the_frame(tmp_path) < first).all()


def test_a_palette_of_the_instance_colours_the_range(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        colors(ds)
        ds.FloatPixelData = np.repeat(np.float32([0.0, 0.5, 1.0, 9.0]), 16).tobytes()

    found = []
    for number in ("1", "2", "3", "4"):
        assert drawn(tmp_path, "map", change, "--frame", number).exit_code == 0
        found.append(the_frame(tmp_path)[0, 0].tolist())
    assert found == [[0, 0, 0], [255, 0, 0], [255, 255, 0], [255, 255, 0]]


def test_a_well_known_palette_is_known_by_its_uid(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        colors(ds)
        for color in ("Red", "Green", "Blue"):
            del ds[f"{color}PaletteColorLookupTableDescriptor"], ds[f"{color}PaletteColorLookupTableData"]
        ds.PaletteColorLookupTableUID = "1.2.840.10008.1.5.1"
        ds.FloatPixelData = np.repeat(np.float32([0.25, 0.25, 0.25, 0.25]), 16).tobytes()

    assert drawn(tmp_path, "map", change).exit_code == 0
    red, green, blue = (int(each) for each in the_frame(tmp_path)[0, 0])
    assert red > 100  # Hot Iron
    assert green == blue == 0


def test_pixels_without_a_value_have_a_colour_of_their_own(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        pixels = np.frombuffer(ds.FloatPixelData, np.float32).copy()
        pixels[0] = np.nan
        ds.FloatPixelData = pixels.tobytes()

    assert drawn(tmp_path, "map", change).exit_code == 0
    frame = the_frame(tmp_path)
    assert len(set(frame[0, 0].tolist())) == 3
    assert len(set(frame[0, 1].tolist())) == 1


def test_pixels_are_as_high_as_they_are_in_the_patient(tmp_path: Path) -> None:
    drawn(tmp_path, "map")
    before = picture(tmp_path).shape
    drawn(tmp_path, "map", lambda ds: setattr(_measures(ds), "PixelSpacing", ["0.5", "1"]))
    assert picture(tmp_path).shape[0] < before[0]


def _measures(ds: Dataset) -> Dataset:
    item: Dataset = ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    return item


@pytest.mark.parametrize("name", ["segmentation", "enhanced MR", "enhanced US", "slide", "slide map"])
def test_any_frame_is_drawn(tmp_path: Path, name: str) -> None:
    assert drawn(tmp_path, name).exit_code == 0
    assert picture(tmp_path).size


def test_bits_are_found_in_the_middle_of_a_byte(tmp_path: Path) -> None:
    assert drawn(tmp_path, "segmentation", lambda ds: None, "--frame", "8").exit_code == 0
    header = _header(tmp_path)
    mask = frames_of(header, "").frame(1)
    assert mask.tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def test_compressed_pixels_are_drawn_where_there_is_a_decoder(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.PixelData = np.arange(64, dtype=np.uint16).tobytes()
        ds.Rows = ds.Columns = 4
        ds.compress(RLELossless)

    assert drawn(tmp_path, "enhanced MR", change, "--frame", "2").exit_code == 0
    assert frames_of(_header(tmp_path), str(tmp_path / "in.dcm")).frame(2)[0, 0] == 16


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: delattr(ds, "FloatPixelData"), "has no pixel data"),
        (lambda ds: setattr(ds, "FloatPixelData", ds.FloatPixelData[:8]), "has no whole frame 1"),
        (lambda ds: setattr(ds, "Rows", 0), "does not say how many rows"),
        (lambda ds: setattr(ds, "Rows", 65535) or setattr(ds, "Columns", 65535), "does not say how many rows"),
        (lambda ds: setattr(ds, "BitsAllocated", 12), "says a number of bits"),
    ],
)
def test_what_cannot_be_decoded_is_refused_politely(
    tmp_path: Path, change: Callable[[Dataset], None], said: str
) -> None:
    result = drawn(tmp_path, "map", change)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.startswith("dicomgate: ")
    assert not (tmp_path / "out.png").exists()


def test_a_frame_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = drawn(tmp_path, "map", lambda ds: None, "--frame", "5")
    assert (result.exit_code, "has 4 frames, and none is number 5" in result.output) == (2, True)


def test_what_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("no picture")
    result = CliRunner().invoke(render, [str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.png")])
    assert result.exit_code == 2


def test_garbage_in_a_codec_is_refused(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.PixelData = np.arange(64, dtype=np.uint16).tobytes()
        ds.Rows = ds.Columns = 4
        ds.compress(RLELossless)
        ds.PixelData = ds.PixelData[:20] + b"\xff" * (len(ds.PixelData) - 28) + ds.PixelData[-8:]

    assert drawn(tmp_path, "enhanced MR", change).exit_code == 2


def _header(folder: Path) -> Header:
    return read_part10((folder / "in.dcm").read_bytes())


def _mapping(**more: object) -> Mapping:
    values: dict[str, object] = {
        "label": "", "explanation": "", "units": None, "quantity": (), "first": 0.0, "last": 99.0,
        "slope": 0.5, "intercept": 10.0, "lut": (),
    }  # fmt: skip
    return Mapping(**(values | more))  # type: ignore[arg-type]


def test_ticks_are_round_real_values_where_their_stored_values_are() -> None:
    ticks = _ticks(Shades(0.0, 100.0, GRAY, _mapping(), ""))
    assert ticks == [(0.0, "10"), (20.0, "20"), (40.0, "30"), (60.0, "40"), (80.0, "50"), (100.0, "60")]


def test_ticks_of_a_falling_line_fall() -> None:
    ticks = _ticks(Shades(0.0, 100.0, GRAY, _mapping(slope=-1.0, intercept=0.0), ""))
    assert (ticks[0], ticks[-1]) == ((100.0, "-100"), (0.0, "0"))


def test_ticks_of_a_lookup_table_are_where_it_reaches_them() -> None:
    squares = tuple(float(n * n) for n in range(11))
    ticks = _ticks(Shades(0.0, 10.0, GRAY, _mapping(slope=None, intercept=None, lut=squares), ""))
    assert ticks == [(0.0, "0"), (5.0, "20"), (7.0, "40"), (8.0, "60"), (9.0, "80"), (10.0, "100")]


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 0.002, ["0", "0.0005", "0.0010", "0.0015", "0.0020"]),
        (0, 4000, ["0", "1000", "2000", "3000", "4000"]),
        (-1, 1, ["-1.0", "-0.5", "0", "0.5", "1.0"]),
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0, 2e-6, ["0", "5.00e-7", "1.00e-6", "1.50e-6", "2.00e-6"]),
    ],
)
def test_round_values_are_few_and_written_alike(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in _round_values(low, high)] == labels


@pytest.mark.parametrize(
    ("code", "seen"),
    [("mm2/s", "mm\u00b2/s"), ("{ratio}", "ratio"), ("1", ""), ("um2/ms", "\u00b5m\u00b2/ms"), ("10*6/ml", "10^6/ml")],
)
def test_units_are_written_as_people_write_them(code: str, seen: str) -> None:
    assert written(Code(code, "UCUM", "anything")) == seen


def test_a_window_that_shows_nothing_gives_way_to_the_values(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.SharedFunctionalGroupsSequence[0].FrameVOILUTSequence[0].WindowCenter = "5000"

    assert drawn(tmp_path, "map", change).exit_code == 0
    header = _header(tmp_path)
    values = frames_of(header, "").frame(4)
    shades = _shades(header, 4, values, np.ones(values.shape, bool))
    assert (shades.low, shades.high) == (values.min(), values.max())


def test_a_mapping_of_the_frame_comes_before_the_shared_one(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        groups = ds.PerFrameFunctionalGroupsSequence
        shared = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
        for number, frame in enumerate(groups):
            frame.RealWorldValueMappingSequence = deepcopy(shared)
            frame.RealWorldValueMappingSequence[0].RealWorldValueSlope = float(number)
        del ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence

    drawn(tmp_path, "map", change)
    assert [mappings(_header(tmp_path), number)[0].slope for number in (1, 2, 3, 4)] == [0.0, 1.0, 2.0, 3.0]


def test_a_frame_out_of_range_is_no_frame(tmp_path: Path) -> None:
    drawn(tmp_path, "map")
    with pytest.raises(Undecodable):
        frames_of(_header(tmp_path), "").frame(0)
