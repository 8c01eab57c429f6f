"""Good senders at both doors: CT instances, one after another, and what each was told."""

from __future__ import annotations

import hashlib
import http.client
import threading
from collections import Counter

import builders
import peers
import posting
from peers import Peer

STORED = (0x0000, 0xB007)


class Sender(threading.Thread):
    """Sends `count` instances over one Association, going on after failures; ends early where the node is gone."""

    def __init__(self, port: int, number: int, count: int, size: int = 20_000, source: str | None = None) -> None:
        super().__init__(name=f"sender-{number}", daemon=True)
        self.source = source
        self.port, self.number, self.count, self.size = port, number, count, size
        self.statuses: Counter[int] = Counter()
        self.acknowledged: dict[str, str] = {}
        """SOP Instance UID to the digest of the Data Set, for what was answered as stored."""

    def run(self) -> None:
        try:
            with Peer(self.port, timeout=60, source=self.source) as peer:
                peer.associate(calling=f"SENDER{self.number}")
                for index in range(self.count):
                    self._send(peer, index)
                peer.release()
        except (OSError, AssertionError):
            return

    def _send(self, peer: Peer, index: int) -> None:
        uid = f"1.2.7.{self.number + 1}.{index + 1}"
        data = builders.data_set(builders.ct(SOPInstanceUID=uid, PixelData=bytes(self.size)), peers.IMPLICIT)
        status = peers.status(peer.store(peers.CT, uid, data, message=index % 60_000 + 1))
        self.statuses[status] += 1
        if status in STORED:
            self.acknowledged[uid] = hashlib.sha256(data).hexdigest()


class Poster(Sender):
    """The same over HTTP: up to four instances a request."""

    def run(self) -> None:
        sent = 0
        while sent < self.count:
            batch = range(sent, min(sent + sent % 4 + 1, self.count))
            made = {f"1.2.6.{self.number + 1}.{index + 1}": self._data(index) for index in batch}
            sent += len(made)
            try:
                answer = posting.post(self.port, posting.multipart(each[1] for each in made.values()))
            except (OSError, http.client.HTTPException):
                return
            for item in answer.items("00081199") if answer.code in (200, 202) else []:
                (uid,) = item["00081155"]["Value"]
                self.acknowledged[uid] = hashlib.sha256(made[uid][0]).hexdigest()

    def _data(self, index: int) -> tuple[bytes, bytes]:
        """The Data Set of an instance, and its file."""
        uid = f"1.2.6.{self.number + 1}.{index + 1}"
        attributes = builders.ct(SOPInstanceUID=uid, PixelData=bytes(self.size))
        return builders.data_set(attributes), posting.file(attributes)


def all_acknowledged(senders: list[Sender]) -> dict[str, str]:
    return {uid: digest for each in senders for uid, digest in each.acknowledged.items()}
