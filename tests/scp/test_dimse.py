"""The DIMSE door from outside: real senders, and one made of bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import builders
import needs
import peers
import pydicom
import pytest
from peers import Peer
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless
from pynetdicom import AE
from serving import Served, serving

CT, MR = peers.CT, peers.MR
PRIVATE = "1.2.826.0.1.3680043.10.999.1"


@pytest.fixture(scope="module", params=["fast", "stock"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    more = f"""
dimse.receive_path = "{request.param}"
dimse.private_sop_classes = ["{PRIVATE}"]
"""
    with serving(tmp_path_factory.mktemp("node"), more=more) as served:
        yield served


def receipt(node: Served, uid: str) -> dict[str, Any]:
    """The newest receipt of an instance."""
    columns = "verdict, status, stored, repeat_of, ticket, size"
    found = node.ask(f"select {columns} from receipt where sop_instance_uid = '{uid}' order by id desc limit 1")
    assert found, f"no receipt of {uid}: {node.log}"
    return dict(zip(columns.split(", "), found[0], strict=True))


def implicit(**changes: object) -> bytes:
    """A sound CT's Data Set in Implicit VR Little Endian."""
    return builders.data_set(builders.ct(**changes), peers.IMPLICIT)


def test_a_sound_instance_is_stored_whole_and_answered_0000(node: Served) -> None:
    data = implicit(SOPInstanceUID="1.2.3.1")
    with Peer(node.port) as peer:
        assert peer.associate()[0] == peers.ACCEPT
        answer = peer.store(CT, "1.2.3.1", data)
        assert peer.release()[0] == peers.RELEASED
    assert peers.status(answer) == 0x0000
    assert (peers.comment(answer), peers.offending(answer)) == ("", [])
    kept = node.store / receipt(node, "1.2.3.1")["stored"]
    raw = kept.read_bytes()
    assert raw.endswith(data)
    read = pydicom.dcmread(BytesIO(raw))
    assert read.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert read.file_meta.MediaStorageSOPInstanceUID == "1.2.3.1"
    assert raw[:128] == b"\0" * 128


def test_an_instance_with_an_error_is_flagged_and_the_sender_is_told_which(node: Served) -> None:
    data = implicit(SOPInstanceUID="1.2.3.2", ImageType=["MIXED", "PRIMARY", "AXIAL"])
    with Peer(node.port) as peer:
        peer.associate()
        answer = peer.store(CT, "1.2.3.2", data)
    row = receipt(node, "1.2.3.2")
    assert peers.status(answer) == 0xB007
    assert peers.offending(answer) == [0x00080008]
    assert peers.comment(answer) == f"image-type-value-1 (0008,0008) #{row['ticket']}"
    assert (row["verdict"], row["status"]) == ("flag", 0xB007)
    assert (node.store / row["stored"]).exists()


def test_the_same_bytes_again_keep_nothing_and_answer_0000(node: Served) -> None:
    data = implicit(SOPInstanceUID="1.2.3.3")
    with Peer(node.port) as peer:
        peer.associate()
        peer.store(CT, "1.2.3.3", data)
        first = receipt(node, "1.2.3.3")
        assert peers.status(peer.store(CT, "1.2.3.3", data, message=2)) == 0x0000
    again = receipt(node, "1.2.3.3")
    assert again["repeat_of"] is not None
    assert again["stored"] is None
    assert (node.store / first["stored"]).exists()


def test_other_bytes_under_the_same_uid_keep_both_and_are_flagged(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        peer.store(CT, "1.2.3.4", implicit(SOPInstanceUID="1.2.3.4"))
        first = receipt(node, "1.2.3.4")
        before = (node.store / first["stored"]).read_bytes()
        answer = peer.store(CT, "1.2.3.4", implicit(SOPInstanceUID="1.2.3.4", InstanceNumber=7), message=2)
    assert peers.status(answer) == 0xB007
    assert peers.comment(answer).startswith("duplicate-different (0008,0018) #")
    second = receipt(node, "1.2.3.4")
    assert second["stored"] not in (None, first["stored"])
    assert (node.store / first["stored"]).read_bytes() == before


def test_another_transfer_syntax_under_the_same_uid_is_kept_too(node: Served) -> None:
    attributes = builders.ct(SOPInstanceUID="1.2.3.5")
    with Peer(node.port) as peer:
        peer.associate({1: (CT, [peers.IMPLICIT]), 3: (CT, [peers.EXPLICIT])})
        peer.store(CT, "1.2.3.5", builders.data_set(attributes, peers.IMPLICIT))
        answer = peer.store(CT, "1.2.3.5", builders.data_set(attributes, peers.EXPLICIT), context=3, message=2)
    assert peers.status(answer) == 0x0000
    row = receipt(node, "1.2.3.5")
    assert row["stored"] is not None
    found = node.ask(
        "select rule from finding join receipt on receipt.id = finding.receipt_id "
        f"where ticket = '{row['ticket']}' and rule like 'duplicate-%'",
    )
    assert found == [("duplicate-transcoded",)]


@pytest.mark.parametrize(("number", "uid"), list(enumerate(["1." + "2" * 68, "../../x", "1.02.3", "abc", "1.2."])))
def test_a_malformed_uid_gets_0117_and_nothing_is_kept(node: Served, number: int, uid: str) -> None:
    sound = f"1.2.3.6.{number}"
    before = sorted(each for each in node.store.rglob("*") if each.is_file())
    with Peer(node.port) as peer:
        peer.associate()
        assert peers.status(peer.store(CT, uid, implicit())) == 0x0117
        assert receipt(node, uid) | {"ticket": ""} == {
            "verdict": "reject", "status": 0x0117, "stored": None, "repeat_of": None, "ticket": "", "size": 0
        }  # fmt: skip
        assert peers.status(peer.store(CT, sound, implicit(SOPInstanceUID=sound), message=2)) == 0x0000
        stored = receipt(node, sound)["stored"]
    after = {each for each in node.store.rglob("*") if each.is_file()} - {node.store / stored}
    assert after - set(before) == set()


@pytest.mark.parametrize(
    ("number", "announced_class", "changes"),
    [
        (1, MR, {}),
        (2, CT, {"SOPClassUID": MR}),
        (3, CT, {"SOPInstanceUID": "1.2.3.999"}),
        (4, CT, {"SOPClassUID": None}),
    ],
    ids=["command-and-context", "class-of-the-data-set", "instance-of-the-data-set", "no-class-in-the-data-set"],
)
def test_an_instance_that_names_itself_wrongly_is_rejected(
    node: Served, number: int, announced_class: str, changes: dict[str, object]
) -> None:
    uid = f"1.2.3.7.{number}"
    with Peer(node.port) as peer:
        peer.associate()
        answer = peer.store(announced_class, uid, implicit(**{"SOPInstanceUID": uid, **changes}))
    assert peers.status(answer) == 0xA900
    row = receipt(node, uid)
    assert row["verdict"] == "reject"
    assert row["stored"].startswith("rejected/")
    assert b"PIXELS" not in (node.store / row["stored"]).read_bytes()


def test_a_truncated_data_set_is_quarantined_and_answered_c000_every_time(node: Served) -> None:
    data = implicit(SOPInstanceUID="1.2.3.8", PixelData=None, ImageComments="x" * 100)[:-50]
    with Peer(node.port) as peer:
        peer.associate()
        answer = peer.store(CT, "1.2.3.8", data)
        row = receipt(node, "1.2.3.8")
        again = peer.store(CT, "1.2.3.8", data, message=2)
    assert peers.status(answer) == 0xC000
    assert peers.comment(answer).startswith("undecodable ")
    assert row["verdict"] == "quarantine"
    assert (node.store / row["stored"]).read_bytes().endswith(data)
    assert peers.status(again) == 0xC000
    assert receipt(node, "1.2.3.8")["repeat_of"] is not None


def test_a_c_store_without_a_data_set_is_answered_and_the_association_lives(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        rq = peers.c_store_rq(CT, "1.2.3.9", data_set=False)
        peer.send(peers.p_data(peers.pdv(rq, 1, command=True, last=True)))
        assert peers.status(peer.response()) >= 0xA900
        assert peers.status(peer.store(CT, "1.2.3.10", implicit(SOPInstanceUID="1.2.3.10"), message=2)) == 0x0000


def test_pipelined_requests_are_each_answered_in_order(node: Served) -> None:
    with Peer(node.port) as peer:
        peer.associate()
        for number in range(20):
            uid = f"1.2.3.11.{number + 1}"
            peer.send(
                peers.p_data(peers.pdv(peers.c_store_rq(CT, uid, number + 1), 1, command=True, last=True))
                + peers.p_data(peers.pdv(implicit(SOPInstanceUID=uid), 1, command=False, last=True))
            )
        answers = [peer.response() for _ in range(20)]
    assert [int.from_bytes(each[0x00000120], "little") for each in answers] == list(range(1, 21))
    assert {peers.status(each) for each in answers} == {0}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_fragments_may_be_of_any_size_and_pdus_split_anywhere(node: Served, size: int) -> None:
    uid = f"1.2.3.16.{size}"
    data = implicit(SOPInstanceUID=uid, PixelData=bytes(3000))
    command = peers.c_store_rq(CT, uid)
    pieces = [peers.pdv(command[:9], 1, command=True, last=False), peers.pdv(command[9:], 1, command=True, last=True)]
    pieces += [
        peers.pdv(data[at : at + size], 1, command=False, last=at + size >= len(data))
        for at in range(0, len(data), size)
    ]
    stream = b"".join(peers.p_data(*pieces[at : at + 3]) for at in range(0, len(pieces), 3))
    with Peer(node.port) as peer:
        peer.associate()
        for at in range(0, len(stream), 1777):
            peer.send(stream[at : at + 1777])
        assert peers.status(peer.response()) == 0x0000
        assert peer.release()[0] == peers.RELEASED
    assert (node.store / receipt(node, uid)["stored"]).read_bytes().endswith(data)


def test_echoes_between_stores_are_answered(node: Served) -> None:
    contexts = {1: (CT, [peers.IMPLICIT]), 3: (peers.VERIFICATION, [peers.IMPLICIT])}
    with Peer(node.port) as peer:
        peer.associate(contexts)
        for number in range(5):
            uid = f"1.2.3.17.{number + 1}"
            assert peers.status(peer.store(CT, uid, implicit(SOPInstanceUID=uid), message=number + 1)) == 0x0000
            peer.send(peers.p_data(peers.pdv(peers.c_echo_rq(100 + number), 3, command=True, last=True)))
            echo = peer.response()
            assert peers.status(echo) == 0x0000
            assert int.from_bytes(echo[0x00000120], "little") == 100 + number
        assert peer.release()[0] == peers.RELEASED


@pytest.mark.parametrize("syntax", [peers.IMPLICIT, peers.EXPLICIT, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_each_encoding_is_kept_as_it_came(node: Served, syntax: str) -> None:
    uid = f"1.2.3.18.{syntax.count('.')}{syntax[-1]}"
    data = builders.data_set(builders.ct(SOPInstanceUID=uid), syntax)
    with Peer(node.port) as peer:
        peer.associate({1: (CT, [syntax])})
        assert peers.status(peer.store(CT, uid, data)) == 0x0000
    kept = (node.store / receipt(node, uid)["stored"]).read_bytes()
    assert kept.endswith(data)
    assert pydicom.dcmread(BytesIO(kept)).file_meta.TransferSyntaxUID == syntax


def test_an_instance_larger_than_any_buffer_is_kept_whole(node: Served) -> None:
    pixels = bytes(range(256)) * 12_000
    data = implicit(SOPInstanceUID="1.2.3.19", PixelData=pixels)
    with Peer(node.port) as peer:
        peer.associate()
        peer.send(peers.p_data(peers.pdv(peers.c_store_rq(CT, "1.2.3.19"), 1, command=True, last=True)))
        for at in range(0, len(data), 130_000):
            last = at + 130_000 >= len(data)
            peer.send(peers.p_data(peers.pdv(data[at : at + 130_000], 1, command=False, last=last)))
        assert peers.status(peer.response()) == 0x0000
    row = receipt(node, "1.2.3.19")
    assert row["size"] == len(data)
    assert (node.store / row["stored"]).read_bytes().endswith(data)


def test_the_senders_first_transfer_syntax_is_taken(node: Served) -> None:
    ae = AE("SENDER")
    for preferred in (JPEG2000Lossless, ExplicitVRBigEndian, ImplicitVRLittleEndian, "1.2.840.10008.1.2.4.112"):
        ae.requested_contexts = []
        ae.add_requested_context(CT, [preferred, ExplicitVRLittleEndian, ImplicitVRLittleEndian])
        association = ae.associate("127.0.0.1", node.port)
        assert association.is_established
        assert association.accepted_contexts[0].transfer_syntax == [preferred]
        association.release()


def test_every_storable_sop_class_is_accepted_and_no_other(node: Served) -> None:
    from rules.iods import never_stored, storage_sop_classes

    stored = [*sorted(set(storage_sop_classes()) - never_stored()), PRIVATE]
    refused = [*sorted(never_stored()), "1.2.3.4.5", "1.2.840.10008.5.1.4.1.2.1.1"]
    ae = AE("SENDER")
    accepted: set[str] = set()
    for start in range(0, len(stored) + len(refused), 100):
        ae.requested_contexts = []
        for uid in [*stored, *refused][start : start + 100]:
            ae.add_requested_context(uid)
        association = ae.associate("127.0.0.1", node.port)
        accepted |= {str(each.abstract_syntax) for each in association.accepted_contexts}
        association.release()
    assert accepted == set(stored)


def test_unknown_sop_classes_are_taken_where_the_site_says_so(tmp_path: Path) -> None:
    unknown = "1.2.3.4.5.6"
    with serving(tmp_path, more="dimse.accept_unknown_sop_classes = true") as node, Peer(node.port) as peer:
        kind, _ = peer.associate({1: (unknown, [peers.IMPLICIT]), 3: ("1.2.840.10008.5.1.4.1.2.1.1", [peers.IMPLICIT])})
        assert kind == peers.ACCEPT
        data = implicit(SOPClassUID=unknown, SOPInstanceUID="1.2.3.12")
        assert peers.status(peer.store(unknown, "1.2.3.12", data)) in (0x0000, 0xB007)
        assert receipt(node, "1.2.3.12")["stored"].startswith("instances/")
        assert node.ask("select contexts_refused from association limit 1") != [("",)]


def test_a_called_title_is_asked_for_where_the_site_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, more="dimse.require_called_ae = true") as node:
        with Peer(node.port) as peer:
            peer.send(peers.associate_rq({1: (CT, [peers.IMPLICIT])}, called="OTHER"))
            kind, body = peer.receive()
        assert (kind, tuple(body[1:4])) == (peers.REJECT, (1, 1, 7))
        with Peer(node.port) as peer:
            assert peer.associate()[0] == peers.ACCEPT
            peer.release()
        refused = node.eventually("select called_ae, refusal from association where refusal is not null")
        assert refused[0][0] == "OTHER"


def test_policies_reject_and_quarantine(tmp_path: Path) -> None:
    policy = """
[[policy.line]]
rule = "image-type-*"
severity = "error"
then = "reject"

[[policy.line]]
rule = "image-type-*"
severity = "warning"
then = "quarantine"
"""
    with serving(tmp_path, more=policy) as node, Peer(node.port) as peer:
        peer.associate()
        bad = implicit(SOPInstanceUID="1.2.3.13", ImageType=["MIXED", "PRIMARY", "AXIAL"])
        answer = peer.store(CT, "1.2.3.13", bad)
        assert peers.status(answer) == 0xA900
        assert peers.offending(answer) == [0x00080008]
        kept = (node.store / receipt(node, "1.2.3.13")["stored"]).read_bytes()
        assert b"PIXELS" not in kept
        assert pydicom.dcmread(BytesIO(kept)).ImageType == ["MIXED", "PRIMARY", "AXIAL"]
        assert peers.status(peer.store(CT, "1.2.3.13", bad, message=4)) == 0xA900
        assert receipt(node, "1.2.3.13")["repeat_of"] is None
        odd = implicit(SOPInstanceUID="1.2.3.14", ImageType=["ORIGINAL", "PRIMARY", "HELIX"])
        assert peers.status(peer.store(CT, "1.2.3.14", odd, message=2)) == 0xB007
        assert receipt(node, "1.2.3.14")["stored"].startswith("quarantine/")
        assert peers.status(peer.store(CT, "1.2.3.14", odd, message=3)) == 0xB007
        assert receipt(node, "1.2.3.14")["repeat_of"] is not None


def test_echo_by_dcmtk_is_answered_and_recorded(node: Served) -> None:
    run = subprocess.run(
        [needs.tool("echoscu"), "-aet", "ECHOER", "127.0.0.1", str(node.port)], capture_output=True, check=False
    )
    assert run.returncode == 0, run.stderr
    ended = "from association where calling_ae = 'ECHOER' and closed_at is not null"
    assert node.eventually(f"select echoes, ending {ended}") == [(1, "released")]


@pytest.mark.parametrize("sender", ["storescu", "dcmsend"])
def test_dcmtk_stores(node: Served, sender: str, tmp_path: Path) -> None:
    for number in range(3):
        uid = f"1.2.3.15.{1 + (sender == 'dcmsend')}.{number + 1}"
        (tmp_path / f"{number}.dcm").write_bytes(builders.part10(builders.ct(SOPInstanceUID=uid)))
    words = [needs.tool(sender), "-v", "-aet", sender.upper(), "127.0.0.1", str(node.port)]
    files = [str(each) for each in sorted(tmp_path.glob("*.dcm"))]
    run = subprocess.run([*words, *files], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert node.ask(f"select count(*) from receipt where calling_ae = '{sender.upper()}'") == [(3,)]
