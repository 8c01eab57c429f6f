"""`dicomgate check --explain`: a map in words, each finding beside the line that it concerns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from builders import ct, part10
from click.testing import CliRunner, Result
from multi_frame import base
from pydicom import Dataset
from pydicom.uid import RLELossless

from scp.commands.check import check

PROGRAM = Path(sys.executable).parent / "dicomgate"


def explained(path: Path) -> Result:
    return CliRunner().invoke(check, ["--explain", str(path)])


def written(folder: Path, name: str, change: Callable[[Dataset], None] = lambda ds: None) -> Path:
    dataset = deepcopy(base(name))
    change(dataset)
    path = folder / "instance.dcm"
    dataset.save_as(path)
    return path


def said(output: str, label: str) -> str:
    """What is said on the line with this label."""
    (line,) = [line for line in output.splitlines() if line.strip().startswith(label)]
    return line.strip().removeprefix(label).strip()


def test_a_map_is_told_with_its_mapping_units_quantity_and_ranges(tmp_path: Path) -> None:
    told = explained(written(tmp_path, "map"))
    assert told.exit_code == 0
    assert said(told.output, "Frames") == "4 of 4 rows x 4 columns, 32-bit floating point, Explicit VR Little Endian"
    assert said(told.output, "Spacing").startswith("rows 1 mm, columns 1 mm apart")
    assert said(told.output, "Orientation") == "axial (1 0 0 0 1 0)"
    assert said(told.output, "Planes") == "4 in 4 frames, 2.5 mm apart, 7.5 mm from first to last"
    assert "Image Position Patient in Plane Position, 4 values (1 to 4)" in told.output
    assert said(told.output, "real value") == "stored, of stored 0 to 1"
    assert said(told.output, "quantity") == "Quantity: Apparent Diffusion Coefficient (113041, DCM)"
    assert said(told.output, "Stored values") == "0 to 1"
    assert said(told.output, "Real values") == "0 to 1"
    assert said(told.output, "frame 1").startswith("stored 0.761905 to 1, real 0.761905 to 1")


def test_real_values_follow_slope_intercept_and_what_has_no_value_is_counted(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        mapping = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = 2.0, -1.0
        mapping.MeasurementUnitsCodeSequence[0].CodeValue = "mm2/s"
        pixels = np.frombuffer(ds.FloatPixelData, np.float32).copy()
        pixels[:32] = np.nan
        ds.FloatPixelData = pixels.tobytes()

    told = explained(written(tmp_path, "map", change))
    assert said(told.output, "real value") == "2 x stored - 1, of stored 0 to 1"
    assert said(told.output, "Stored values").endswith("50 % of the pixels without a value")
    assert said(told.output, "Real values") == "-1 to -0.015873 mm\u00b2/s"


@pytest.mark.parametrize(
    ("keyword", "value", "label"),
    [
        ("ContentQualification", None, "Quality"),
        ("DimensionOrganizationType", "4D", "Organization"),
        ("PositionReferenceIndicator", None, "Frame of Reference"),
    ],
)
def test_a_finding_stands_under_the_line_it_concerns(tmp_path: Path, keyword: str, value: str, label: str) -> None:
    def change(ds: Dataset) -> None:
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)

    lines = explained(written(tmp_path, "map", change)).output.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.strip().startswith(label)]
    assert lines[at + 1].strip().startswith("^ ")
    assert keyword in lines[at + 1]


def test_the_findings_of_a_mapping_stand_with_it_and_make_exit_code_1(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        mapping = ds.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        mapping.MeasurementUnitsCodeSequence[0].CodeValue = "mm^2/s"
        del mapping.RealWorldValueSlope

    told = explained(written(tmp_path, "map", change))
    lines = [line.strip() for line in told.output.splitlines()]
    slope, units = (next(n for n, line in enumerate(lines) if line.startswith(each)) for each in ("real v", "units"))
    assert "RealWorldValueSlope is absent" in lines[slope + 1]
    assert "CodeValue is mm^2/s, which is no unit of UCUM" in lines[units + 1]
    assert told.exit_code == 1


def test_every_finding_is_told_once_whatever_it_concerns(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.PatientSex, ds.StudyDate = "X", "20200231"

    told = explained(written(tmp_path, "map", change)).output
    elsewhere = told[told.index("Elsewhere") :]
    assert elsewhere.count("PatientSex") == elsewhere.count("StudyDate") == 1


@pytest.mark.parametrize("name", ["segmentation", "enhanced MR", "enhanced US", "slide", "slide map"])
def test_any_multi_frame_instance_is_told_of(tmp_path: Path, name: str) -> None:
    told = explained(written(tmp_path, name))
    assert told.exit_code == 0
    assert "Frames" in told.output
    assert "Traceback" not in told.output


def test_segments_are_named_with_their_frames(tmp_path: Path) -> None:
    told = explained(written(tmp_path, "segmentation")).output
    assert said(told, "Segments") == "2, BINARY"
    assert "segment 2: Neoplasm (108369006, SCT)" in told


def test_compressed_pixels_are_decoded_for_their_range(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.PixelData = np.arange(64, dtype=np.uint16).tobytes()
        ds.Rows = ds.Columns = 4
        ds.compress(RLELossless)

    assert said(explained(written(tmp_path, "enhanced MR", change)).output, "Stored values") == "0 to 63"


def test_what_has_no_frames_is_refused_politely(tmp_path: Path) -> None:
    path = tmp_path / "ct.dcm"
    path.write_bytes(part10(ct()))
    told = explained(path)
    assert told.exit_code == 2
    assert told.output.strip().endswith("ct.dcm: is a CT Image without frames: there is nothing to explain")


def test_no_identity_of_the_patient_is_told(tmp_path: Path) -> None:
    def change(ds: Dataset) -> None:
        ds.PatientName, ds.PatientID = "Secret^Name", "SECRET7"

    assert "ecret" not in explained(written(tmp_path, "map", change)).output.lower()


def test_check_without_it_imports_neither_numpy_nor_pillow(tmp_path: Path) -> None:
    path = written(tmp_path, "map")
    code = (
        "import sys; from click.testing import CliRunner; from scp.commands.check import check; "
        f"CliRunner().invoke(check, [{str(path)!r}]); print(sorted({{'numpy', 'PIL', 'pydicom'}} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
