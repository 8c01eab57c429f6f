"""With `policy.study_safe` the rest of a study is kept apart after a rejection, so that senders do not stop."""

from __future__ import annotations

from pathlib import Path

import builders
import peers
import pytest
from peers import Peer
from serving import Served, serving

REJECTING = """
[policy]
study_safe = true
[[policy.line]]
then = "reject"
rule = "image-type-*"
"""
GOOD, BAD = "ORIGINAL\\PRIMARY\\AXIAL", "SIDEWAYS\\PRIMARY\\AXIAL"
STORED, APART, REFUSED = 0x0000, 0xB007, 0xA900


def sent(node: Served, *instances: tuple[str, str]) -> list[int]:
    """The statuses of CT instances, each of a study and with an Image Type, over one Association."""
    sent.count += 1  # type: ignore[attr-defined]
    with Peer(node.port) as peer:
        peer.associate()
        found = []
        for number, (study, image_type) in enumerate(instances, 1):
            uid = f"1.2.9.{sent.count}.{number}"  # type: ignore[attr-defined]
            made = builders.ct(SOPInstanceUID=uid, StudyInstanceUID=study, ImageType=image_type)
            found.append(peers.status(peer.store(peers.CT, uid, builders.data_set(made, peers.IMPLICIT))))
        peer.release()
    return found


sent.count = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["fast", "stock"])
def test_the_rest_of_a_study_is_quarantined_after_a_rejection(tmp_path: Path, path: str) -> None:
    with serving(tmp_path, more=f'dimse.receive_path = "{path}"\n{REJECTING}') as node:
        first = [("1.2.3", GOOD), ("1.2.3", BAD), ("1.2.3", BAD), ("1.2.3", GOOD), ("1.2.4", GOOD)]
        assert sent(node, *first) == [STORED, REFUSED, APART, APART, STORED]
        rows = node.ask("select verdict, stored from receipt order by id")
        assert [verdict for verdict, _ in rows] == ["accept", "reject", "quarantine", "quarantine", "accept"]
        assert [stored.split("/")[0] for _, stored in rows] == [
            "instances",
            "rejected",
            "quarantine",
            "quarantine",
            "instances",
        ]
        found = node.ask(
            "select rule, wanted_action, action from finding where rule like 'image-type-value%' order by receipt_id"
        )
        assert found[1:] == [("image-type-value-1", "reject", "quarantine")]
        assert sent(node, ("1.2.3", GOOD)) == [STORED], "another Association starts anew"


def test_without_the_setting_each_instance_stands_for_itself(tmp_path: Path) -> None:
    with serving(tmp_path, more=REJECTING.replace("true", "false")) as node:
        assert sent(node, ("1.2.3", BAD), ("1.2.3", BAD), ("1.2.3", GOOD)) == [REFUSED, REFUSED, STORED]


def test_what_is_not_what_it_was_announced_as_is_rejected_all_the_same(tmp_path: Path) -> None:
    with serving(tmp_path, more=REJECTING) as node, Peer(node.port) as peer:
        peer.associate()
        bad = builders.data_set(builders.ct(SOPInstanceUID="1.2.8.1", ImageType=BAD), peers.IMPLICIT)
        for uid in ("1.2.8.1", "1.2.8.2"):
            assert peers.status(peer.store(peers.CT, uid, bad)) == REFUSED
        peer.release()
