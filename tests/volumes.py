"""Volumes that a test can fill, or take the power from: ext4 on a file. They need root and a loop device."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import needs
import pytest

_SHUT_DOWN = 0x8004587D
"""FS_IOC_SHUTDOWN: the volume forgets all that is not on the disk, its own log included, and takes no more."""

_WITHOUT_LOG_FLUSH = struct.pack("I", 2)

PATIENCE = 20.0


class Volume:
    """An ext4 file system on a file, mounted at `path`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.path = folder / "volume"
        self._image = folder / "image"
        self.path.mkdir()
        with self._image.open("wb") as image:
            image.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", str(self._image))
        self._mount()

    def lose_power(self) -> None:
        """Drop what is not on the disk; every write from now on fails."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUT_DOWN, _WITHOUT_LOG_FLUSH)
        finally:
            os.close(fd)

    def fall_back(self) -> None:
        """Turn read-only under whoever writes to it, as a volume does whose disk gives errors."""
        _run("mount", "-o", "remount,errors=remount-ro", str(self.path))
        _run("mount", "-o", "remount,abort", str(self.path))

    def mount_again(self) -> None:
        """As the machine does when the power is back; what was killed may hold it for a moment yet."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                _run("umount", str(self.path))
                break
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._mount()

    def remove(self) -> None:
        """Unmount it, whoever still holds it, and take its file away."""
        subprocess.run(["umount", "-l", self.path], check=False, capture_output=True)
        self._image.unlink(missing_ok=True)

    def _mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.path))


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    """A volume of 512 MiB that can lose its power."""
    folder = tmp_path / "power"
    folder.mkdir()
    try:
        made = Volume(folder, 512)
    except (OSError, RuntimeError) as error:
        needs.missing(f"an ext4 volume on a loop device ({error})")
        raise
    try:
        yield made
    finally:
        made.remove()


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr.strip()}")
