"""A new configuration under open Associations: good, faulty, or not fit to start."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import builders
import peers
import pytest
from peers import Peer
from serving import Served, configure, serving, started

from scp.config import load
from scp.reload import NEEDS_RESTART, change
from scp.settings import Audit, Device, Dimse, Http, Log, PolicyLine, PolicySection, Settings, Store, Tls

PATIENCE = 60.0
TWO = "dimse.workers = 2\n"


def test_limits_policy_and_devices_take_effect_and_are_named() -> None:
    before = Settings()
    after = Settings(
        dimse=Dimse(max_associations=3, idle_timeout=5),
        log=Log(level="debug"),
        policy=PolicySection(line=(PolicyLine(then="reject"),)),
        device=(Device(name="CT", ae_titles=("CT",)),),
    )
    found = change(before, after)
    assert found.settings == after
    assert found.settings.digest == after.digest != before.digest
    assert found.changed == ("dimse.idle_timeout", "dimse.max_associations", "log.level", "policy.line", "device")
    assert found.ignored == ()


def test_what_is_bound_or_begun_stays_and_is_named() -> None:
    before = Settings()
    wanted = Settings(
        dimse=Dimse(host="0.0.0.0", port=104, plain=False, max_associations=3),
        tls=Tls(enabled=True, host="0.0.0.0", port=1),
        http=Http(host="0.0.0.0", port=80),
        store=Store(path=Path("elsewhere"), durability="syncfs"),
        audit=Audit(url="sqlite:///other.db", patient_identity="plain", identity_key_file="key", spool=True),
    )
    found = change(before, wanted)
    assert set(found.ignored) == {f"{section}.{key}" for section, keys in NEEDS_RESTART.items() for key in keys}
    assert found.changed == ("dimse.max_associations", "audit.spool")
    assert found.settings == Settings(dimse=Dimse(max_associations=3), audit=Audit(spool=True))
    assert found.settings.digest == Settings(dimse=Dimse(max_associations=3), audit=Audit(spool=True)).digest


def test_the_same_again_changes_nothing() -> None:
    assert change(Settings(), Settings()).changed == ()


# A node that runs


def until(holds: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def reload(node: Served, more: str, kind: str) -> dict[str, object]:
    """Write the configuration anew, tell the node, and wait for the event that comes of it; its detail."""
    file = node.folder / "dicomgate.toml"
    file.write_text(file.read_text() + more)
    before = count(node, kind)
    os.kill(node.process.pid, signal.SIGHUP)
    until(lambda: count(node, kind) > before, f"no event {kind}")
    detail = json.loads(node.ask(f"select detail from event where kind = '{kind}' order by id desc")[0][0])
    assert isinstance(detail, dict)
    return detail


def count(node: Served, kind: str) -> int:
    return int(node.ask(f"select count(*) from event where kind = '{kind}'")[0][0])


def stored(peer: Peer, uid: str) -> int:
    data = builders.data_set(builders.ct(SOPInstanceUID=uid, ImageType="SIDEWAYS\\PRIMARY"), peers.IMPLICIT)
    return peers.status(peer.store(peers.CT, uid, data))


def test_a_new_generation_takes_what_comes_and_the_old_one_finishes(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, Peer(node.port) as old:
        old.associate(calling="OLD")
        first = set(node.children())
        strict = 'dimse.max_associations_per_ae = 1\n[[policy.line]]\nseverity = "error"\nthen = "reject"\n'
        said = reload(node, strict, "reload")
        assert said["generation"] == 2
        assert said["changed"] == ["dimse.max_associations_per_ae", "policy.line"]
        with Peer(node.port) as new, Peer(node.port) as third:
            assert new.associate(calling="NEW")[0] == peers.ACCEPT
            assert third.associate(calling="NEW")[0] == peers.REJECT
            assert stored(new, "1.2.3.1") == 0xA900
        assert stored(old, "1.2.3.2") == 0xB007
        ran_under = dict(node.ask("select calling_ae, configuration from association where refusal is null"))
        assert ran_under["NEW"] == said["configuration"] != ran_under["OLD"]
        assert len(first & set(node.children("worker"))) == 1, "the one that has nothing open has ended"
        assert old.release()[0] == peers.RELEASED
        until(lambda: not first & set(node.children()), "the old generation ends")
        assert len(node.children("worker")) == 2
        assert node.get("/healthz") == (200, "ok\n")
        assert count(node, "worker-died") == 0
        assert node.stop() == 0


def test_a_faulty_configuration_changes_nothing_and_every_mistake_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node, Peer(node.port) as peer:
        peer.associate()
        before = node.children()
        said = reload(node, "dimse.max_asociations = 3\nlog.level = 'loud'\n", "reload-refused")
        assert said["count"] == 2
        for key in ("dimse.max_asociations", "log.level"):
            (told,) = (each for each in said["errors"] if key in each)  # type: ignore[attr-defined]
            assert f"{tmp_path}/dicomgate.toml:" in told
            assert told[:200] in node.log
        assert node.children() == before
        assert stored(peer, "1.2.3.1") == 0xB007


def test_a_port_waits_for_a_restart_and_the_rest_does_not(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node:
        file = tmp_path / "dicomgate.toml"
        file.write_text(file.read_text().replace(f"dimse.port = {node.port}", "dimse.port = 1"))
        said = reload(node, "dimse.idle_timeout = 7\n", "reload")
        assert (said["changed"], said["needs_restart"]) == (["dimse.idle_timeout"], ["dimse.port"])
        with Peer(node.port) as peer:
            assert peer.associate()[0] == peers.ACCEPT


def test_nothing_new_starts_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node:
        before = node.children()
        said = reload(node, "# a comment\n", "reload")
        assert (said["generation"], said["changed"]) == (1, [])
        assert node.children() == before


def test_a_generation_that_cannot_start_leaves_the_old_one_in_service(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO + "audit.connect_timeout = 1\n") as node, Peer(node.port) as peer:
        peer.associate()
        before = node.children()
        file = tmp_path / "dicomgate.toml"
        with sqlite3.connect(tmp_path / "audit.db", isolation_level=None) as lock:
            lock.execute("begin immediate")
            file.write_text(file.read_text() + "dimse.idle_timeout = 7\n")
            os.kill(node.process.pid, signal.SIGHUP)
            until(lambda: "could not be started and changes nothing" in node.log)
            lock.execute("rollback")
        lock.close()
        until(lambda: count(node, "reload-refused") == 1)
        until(lambda: node.children() == before, "the new ones end")
        # A worker that met the lock may be in its back-off still.
        until(lambda: stored(peer, "1.2.3.1") == 0xB007)
        with Peer(node.port) as other:
            assert other.associate()[0] == peers.ACCEPT
        assert reload(node, "", "reload")["generation"] == 2


@pytest.mark.parametrize("often", [20])
def test_told_again_and_again_it_reads_the_last_one_in_the_end(tmp_path: Path, often: int) -> None:
    with serving(tmp_path, more=TWO) as node:
        file = tmp_path / "dicomgate.toml"
        for number in range(often):
            file.write_text(file.read_text().split("dimse.idle")[0] + f"dimse.idle_timeout = {number + 1}\n")
            os.kill(node.process.pid, signal.SIGHUP)
        last = load(file, {}).digest
        until(lambda: any(last in detail for (detail,) in node.ask("select detail from event where kind = 'reload'")))
        until(lambda: all(name in ("worker-1", "worker-2", "http-1") for name in node.children().values()))
        until(lambda: len(node.children()) == 3)
        with Peer(node.port) as peer:
            peer.associate(calling="LAST")
        (ran,) = node.eventually("select configuration from association where calling_ae = 'LAST'")[0]
        assert ran == last
        assert node.stop() == 0


def test_the_command_says_what_changed_or_why_nothing_did(tmp_path: Path) -> None:
    with serving(tmp_path, more=TWO) as node:
        file = tmp_path / "dicomgate.toml"
        sound = file.read_text()
        file.write_text(sound + "dimse.max_associations = 3\n")
        done = node.run("service", "reload")
        assert done.returncode == 0, done.stderr
        assert f"process {node.process.pid} (found by the lock of {node.store}): generation 2 serves" in done.stdout
        assert "changed: dimse.max_associations" in done.stdout
        file.write_text(sound + "dimse.max_asociations = 3\n")
        done = node.run("service", "reload")
        assert done.returncode == 1
        assert f"{file}:" in done.stderr
        file.write_text(sound + "dimse.max_associations = 4\n")
        done = node.run("service", "reload", "--pid", str(node.process.pid))
        assert (done.returncode, "generation 3 serves" in done.stdout) == (0, True)
        assert node.stop() == 0
        file.write_text(sound)
        done = node.run("service", "reload", "--wait", "5")
        assert done.returncode == 2
        assert "no node runs on" in done.stderr


def test_a_configuration_that_only_the_node_cannot_use_is_refused_by_it(tmp_path: Path) -> None:
    """As where it reads another file of credentials than the one who asks."""
    port, http_port = configure(tmp_path)
    faulty = tmp_path / "credentials"
    faulty.mkdir()
    env = {"CREDENTIALS_DIRECTORY": str(faulty)}
    with started(tmp_path, port, http_port, f"sqlite:///{tmp_path}/audit.db", env) as node:
        (faulty / "log.level").write_text("loud")
        done = node.run("service", "reload")
        assert done.returncode == 1
        assert "log.level" in done.stderr
        assert "is faulty and changes nothing" in done.stdout
        assert node.stop() == 0
