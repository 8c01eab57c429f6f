from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scp.store import INSTANCES, QUARANTINE, NoRoom, Store, StoreProblem

ID = 925_000_000_000_000_000


def test_a_placed_part_is_whole_and_its_digest_is_of_the_data_set(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    part = store.begin(ID, b"head")
    part.write(b"first ")
    part.write(memoryview(b"second"))
    part.sync()
    place = store.place(part, INSTANCES)
    store.sync_directories([place])
    part.close()
    assert (store.root / place).read_bytes() == b"headfirst second"
    assert part.size == 12
    assert part.digest == hashlib.sha256(b"first second").hexdigest()
    assert list((store.root / "incoming").iterdir()) == []


@pytest.mark.parametrize("held_open", [True, False])
def test_a_part_that_another_thread_syncs_is_synced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_open: bool
) -> None:
    store = Store.open(tmp_path / "store")
    part = store.begin(ID, b"head")
    part.write(b"whole")
    if not held_open:
        part.close()
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink()))
    with ThreadPoolExecutor(1) as run:
        part.sync_soon(run)
        part.sync()
        part.close()
    assert synced == [store.root / f"incoming/{ID}.part"]


def test_what_went_wrong_in_the_other_thread_is_told_by_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path / "store")
    part = store.begin(ID, b"head")
    monkeypatch.setattr(os, "fsync", full)
    with ThreadPoolExecutor(1) as run:
        part.sync_soon(run)
        with pytest.raises(NoRoom):
            part.sync()
        part.discard()
    assert list((store.root / "incoming").iterdir()) == []


def full(_fd: int) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_one_sync_of_the_volume_stands_for_those_of_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path / "store", syncs_volume=True)
    parts = [store.begin(ID + number, b"head") for number in range(3)]
    places = [store.place(part, INSTANCES) for part in parts]
    synced: list[Path] = []
    monkeypatch.setattr("scp.store._sync_volume", synced.append)
    monkeypatch.setattr(os, "fsync", lambda _fd: pytest.fail("a file was synced by itself"))
    with ThreadPoolExecutor(1) as run:
        for part in parts:
            part.sync_soon(run)
            part.sync()
    store.sync_directories(places)
    store.sync_directories([])
    assert synced == [store.root]


def test_a_volume_can_be_synced(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store", syncs_volume=True)
    part = store.begin(ID, b"head")
    store.sync_directories([store.place(part, INSTANCES)])
    part.close()


def test_the_place_comes_from_the_id_alone(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    kind, day, minute, name = store.relative_path(ID, QUARANTINE).split("/")
    assert kind == "quarantine"
    assert len(day) == 10
    assert len(minute) == 5
    assert name == f"{ID}.dcm"


def test_what_is_taken_back_can_be_placed_elsewhere(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    part = store.begin(ID, b"")
    first = store.place(part, INSTANCES)
    store.take_back(part)
    assert not (store.root / first).exists()
    second = store.place(part, QUARANTINE)
    assert (store.root / second).exists()
    part.discard()
    assert not (store.root / second).exists()


def test_a_folder_that_was_cleared_away_is_made_again(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    first = store.begin(ID, b"")
    place = store.place(first, INSTANCES)
    first.discard()
    (store.root / place).parent.rmdir()
    second = store.begin(ID, b"")
    assert (store.root / store.place(second, INSTANCES)).exists()
    second.close()


def test_parts_of_an_earlier_run_are_swept(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    store.begin(ID, b"half").close()
    assert Store.open(tmp_path / "store").sweep() == 1
    assert list((store.root / "incoming").iterdir()) == []


def test_below_the_watermark_nothing_begins(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store", min_free=1 << 62)
    with pytest.raises(NoRoom):
        store.begin(ID, b"")
    assert list((store.root / "incoming").iterdir()) == []


def test_a_full_volume_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path / "store")

    def full(_fd: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NoRoom):
        store.begin(ID, b"head")
    assert list((store.root / "incoming").iterdir()) == []


def test_a_store_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with pytest.raises(StoreProblem, match=r"cannot be written") as caught:
        Store.open(tmp_path / "store")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
@pytest.mark.parametrize(("owner", "outcome"), [(65534, 0), (0, 7)])
def test_only_a_store_of_its_own_user_can_be_opened(owner: int, outcome: int) -> None:
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "store"
        folder.mkdir(mode=0o755)
        os.chown(folder, owner, owner)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                Store.open(folder)
            except StoreProblem:
                os._exit(7)
            os._exit(0)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == outcome


def test_a_folder_that_another_process_has_just_made_is_synced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store.open(tmp_path / "store"), Store.open(tmp_path / "store")
    other.place(other.begin(1 << 22, b""), "instances")
    synced: list[Path] = []
    monkeypatch.setattr("scp.store.sync_directory", synced.append)
    place = store.place(store.begin(2 << 22, b""), "instances")
    minute = (store.root / place).parent
    assert {minute.parent, minute.parent.parent, store.root} <= set(synced)
