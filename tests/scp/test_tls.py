"""DIMSE over TLS from outside: dcmtk's storescu with certificates right and wrong, and peers made of bytes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import builders
import needs
import peers
import pytest
from certificates import Authority, Pair
from peers import Peer
from serving import PROGRAM, Served, configure, free_port, serving

from scp.certificates import CertificateProblem
from scp.config import load_with_origins
from scp.settings import Tls
from scp.tls import context_of

PATIENCE = 60.0
PASSWORD = "correct horse battery"  # of a test's own key


class Site:
    """A node with TLS whose clients must show a certificate, and those who issue certificates."""

    def __init__(self, folder: Path, node: Served, tls_port: int, ca: Authority) -> None:
        self.folder, self.node, self.port, self.ca = folder, node, tls_port, ca
        self.sender = ca.issue("sender")

    def storescu(self, *words: str, port: int | None = None) -> subprocess.CompletedProcess[str]:
        """Send one instance."""
        file = self.folder / "one.dcm"
        file.write_bytes(builders.part10(builders.ct(SOPInstanceUID="1.2.9.1")))
        return subprocess.run(
            [needs.tool("storescu"), "-R", "-to", "20", *words, "127.0.0.1", str(port or self.port), str(file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def shown(self, pair: Pair) -> list[str]:
        """The words with which storescu shows this certificate and trusts the node's."""
        return ["+tls", str(pair.key), str(pair.certificate), "+cf", str(self.ca.certificate)]

    def dropped(self, cause: str) -> None:
        """Wait for the event that a connection was dropped, with this cause."""
        text = cause.replace("'", "''")
        self.node.eventually(f"select 1 from event where kind = 'connection-dropped' and text like '%{text}%'")


def settings(folder: Path, ca: Authority, clients: str = "required", **more: object) -> tuple[int, str]:
    """A TLS port, and the lines of a configuration that open it."""
    own = ca.issue("node")
    port = free_port()
    keys = {
        "enabled": True,
        "port": port,
        "certificate": str(own.certificate),
        "key": str(own.key),
        "client_certificates": clients,
        "client_ca": "" if clients == "none" else str(ca.certificate),
        **more,
    }
    written = (
        f"tls.{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in keys.items()
    )
    return port, "\n".join(["dimse.association_timeout = 8", "dimse.workers = 1", *written]) + "\n"


@pytest.fixture(scope="module", params=["fast", "stock"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    ca = Authority(folder)
    port, more = settings(folder, ca)
    device = '[[device]]\nname = "bound"\nae_titles = "BOUND"\ncertificate = "CN=sender"\n'
    with serving(folder, more=f'dimse.receive_path = "{request.param}"\n{more}{device}') as node:
        yield Site(folder, node, port, ca)


def secured(site: Site, pair: Pair | None = None, **more: object) -> Peer:
    """A peer made of bytes, behind TLS."""
    context = ssl.create_default_context(cafile=site.ca.certificate)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    for key, value in more.items():
        setattr(context, key, value)
    peer = Peer(site.port)
    peer.socket = context.wrap_socket(peer.socket, server_hostname="localhost")
    return peer


def test_a_sender_with_the_right_certificate_stores(site: Site) -> None:
    ran = site.storescu(*site.shown(site.sender))
    assert ran.returncode == 0, ran.stderr
    assert site.node.ask("select status from receipt where sop_instance_uid = '1.2.9.1'")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_carry_instances_larger_than_a_record(site: Site, version: ssl.TLSVersion) -> None:
    with secured(site, site.sender, maximum_version=version, minimum_version=version) as peer:
        assert peer.socket.version() == version.name.replace("_", ".")  # type: ignore[attr-defined]
        assert peer.associate()[0] == peers.ACCEPT
        for number in range(3):
            uid = f"1.2.9.{version.value}.{number}"
            data = builders.data_set(builders.ct(SOPInstanceUID=uid, PixelData=bytes(600_000)), peers.IMPLICIT)
            assert peers.status(peer.store(peers.CT, uid, data)) == 0
        assert peer.release()[0] == peers.RELEASED


def test_what_comes_in_one_record_is_served_to_its_end(site: Site) -> None:
    with secured(site, site.sender) as peer:
        peer.associate()
        sent = b""
        for number in range(4):
            uid = f"1.2.9.7.{number}"
            data = builders.data_set(builders.ct(SOPInstanceUID=uid), peers.IMPLICIT)
            sent += peers.p_data(
                peers.pdv(peers.c_store_rq(peers.CT, uid, number + 1), 1, command=True, last=True),
                peers.pdv(data, 1, command=False, last=True),
            )
        assert len(sent) < 16384, "so that it is one record"
        peer.send(sent)
        assert [peers.status(peer.response()) for _ in range(4)] == [0, 0, 0, 0]
        assert peer.release()[0] == peers.RELEASED


def test_an_ae_title_is_bound_to_its_certificate(site: Site) -> None:
    bound = ["-aet", "BOUND"]
    assert site.storescu(*bound, *site.shown(site.sender)).returncode == 0
    impostor = site.shown(site.ca.issue("impostor"))
    assert site.storescu("-aet", "OTHER", *impostor).returncode == 0
    for words, port, cause in (
        (impostor, site.port, "it shows the certificate of CN=impostor,O=Clinic"),
        ([], site.node.port, "it shows no certificate"),
    ):
        ran = site.storescu(*bound, *words, port=port)
        assert ran.returncode != 0
        assert "Calling AE Title Not Recognized" in ran.stderr
        site.node.eventually(f"select 1 from event where kind = 'association-refused' and text like '%{cause}'")


def test_older_versions_are_not_negotiated(site: Site) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Peer(site.port) as peer, pytest.raises(ssl.SSLError):
        context.wrap_socket(peer.socket)
    site.dropped("the peer knows neither TLS 1.2 nor TLS 1.3")


def test_a_certificate_that_another_authority_issued(site: Site) -> None:
    stranger = Authority(site.folder / "elsewhere", "other").issue("stranger")
    assert site.storescu(*site.shown(stranger)).returncode != 0
    site.dropped("certificate is not trusted: unable to get local issuer certificate")


def test_a_certificate_that_has_expired(site: Site) -> None:
    assert site.storescu(*site.shown(site.ca.issue("old", days=-2))).returncode != 0
    site.dropped("certificate is not trusted: certificate has expired")


def test_no_certificate_where_one_is_wanted(site: Site) -> None:
    assert site.storescu("+tla", "+cf", str(site.ca.certificate)).returncode != 0
    site.dropped("no certificate was shown")


def test_a_sender_that_does_not_trust_the_node(site: Site) -> None:
    other = Authority(site.folder / "trusted", "trusted")
    words = ["+tls", str(site.sender.key), str(site.sender.certificate), "+cf", str(other.certificate)]
    assert site.storescu(*words).returncode != 0
    site.dropped("the peer does not trust who issued this node''s certificate".replace("''", "'"))


def test_a_sender_that_wanted_another_host(site: Site) -> None:
    context = ssl.create_default_context(cafile=site.ca.certificate)
    with Peer(site.port) as peer, pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        context.wrap_socket(peer.socket, server_hostname="elsewhere.example")
    site.dropped("the peer does not trust this node's certificate")


def test_plain_text_on_the_tls_port(site: Site) -> None:
    assert site.storescu().returncode != 0
    site.dropped("plain text on the TLS port: an A-ASSOCIATE-RQ")


def test_tls_on_the_plain_port(site: Site) -> None:
    assert site.storescu(*site.shown(site.sender), port=site.node.port).returncode != 0
    site.dropped("TLS on the port without it")


def test_silent_and_slow_clients_hold_up_nobody_and_are_cut(site: Site) -> None:
    with Peer(site.port, timeout=PATIENCE) as silent, Peer(site.port, timeout=PATIENCE) as slow:
        slow.send(bytes((0x16, 3, 1, 2)))
        with secured(site, site.sender) as good:
            assert good.associate()[0] == peers.ACCEPT
        silent.socket.setblocking(False)
        with pytest.raises(BlockingIOError):  # served while the silent one is still waited for
            silent.socket.recv(100)
        silent.socket.settimeout(PATIENCE)
        assert silent.socket.recv(100) == b""
        while slow.socket.recv(100):
            pass
    site.dropped("no TLS handshake within 8 seconds")


def test_a_peer_that_goes_silent_within_an_association_stalls(site: Site) -> None:
    with secured(site, site.sender) as peer:
        peer.associate()
        peer.send(b"\x04\0\0\0")
        peer.socket.close()
    assert site.storescu(*site.shown(site.sender)).returncode == 0


def test_new_files_are_used_without_a_restart_and_bad_ones_are_not(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    port, more = settings(tmp_path, ca, "optional")
    with serving(tmp_path, more=more) as node:
        site = Site(tmp_path, node, port, ca)

        def serial() -> int:
            with secured(site) as peer:
                found = peer.socket.getpeercert()["serialNumber"]  # type: ignore[attr-defined]
                return int(found, 16)

        with secured(site) as open_before:
            open_before.associate()
            before = serial()
            (tmp_path / "node.pem").write_text("nothing")
            node.eventually("select 1 from event where kind = 'certificate-refused'")
            assert serial() == before
            renewed = ca.issue("renewed", days=10)
            shutil.copy(renewed.key, tmp_path / "node.key")
            shutil.copy(renewed.certificate, tmp_path / "node.pem")
            deadline = time.monotonic() + PATIENCE
            while serial() == before:
                assert time.monotonic() < deadline, node.log
            node.eventually("select 1 from event where kind = 'certificate-expires'")
            assert open_before.release()[0] == peers.RELEASED
        file = tmp_path / "dicomgate.toml"
        file.write_text(file.read_text().replace("node.pem", "missing.pem"))
        os.kill(node.process.pid, signal.SIGHUP)
        node.eventually(
            "select 1 from event where kind = 'reload-refused' and text like '%missing.pem cannot be read%'"
        )
        assert serial() != before
        assert node.stop() == 0


def test_a_worker_that_dies_is_replaced_though_the_files_are_broken(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    port, more = settings(tmp_path, ca, "none")
    with serving(tmp_path, more=more) as node:
        site = Site(tmp_path, node, port, ca)
        certificate = (tmp_path / "node.pem").read_text()
        (tmp_path / "node.pem").write_text("nothing")
        node.eventually("select 1 from event where kind = 'certificate-refused' and text like '%stay in use%'")
        for pid in node.children("worker"):
            os.kill(pid, signal.SIGKILL)
        node.eventually("select 1 from event where kind = 'certificate-refused' and text like '%nobody is served%'")
        with Peer(node.port) as peer:
            assert peer.associate()[0] == peers.ACCEPT
        assert site.storescu("+tla", "+cf", str(ca.certificate)).returncode != 0
        site.dropped("the node's own TLS files cannot be used")
        (tmp_path / "node.pem").write_text(certificate)
        node.eventually("select 1 from event where kind = 'certificate-reloaded'")
        assert site.storescu("+tla", "+cf", str(ca.certificate)).returncode == 0


def test_the_plain_port_can_be_closed_and_the_server_alone_be_authenticated(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    port, more = settings(tmp_path, ca, "none")
    with serving(tmp_path, more=more + "dimse.plain = false\n", waits_for_dimse=port) as node:
        site = Site(tmp_path, node, port, ca)
        assert site.storescu("+tla", "+cf", str(ca.certificate)).returncode == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", node.port), 5)
        assert f"127.0.0.1:{port}" in node.log


def test_the_password_of_a_key_is_said_nowhere(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    own = ca.issue("locked", password=PASSWORD)
    port, more = settings(tmp_path, ca, "none", certificate=str(own.certificate), key=str(own.key))
    secret = tmp_path / "credentials"
    secret.mkdir()
    (secret / "tls.key_password").write_text(PASSWORD + "\n")
    with serving(tmp_path, more=more, env={"CREDENTIALS_DIRECTORY": str(secret)}) as node:
        assert Site(tmp_path, node, port, ca).storescu("+tla", "+cf", str(ca.certificate)).returncode == 0
        env = {**os.environ, "DICOMGATE_TLS__KEY_PASSWORD": PASSWORD}
        for words in (["show"], ["show", "--format", "json"], ["check"]):
            ran = node.run("config", *words, env=env)
            assert ran.returncode == 0
            assert PASSWORD not in ran.stdout + ran.stderr
        wrong = node.run("config", "check", env={**os.environ, "DICOMGATE_TLS__KEY_PASSWORD": "xyzzy-wrong"})
        assert wrong.returncode == 2
        assert "cannot be read with the password" in wrong.stderr
        assert "xyzzy" not in wrong.stdout + wrong.stderr
        assert PASSWORD not in node.log + str(node.ask("select text, detail from event"))
        assert PASSWORD not in node.get("/metrics")[1] + node.get("/readyz")[1]


def test_the_password_of_the_database_is_said_nowhere(tmp_path: Path) -> None:
    url = f"postgresql://gate:{quote(PASSWORD)}@127.0.0.1:{free_port()}/gate"
    configure(tmp_path, url, 'audit.connect_timeout = 1\nlog.level = "debug"\n')
    file = tmp_path / "dicomgate.toml"
    said = ""
    for words in (["config", "show"], ["config", "check"], ["audit", "list"]):
        ran = subprocess.run([PROGRAM, *words, "--config", file], capture_output=True, text=True, check=False)
        assert ran.stdout + ran.stderr
        said += ran.stdout + ran.stderr
    log = tmp_path / "log"
    with log.open("ab") as out, subprocess.Popen([PROGRAM, "serve", "--config", file], stdout=out, stderr=out) as node:
        deadline = time.monotonic() + PATIENCE
        while "127.0.0.1" not in log.read_text() and node.poll() is None:
            assert time.monotonic() < deadline, "it says nothing of its database"
        node.terminate()
    said += log.read_text()
    broken = {**os.environ, "DICOMGATE_AUDIT__URL": f"mysql://gate:{PASSWORD}@db/gate"}
    said += subprocess.run(
        [PROGRAM, "config", "check"], env=broken, cwd=tmp_path, capture_output=True, text=True, check=False
    ).stderr
    assert "is no database" in said
    assert not [line for line in said.splitlines() if PASSWORD in line or quote(PASSWORD) in line]


def test_the_check_of_a_configuration_names_what_is_wrong_and_what_has_ended(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    old = ca.issue("old", days=-2)
    _, more = settings(tmp_path, ca, certificate=str(old.certificate), key=str(old.key))
    configure(tmp_path, more=more)
    file = tmp_path / "dicomgate.toml"

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, "config", "check", "--config", file], capture_output=True, text=True, check=False
        )

    ran = check()
    assert ran.returncode == 0, ran.stderr
    assert f"{file}:" in ran.stdout
    assert "old.pem: the certificate of CN=old,O=Clinic expired on" in ran.stdout
    shutil.copy(tmp_path / "node.key", old.key)
    ran = check()
    assert ran.returncode == 2
    assert "tls.key: " in ran.stderr
    assert "is not the key of the certificate" in ran.stderr
    assert f"{file}:" in ran.stderr


def test_a_credential_named_after_a_key_of_tls_is_that_file(tmp_path: Path) -> None:
    own = Authority(tmp_path / "made").issue("node")
    shutil.copy(own.certificate, tmp_path / "tls.certificate")
    shutil.copy(own.key, tmp_path / "tls.key")
    found = load_with_origins(None, {"CREDENTIALS_DIRECTORY": str(tmp_path), "DICOMGATE_TLS__ENABLED": "true"})
    assert found.settings.tls.key == str(tmp_path / "tls.key")
    assert found.origin(("tls", "key")) == "CREDENTIALS_DIRECTORY/tls.key"
    context_of(found.settings.tls)


def tls(pair: Pair, **more: object) -> Tls:
    return Tls.model_validate({"enabled": True, "certificate": str(pair.certificate), "key": str(pair.key), **more})


def test_what_is_wrong_with_the_files_is_named(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    one, other = ca.issue("one"), ca.issue("other", password=PASSWORD)
    missing = Pair(tmp_path / "missing.pem", one.key, "")
    (tmp_path / "junk.pem").write_text("junk")
    for pair, more, words in (
        (missing, {}, "tls.certificate: .*missing.pem cannot be read: No such file"),
        (Pair(one.certificate, tmp_path / "no.key", ""), {}, "tls.key: .*no.key cannot be read"),
        (Pair(tmp_path / "junk.pem", one.key, ""), {}, "tls.certificate: .*junk.pem holds no certificate"),
        (Pair(one.certificate, tmp_path / "junk.pem", ""), {}, "tls.key: .*junk.pem with"),
        (Pair(ca.issue("third").certificate, one.key, ""), {}, "tls.key: .*one.key is not the key of the certificate"),
        (other, {}, "tls.key: .*other.key has a password"),
        (other, {"key_password": "wrong"}, "tls.key: .*other.key cannot be read with the password"),
        (one, {"client_certificates": "required", "client_ca": "/none"}, "tls.client_ca: /none cannot be read"),
    ):
        with pytest.raises(CertificateProblem, match=words):
            context_of(tls(pair, **more))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    context_of(tls(other, key_password_file=str(tmp_path / "password")))
