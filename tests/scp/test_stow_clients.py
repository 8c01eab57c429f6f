"""Clients that nobody here wrote store over HTTP: Python's and npm's dicomweb-client, dcmjs, curl."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import needs
import pydicom
import pytest
from builders import ct
from dicomweb_client.api import DICOMwebClient
from posting import STUDIES, file
from serving import Served, serving

CLIENTS = Path(__file__).parents[1] / "clients"
PAGE = Path(__file__).parents[2] / "docs" / "dicomweb.md"
_numbers = iter(range(1, 1_000_000))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("node")) as served:
        yield served


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two sound instances that were not sent before, one with a preamble and boundary-like bytes."""
    made = []
    for pixels in (bytes(32), b"\r\n--boundary\r\n--" + bytes(16)):
        path = tmp_path / f"{len(made)}.dcm"
        path.write_bytes(file(ct(SOPInstanceUID=f"1.2.12.{next(_numbers)}", PixelData=pixels)))
        made.append(path)
    return made


def digests(node: Served, uids: list[str]) -> dict[str, bytes]:
    """The Data Set of each instance as it is kept."""
    names = ", ".join(f"'{each}'" for each in uids)
    rows = node.ask(
        f"select sop_instance_uid, stored from receipt where door = 'stow' and sop_instance_uid in ({names})"
    )
    return {uid: data_set((node.store / stored).read_bytes()) for uid, stored in rows}


def data_set(part10: bytes) -> bytes:
    return part10[144 + int.from_bytes(part10[140:144], "little") :]


def uid_of(path: Path) -> str:
    return str(pydicom.dcmread(path).SOPInstanceUID)


def run_node(script: str, *words: object) -> str:
    program = needs.tool("node")
    if not (CLIENTS / "node_modules").is_dir():
        needs.missing("the npm packages of tests/clients (npm install there)")
    done = subprocess.run(
        [program, CLIENTS / script, *map(str, words)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout, done.stderr
    return done.stdout


def test_dicomweb_client_of_python(node: Served, files: list[Path]) -> None:
    client = DICOMwebClient(f"http://127.0.0.1:{node.http_port}/dicom-web")
    answer = client.store_instances([pydicom.dcmread(each) for each in files])
    stored = [str(each.ReferencedSOPInstanceUID) for each in answer.ReferencedSOPSequence]
    assert stored == [uid_of(each) for each in files]
    assert "FailedSOPSequence" not in answer
    study = client.store_instances([pydicom.dcmread(files[0])], study_instance_uid="1.2.3.1000")
    assert len(study.ReferencedSOPSequence) == 1


def test_dicomweb_client_of_npm(node: Served, files: list[Path]) -> None:
    run_node("store_dicomweb_client.mjs", f"http://127.0.0.1:{node.http_port}/dicom-web", "--", *files)
    kept = digests(node, [uid_of(each) for each in files])
    assert kept == {uid_of(each): data_set(each.read_bytes()) for each in files}


def test_dcmjs(node: Served, files: list[Path]) -> None:
    uid = f"1.2.12.{next(_numbers)}"
    answer: dict[str, Any] = json.loads(
        run_node("store_dcmjs.mjs", f"http://127.0.0.1:{node.http_port}{STUDIES}", uid, files[0])
    )
    assert answer["status"] == 200, answer
    assert answer["body"]["00081199"]["Value"][0]["00081155"]["Value"] == [uid]


@pytest.mark.parametrize("example", re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_the_examples_of_the_page_work(node: Served, files: list[Path], tmp_path: Path, example: str) -> None:
    needs.tool("curl")
    (tmp_path / "one.dcm").write_bytes(files[0].read_bytes())
    (tmp_path / "two.dcm").write_bytes(files[1].read_bytes())
    model = pydicom.dcmread(io.BytesIO(files[1].read_bytes())).to_json_dict()
    model["7FE00010"] = {"vr": "OW", "BulkDataURI": "pixels"}
    (tmp_path / "metadata.json").write_text(json.dumps([model]))
    (tmp_path / "pixels.raw").write_bytes(bytes(32))
    said = example.replace("http://127.0.0.1:8088", f"http://127.0.0.1:{node.http_port}")
    script = f"set -e\ndicomgate() {{ echo dg_x; }}\n{said}"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"00081199"' in done.stdout or "ReferencedSOPSequence" in done.stdout, done.stdout
    assert '"00081198"' not in done.stdout
