"""Good senders: small CT instances, one after another, and what each was told."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter

import builders
import peers
from peers import Peer

STORED = (0x0000, 0xB007)


class Sender(threading.Thread):
    """Sends `count` instances over one Association, going on after failures; ends early where the node is gone."""

    def __init__(self, port: int, number: int, count: int, size: int = 20_000) -> None:
        super().__init__(name=f"sender-{number}", daemon=True)
        self.port, self.number, self.count, self.size = port, number, count, size
        self.statuses: Counter[int] = Counter()
        self.acknowledged: dict[str, str] = {}
        """SOP Instance UID to the digest of the Data Set, for what was answered as stored."""

    def run(self) -> None:
        try:
            with Peer(self.port, timeout=60) as peer:
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


def all_acknowledged(senders: list[Sender]) -> dict[str, str]:
    return {uid: digest for each in senders for uid, digest in each.acknowledged.items()}
