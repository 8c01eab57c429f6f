"""Who may send: what a device binds together, first by itself, then at both doors of a node."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import builders
import peers
import posting
import pytest
from certificates import Authority
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from peers import IMPLICIT, Peer
from serving import Served, serving

from scp.admission import CALLED_AE_NOT_RECOGNIZED, CALLING_AE_NOT_RECOGNIZED, Refusal
from scp.certificates import certificate_of, validities
from scp.config import ConfigError, load
from scp.devices import Allowed, Certificate, Known
from scp.sender import Sender
from scp.settings import Settings

CT, MR = peers.CT, peers.MR
OURS = Certificate("CN=ct2,O=Clinic", ("O=Clinic", "CN=ct2"), "ab" * 32)
REJECT = {"unknown_senders": "reject"}


def known(*devices: dict[str, object], **dimse: object) -> Known:
    listed = [{"name": f"device {number}", **each} for number, each in enumerate(devices, start=1)]
    return Known.of(Settings.model_validate({"dimse": dimse, "device": listed}))


def dicom(calling: str = "CT2", called: str = "DICOMGATE", address: str = "192.0.2.17") -> Sender:
    return Sender(calling, called, address)


def http(address: str = "192.0.2.17", token: str | None = None) -> Sender:
    return Sender("", "", address, door="stow", token=token)


BOUND = {
    "ae_titles": "CT2",
    "called_ae_titles": "DICOMGATE",
    "addresses": "192.0.2.0/24",
    "certificate": "CN=ct2",
}


def test_what_matches_in_everything_is_the_device() -> None:
    assert known(BOUND, **REJECT).admit(dicom(), OURS) == Allowed("device 1", None)


@pytest.mark.parametrize(
    ("sender", "certificate", "reason", "cause"),
    [
        (dicom(address="198.51.100.1"), OURS, CALLING_AE_NOT_RECOGNIZED, "it comes from 198.51.100.1"),
        (dicom(called="OTHER"), OURS, CALLED_AE_NOT_RECOGNIZED, "it calls OTHER"),
        (dicom(), None, CALLING_AE_NOT_RECOGNIZED, "it shows no certificate"),
        (dicom(), Certificate("CN=x", ("CN=x",), "cd" * 32), CALLING_AE_NOT_RECOGNIZED, "the certificate of CN=x"),
        (dicom(called="OTHER"), None, CALLING_AE_NOT_RECOGNIZED, "it calls OTHER and it shows no certificate"),
    ],
)
def test_who_claims_a_device_and_is_not_it_is_refused(
    sender: Sender, certificate: Certificate | None, reason: int, cause: str
) -> None:
    refused = known(BOUND).admit(sender, certificate)
    assert isinstance(refused, Refusal)
    assert (refused.result, refused.source, refused.reason) == (1, 1, reason)
    assert cause in refused.cause
    assert "'device 1'" in refused.cause


def test_another_device_of_the_address_does_not_vouch_for_a_claimed_title() -> None:
    devices = known({"ae_titles": "CT2", "addresses": "192.0.2.17"}, {"addresses": "0.0.0.0/0"})
    assert isinstance(devices.admit(dicom(address="192.0.2.18")), Refusal)
    assert devices.admit(dicom("MR1", address="192.0.2.18")) == Allowed("device 2", None)


def test_one_title_may_stand_for_several_devices() -> None:
    devices = known({"ae_titles": "STORESCU", "addresses": "192.0.2.1"}, {"ae_titles": "STORESCU", "addresses": "::1"})
    assert devices.admit(dicom("STORESCU", address="::1")) == Allowed("device 2", None)
    assert isinstance(devices.admit(dicom("STORESCU", address="192.0.2.2")), Refusal)


def test_unknown_senders_are_taken_until_they_are_not() -> None:
    assert known(BOUND).admit(dicom("MR1")) == Allowed(None, None)
    refused = known(BOUND, **REJECT).admit(dicom("MR1"))
    assert isinstance(refused, Refusal)
    assert refused.reason == CALLING_AE_NOT_RECOGNIZED


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("CN=ct2", True),
        ("CN=ct2,O=Clinic", True),
        ("O=Clinic", True),
        ("CN=ct?,O=*", True),
        ("ab" * 32, True),
        ("SHA256:" + ":".join(["AB"] * 32), True),
        ("CN=ct", False),
        ("CN=Ct2", False),
        ("ac" * 32, False),
    ],
)
def test_certificates_are_named_by_subject_part_or_fingerprint(pattern: str, matches: bool) -> None:
    admitted = known({"ae_titles": "CT2", "certificate": pattern}).admit(dicom(), OURS)
    assert isinstance(admitted, Allowed) is matches


def test_sop_classes_are_those_of_all_devices_that_it_can_be() -> None:
    one = known({"ae_titles": "CT2", "sop_classes": "CT Image"}).admit(dicom())
    assert isinstance(one, Allowed)
    assert (one.may_send(CT), one.may_send(MR)) == (True, False)
    scanners = {"ae_titles": "CT2", "model": "A", "sop_classes": "CT Image"}, {"ae_titles": "CT2", "model": "B"}
    assert known(*scanners).admit(dicom()) == Allowed(None, None)


def test_at_the_http_door_address_and_token_tell() -> None:
    device = known({**BOUND, "tokens": "ct-*"}, **REJECT)
    assert device.admit(http(token="ct-room")) == Allowed("device 1", None)
    for sender in (http(), http(token="mr-room"), http("198.51.100.1", "ct-room")):
        assert isinstance(device.admit(sender), Refusal)
    # A blank AE Title is no way round the title that is wanted.
    assert isinstance(device.admit(dicom("")), Refusal)
    assert isinstance(known({"tokens": "ct-room"}, **REJECT).admit(dicom("")), Refusal)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('certificate = "CN=ct2"\naddresses = "::1"', "to no Calling AE Title"),
        ('ae_titles = "CT2"\ncertificate = "ct2"', "neither a subject"),
        ('ae_titles = "CT2"\ncertificate = "CN=ct2"', "can never match"),
    ],
)
def test_devices_that_cannot_be_meant_are_named(tmp_path: Path, entry: str, words: str) -> None:
    file = tmp_path / "site.toml"
    more = '[tls]\nenabled = true\ncertificate = "a"\nkey = "b"\n' if "never" in words else ""
    file.write_text(f'{more}[[device]]\nname = "CT 2"\n{entry}\n')
    with pytest.raises(ConfigError, match=words):
        load(file, {})


def test_a_certificate_is_read_as_openssl_prints_it(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("ct2", days=90)
    found = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    read = certificate_of(found.public_bytes(Encoding.DER))
    assert read == Certificate("CN=ct2,O=Clinic", ("O=Clinic", "CN=ct2"), pair.fingerprint.replace(":", ""))
    tls = {"enabled": True, "certificate": str(pair.certificate), "key": str(pair.key)}
    (validity,) = validities(Settings.model_validate({"tls": tls}))
    assert (validity.key, validity.subject) == ("tls.certificate", "CN=ct2,O=Clinic")
    assert "expires on" in str(validity.trouble(found.not_valid_after_utc - timedelta(days=29)))
    assert "expired on" in str(validity.trouble(found.not_valid_after_utc))
    assert validity.trouble(found.not_valid_after_utc - timedelta(days=31)) is None


# A node that runs

DEVICES = """
dimse.workers = 1
dimse.unknown_senders = "reject"
[[device]]
name = "CT 2"
ae_titles = "CT2"
called_ae_titles = "DICOMGATE"
addresses = "127.0.0.1"
sop_classes = "CT Image"
"""


@pytest.fixture(scope="module", params=["fast", "stock"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    more = f'dimse.receive_path = "{request.param}"\n{DEVICES}'
    with serving(tmp_path_factory.mktemp("node"), more=more) as served:
        yield served


def test_a_device_negotiates_what_it_may_send_and_nothing_else(node: Served) -> None:
    with Peer(node.port) as peer:
        kind, body = peer.associate({1: (CT, [IMPLICIT]), 3: (MR, [IMPLICIT])}, calling="CT2")
        assert kind == peers.ACCEPT
        # Result/Reason of the presentation contexts (PS3.8 9.3.3.2): acceptance, abstract syntax not supported.
        items = [body[at : at + 8] for at in range(len(body)) if body[at : at + 2] == b"\x21\0"]
        assert {each[4]: each[6] for each in items} == {1: 0, 3: 3}
        data = builders.data_set(builders.ct(SOPInstanceUID="1.2.8.1"), IMPLICIT)
        assert peers.status(peer.store(CT, "1.2.8.1", data)) == 0
    assert node.ask("select device from receipt where sop_instance_uid = '1.2.8.1'") == [("CT 2",)]


@pytest.mark.parametrize(
    ("calling", "called", "source", "reason", "cause"),
    [
        ("STRANGER", "DICOMGATE", None, 3, "is no known device"),
        ("CT2", "DICOMGATE", "127.0.0.2", 3, "it comes from 127.0.0.2"),
        ("CT2", "ELSEWHERE", None, 7, "it calls ELSEWHERE"),
    ],
)
def test_who_may_not_send_is_rejected_with_the_reason(
    node: Served, calling: str, called: str, source: str | None, reason: int, cause: str
) -> None:
    with Peer(node.port, source=source) as peer:
        peer.send(peers.associate_rq({1: (CT, [IMPLICIT])}, calling, called))
        kind, body = peer.receive()
    assert (kind, tuple(body)) == (peers.REJECT, (0, 1, 1, reason))
    node.eventually(f"select 1 from event where kind = 'association-refused' and text like '%{cause}%'")
    assert cause in node.log


def test_the_same_devices_hold_at_the_http_door(node: Served) -> None:
    one, other = (
        posting.file(builders.ct(SOPInstanceUID=f"1.2.8.{number}", **more))
        for number, more in ((2, {}), (3, {"SOPClassUID": MR, "Modality": "MR"}))
    )
    assert posting.post(node.http_port, posting.multipart([one])).code == 200
    refused = posting.post(node.http_port, posting.multipart([other]))
    assert refused.code == 409
    assert [item["00081197"]["Value"] for item in refused.items("00081198")] == [[0x0122]]
    assert posting.post(node.http_port, posting.multipart([one]), source="127.0.0.2").code == 403
    node.eventually("select 1 from event where kind = 'sender-refused' and text like '127.0.0.2 is no known device'")


def test_a_device_can_be_added_while_an_association_is_open(tmp_path: Path) -> None:
    with serving(tmp_path, more=DEVICES) as node, Peer(node.port) as old:
        assert old.associate(calling="CT2")[0] == peers.ACCEPT
        file = tmp_path / "dicomgate.toml"
        file.write_text(file.read_text() + '[[device]]\nname = "MR 1"\nae_titles = "MR1"\n')
        os.kill(node.process.pid, signal.SIGHUP)
        node.eventually("select 1 from event where kind = 'reload'")
        deadline = time.monotonic() + 60
        while True:
            with Peer(node.port) as new:
                if new.associate(calling="MR1")[0] == peers.ACCEPT:
                    break
            assert time.monotonic() < deadline, node.log
        data = builders.data_set(builders.ct(SOPInstanceUID="1.2.8.9"), IMPLICIT)
        assert peers.status(old.store(CT, "1.2.8.9", data)) == 0
        assert old.release()[0] == peers.RELEASED
