"""However large an instance is, looking at it takes little memory: a mapped file's pages count as much as any."""

from __future__ import annotations

from pathlib import Path
from struct import pack

import builders
import pytest

from rules.engine import check, load_rules
from rules.header import read_header
from scp.file_meta import file_meta
from scp.ids import number_of
from scp.store import Part, Store

JPEG = "1.2.840.10008.1.2.4.50"
CT = "1.2.840.10008.5.1.4.1.1.2"
FRAGMENT = 50_000
FRAGMENTS = 3_000
MOST = 16 * 1024
"""KiB that the file's pages may take."""

ID = 7 << 12


@pytest.fixture
def part(tmp_path: Path) -> Part:
    """150 MB of encapsulated pixel data on their way into the store."""
    part = Store.open(tmp_path / "store").begin(ID, file_meta(CT, "1.2.3.4", JPEG, "CT", "GATE"))
    part.write(builders.data_set(builders.ct(PixelData=None, NumberOfFrames=str(FRAGMENTS))))
    part.write(pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + pack("<HHI", 0xFFFE, 0xE000, 0))
    for _ in range(FRAGMENTS):
        part.write(pack("<HHI", 0xFFFE, 0xE000, FRAGMENT) + b"\xff\xd8" + bytes(FRAGMENT - 2))
    part.write(pack("<HHI", 0xFFFE, 0xE0DD, 0))
    return part


def file_pages() -> int:
    """KiB of mapped files that count as this process's memory."""
    return int(Path("/proc/self/status").read_text().split("RssFile:")[1].split()[0])


def test_walking_fragments_does_not_bring_the_file_into_memory(part: Part) -> None:
    before, peaks = file_pages(), []

    def forget(offset: int) -> None:
        peaks.append(file_pages() - before)
        part.forget(offset)

    with part.mapped() as view:
        header = read_header(view, JPEG, forget=forget)
        assert header.source.pixels[0].fragments == FRAGMENTS
        check(header, load_rules())
        peaks.append(file_pages() - before)
        assert bytes(view[-8:]) == pack("<HHI", 0xFFFE, 0xE0DD, 0), "what was forgotten is still there"
        header.release()
    part.discard()
    assert len(peaks) > 2 * FRAGMENT * FRAGMENTS // (1 << 23)
    assert max(peaks) < MOST


def test_taking_up_a_whole_file_again_does_not_either(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, path = part.digest, Path(part.path)
    before, peaks, forget = file_pages(), [], Part.forget

    def watched(self: Part, offset: int) -> None:
        peaks.append(file_pages() - before)
        forget(self, offset)

    monkeypatch.setattr(Part, "forget", watched)
    again = part.store.adopt(ID, path, len(file_meta(CT, "1.2.3.4", JPEG, "CT", "GATE")))
    assert again.digest == digest
    assert max(peaks) < MOST
    part.discard()
    again.close()


def test_a_sweep_after_a_death_takes_what_the_dead_left_alone(part: Part) -> None:
    assert number_of(ID) == 7
    assert part.store.sweep({6, 8}) == 0
    assert Path(part.path).exists()
    assert part.store.sweep({7}) == 1
    assert not Path(part.path).exists()
    part.close()
