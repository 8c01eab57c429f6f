"""The Store transaction over HTTP: what is stored, refused and answered."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import peers
import posting
import pytest
from builders import ct, data_set
from peers import Peer
from posting import RELATED, STUDIES, file, multipart, post
from pydantic import ByteSize
from serving import Served, serving

from scp import service
from scp.devices import Allowed
from scp.settings import Audit, Settings, Store
from scp.storable import Storable
from scp.stow import Bounds, Client, Stored, StoreRequest

STRICT = """
http.max_request_size = "4 MiB"
http.max_instances = 100
http.idle_timeout = 2
dimse.max_instance_size = "1 MiB"
[[policy.line]]
rule = "value-not-enumerated"
then = "reject"
[[policy.line]]
rule = "value-syntax-date"
then = "quarantine"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("node"), more=STRICT) as served:
        yield served


_numbers = iter(range(1, 1_000_000))


def instance(**changes: object) -> dict[str, object]:
    """A sound CT image that was not sent before."""
    return ct(**{"SOPInstanceUID": f"1.2.8.{next(_numbers)}", **changes})


def test_instances_are_stored_and_referenced(node: Served) -> None:
    first, second = instance(), instance()
    answer = post(node.http_port, multipart([file(first), file(second)]))
    assert answer.code == 200
    items = answer.items("00081199")
    assert [each["00081155"]["Value"] for each in items] == [[first["SOPInstanceUID"]], [second["SOPInstanceUID"]]]
    root = f"http://127.0.0.1:{node.http_port}{STUDIES}/1.2.3.1000"
    assert answer.module["00081190"]["Value"] == [root]
    assert items[0]["00081190"]["Value"] == [f"{root}/series/1.2.3.1001/instances/{first['SOPInstanceUID']}"]
    assert "00081196" not in items[0]
    assert "warning" not in answer.headers
    ticket = items[0]["00091001"]["Value"][0]
    assert node.ask(f"select door, address, verdict from receipt where ticket = '{ticket}'") == [
        ("stow", "127.0.0.1", "accept")
    ]


@pytest.mark.parametrize(
    "content_type",
    [
        f'multipart/related; type="application/dicom"; boundary="{posting.BOUNDARY}"',
        f"multipart/related;boundary={posting.BOUNDARY}",
        f"Multipart/Related; boundary={posting.BOUNDARY}; Type=Application/DICOM; transfer-syntax=*",
    ],
)
def test_parameters_may_be_quoted_or_not(node: Served, content_type: str) -> None:
    assert post(node.http_port, multipart([file(instance())]), content_type).code == 200


def test_a_single_part_is_taken(node: Served) -> None:
    assert post(node.http_port, file(instance()), "application/dicom").code == 200


def test_a_body_may_come_in_chunks_of_any_size(node: Served) -> None:
    body = multipart([file(instance(PixelData=bytes(200_000))), file(instance())])
    answer = post(node.http_port, (body[at : at + 777] for at in range(0, len(body), 777)))
    assert answer.code == 200
    assert len(answer.items("00081199")) == 2


def test_the_same_instance_fares_alike_at_both_doors(node: Served) -> None:
    attributes = instance(PatientSex="X", BitsStored=20)
    data = data_set(attributes, peers.EXPLICIT)
    with Peer(node.port) as peer:
        peer.associate({1: (peers.CT, [peers.EXPLICIT])})
        status = peers.status(peer.store(peers.CT, str(attributes["SOPInstanceUID"]), data))
    answer = post(node.http_port, multipart([file(attributes)]))
    rows = node.ask(
        "select r.door, r.digest, r.verdict, r.status, f.rule, f.path, f.message from receipt r "
        "join finding f on f.receipt_id = r.id "
        f"where r.sop_instance_uid = '{attributes['SOPInstanceUID']}' order by r.id, f.number"
    )
    dimse, stow = ([row[1:] for row in rows if row[0] == door] for door in ("dimse", "stow"))
    assert dimse == stow
    assert dimse[0][0] == hashlib.sha256(data).hexdigest()
    assert (status, answer.items("00081198")[0]["00081197"]["Value"]) == (0xA900, [43264])


def test_what_is_flagged_has_a_warning_reason_and_a_header(node: Served) -> None:
    answer = post(node.http_port, multipart([file(instance(ImageType=["ORIGINAL", "SECOND", "AXIAL"]))]))
    assert answer.code == 202
    (item,) = answer.items("00081199")
    assert item["00081196"]["Value"] == [45063]
    ticket = item["00091001"]["Value"][0]
    assert f"#{ticket}" in answer.headers["warning"]
    assert answer.headers["warning"].startswith('299 dicomgate "image-type')
    assert item["00091002"]["Value"][0]["00091004"]["Value"] == ["ERROR"]


def test_what_is_quarantined_has_no_address(node: Served) -> None:
    answer = post(node.http_port, multipart([file(instance(StudyDate="20260231"))]))
    assert answer.code == 202
    (item,) = answer.items("00081199")
    assert item["00081190"] == {"vr": "UR"}
    assert item["00081196"]["Value"] == [45063]
    assert answer.module["00081190"] == {"vr": "UR"}


def test_what_is_rejected_has_failed(node: Served) -> None:
    sound, unsound = instance(), instance(PatientSex="X")
    answer = post(node.http_port, multipart([file(sound), file(unsound)]))
    assert answer.code == 202
    assert answer.items("00081199")[0]["00081155"]["Value"] == [sound["SOPInstanceUID"]]
    assert answer.items("00081198")[0]["00081197"]["Value"] == [43264]
    assert post(node.http_port, multipart([file(instance(PatientSex="X"))])).code == 409


def test_a_part_of_another_study_is_refused_whether_it_is_known_or_not(node: Served) -> None:
    attributes = instance()
    for _ in range(2):
        answer = post(node.http_port, multipart([file(attributes)]), path=f"{STUDIES}/1.2.999")
        assert answer.code == 409
        assert answer.items("00081198")[0]["00081197"]["Value"] == [43264]
        assert "study-mismatch" in answer.headers["warning"]
        assert post(node.http_port, multipart([file(attributes)]), path=f"{STUDIES}/1.2.3.1000").code == 200


def test_the_answer_is_xml_where_that_is_asked_for(node: Served) -> None:
    attributes = instance()
    answer = post(node.http_port, multipart([file(attributes)]), Accept="application/dicom+xml")
    assert answer.headers["content-type"] == "application/dicom+xml"
    root = ElementTree.fromstring(answer.body)
    found = root.find(".//DicomAttribute[@keyword='ReferencedSOPInstanceUID']/Value")
    assert found is not None
    assert found.text == attributes["SOPInstanceUID"]


def test_an_answer_that_cannot_be_given_is_refused(node: Served) -> None:
    assert post(node.http_port, multipart([file(instance())]), Accept="text/html").code == 406


SOUND = multipart([file(ct(SOPInstanceUID="1.2.9.1"))])


@pytest.mark.parametrize(
    ("body", "content_type", "code", "why"),
    [
        (SOUND, "multipart/related; type=application/dicom", 400, "no boundary"),
        (SOUND, "multipart/related; type=application/dicom; boundary=other", 400, "never comes"),
        (SOUND[:-200], RELATED, 400, "inside part 1"),
        (b"", RELATED, 400, "never comes"),
        (multipart([]), RELATED, 400, "no part"),
        (SOUND, "text/plain", 415, "text/plain"),
        (SOUND, "nonsense", 415, "Content-Type"),
        (multipart([b"x"], "text/plain"), RELATED, 415, "text/plain"),
        (multipart([SOUND], RELATED.replace(posting.BOUNDARY, "other")), RELATED, 415, "multipart/related"),
        (SOUND.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n", 1), RELATED, 400, "headers"),
        (multipart([b"tiny"] * 101), RELATED, 413, "more than 100 instances"),
        (multipart([b"x" * (5 << 20)]), RELATED, 413, "more than 4194304 bytes"),
    ],
)
def test_a_request_that_cannot_be_taken_keeps_nothing(
    node: Served, body: bytes, content_type: str, code: int, why: str
) -> None:
    before = node.held
    answer = post(node.http_port, body, content_type)
    assert (answer.code, why in answer.why) == (code, True), answer.why
    assert node.held == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", 49152),
        (b"no file of DICOM at all" * 100, 49152),
        (file(ct(SOPInstanceUID="1.2.9.2"))[:200], 49152),
    ],
)
def test_parts_that_are_no_files_are_other_failures(node: Served, content: bytes, reason: int) -> None:
    answer = post(node.http_port, multipart([content]))
    assert answer.code == 409
    assert answer.items("0008119A") == [{"00081197": {"vr": "US", "Value": [reason]}}]
    assert "00081199" not in answer.module


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (file(ct(SOPInstanceUID="1.2.9.3", PixelData=bytes(2_000_000))), 42754),
        (file(ct(SOPInstanceUID="1.2.9.4", SOPClassUID="1.2.3.4.5")), 290),
    ],
)
def test_instances_that_are_not_taken_say_why(node: Served, content: bytes, reason: int) -> None:
    before = node.held
    answer = post(node.http_port, multipart([content, file(instance())]))
    assert answer.code == 202
    assert answer.items("00081198")[0]["00081197"]["Value"] == [reason]
    assert node.held == before + 1


def test_many_are_answered_in_their_order_each_for_itself(node: Served) -> None:
    """More than stay open until the body is whole, and more than are committed at once."""
    many = [instance(PatientSex="X") if number % 30 == 7 else instance() for number in range(90)]
    files = [file(each) for each in many]
    files[40] = files[40][:200]
    before = node.held
    answer = post(node.http_port, multipart(files))
    assert answer.code == 202
    named = [str(each["SOPInstanceUID"]) for each in many]
    rejected = [each["00081155"]["Value"][0] for each in answer.items("00081198")]
    assert rejected == [named[7], named[37], named[67]]
    stored = [each["00081155"]["Value"][0] for each in answer.items("00081199")]
    assert stored == [each for each in named if each not in {*rejected, named[40]}]
    assert len(answer.items("0008119A")) == 1
    assert node.held == before + 89
    tickets = node.ask("SELECT sop_instance_uid FROM receipt WHERE sop_instance_uid LIKE '1.2.8.%' ORDER BY id")
    assert [uid for (uid,) in tickets if uid in named] == [each for each in named if each != named[40]]


def test_a_part_without_headers_is_of_the_type_of_the_whole(node: Served) -> None:
    body = b"--b\r\n\r\n" + file(instance()) + b"\r\n--b--"
    assert post(node.http_port, body, RELATED.replace(posting.BOUNDARY, "b")).code == 200


def test_a_request_that_breaks_off_keeps_nothing(node: Served) -> None:
    before = node.held
    body = multipart([file(instance()), file(instance())])
    with socket.create_connection(("127.0.0.1", node.http_port), 10) as client:
        head = f"POST {STUDIES} HTTP/1.1\r\nHost: x\r\nContent-Type: {RELATED}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body[:-10])
    assert post(node.http_port, multipart([file(instance())])).code == 200
    node.until_held(before + 1)


def test_a_client_that_dawdles_is_told_so(node: Served) -> None:
    with socket.create_connection(("127.0.0.1", node.http_port), 30) as client:
        head = f"POST {STUDIES} HTTP/1.1\r\nHost: x\r\nContent-Type: {RELATED}\r\nContent-Length: 1000\r\n\r\n"
        client.sendall(head.encode() + b"--")
        assert b" 408 " in client.recv(1000)


def test_the_rest_of_a_study_is_kept_apart_where_the_site_asks_for_it(tmp_path: Path) -> None:
    with serving(
        tmp_path, more=STRICT.replace("[[policy.line]]", "policy.study_safe = true\n[[policy.line]]", 1)
    ) as node:
        answer = post(node.http_port, multipart([file(instance(PatientSex="X")), file(instance())]))
        assert len(answer.items("00081198")) == 1
        assert answer.items("00081199")[0]["00081190"] == {"vr": "UR"}
        assert len(list((node.store / "quarantine").rglob("*.dcm"))) == 1


@pytest.mark.parametrize("slow", [False, True])
def test_on_a_slow_volume_other_threads_sync_while_the_body_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    settings = Settings(
        store=Store(path=tmp_path / "store", min_free=ByteSize(0)),
        audit=Audit(url=f"sqlite:///{tmp_path / 'audit.db'}"),
    )
    body = multipart([file(instance(PixelData=bytes(200_000))) for _ in range(5)])
    bounds = Bounds(1 << 30, 100, Storable.of(settings.dimse))
    client = Client("127.0.0.1", None, None, Allowed(None, None))
    fsync, synced = os.fsync, []
    with service.node(settings) as node, ThreadPoolExecutor(thread_name_prefix="other") as run:
        for _ in range(100):
            node.store.sync_took(0.1 if slow else 0.0001)
        assert node.store.syncs_slowly == slow
        request = StoreRequest(RELATED, client, None, bounds, node, run)
        monkeypatch.setattr(
            os, "fsync", lambda fd: (synced.append((named(fd), threading.current_thread().name)), fsync(fd))
        )
        request.feed(body)
        assert all(isinstance(each, Stored) for each in request.finish())
        monkeypatch.undo()
    others = [name.startswith("other") for path, name in synced if path.parts[-2] == "incoming"]
    assert sorted(others) == ([False, True, True, True, True] if slow else [False] * 5)


def named(fd: int) -> Path:
    return Path(f"/proc/self/fd/{fd}").readlink()
