"""The systemd unit: what systemd itself says of it, and that deploy/ holds the one for the defaults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import needs
import pytest
import yaml
from serving import PROGRAM

from scp.config import Settings
from scp.service_unit import Unit, service, sockets

DEPLOY = Path(__file__).parents[2] / "deploy"
SHIPPED = Unit(Path("/opt/dicomgate/.venv/bin/dicomgate"), Path("/etc/dicomgate/dicomgate.toml"))
BELOW_1024 = Settings.model_validate({"dimse": {"port": 104}})


def test_deploy_has_the_units_of_the_defaults(update: bool) -> None:
    wanted = {"dicomgate.service": service(SHIPPED, Settings()), **sockets(Settings())}
    for name, text in wanted.items():
        if update:
            (DEPLOY / name).write_text(text)
        assert (DEPLOY / name).read_text() == text


@pytest.mark.parametrize("settings", [Settings(), BELOW_1024], ids=["defaults", "port 104"])
@pytest.mark.parametrize("user", ["", "daemon"])
def test_systemd_finds_the_unit_sound_and_little_exposed(tmp_path: Path, settings: Settings, user: str) -> None:
    analyze = needs.tool("systemd-analyze")
    unit = tmp_path / "dicomgate.service"
    unit.write_text(service(Unit(Path(sys.executable), Path("/etc/dicomgate/dicomgate.toml"), user), settings))
    for name, text in sockets(settings).items():
        (tmp_path / name).write_text(text)
    verified = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        [analyze, "security", "--offline=true", unit], capture_output=True, text=True, check=False, timeout=60
    )
    level = re.search(r"exposure level for dicomgate.service: ([0-9.]+) OK", rated.stdout)
    assert level is not None, rated.stdout[-500:]
    assert float(level[1]) < 2


def test_the_program_named_is_this_one_and_not_a_wrapper(tmp_path: Path) -> None:
    file = tmp_path / "dicomgate.toml"
    file.write_text('store.path = "/srv/images"\ndimse.port = 104\n')
    done = subprocess.run(
        [PROGRAM, "service", "unit", "--config", file], capture_output=True, text=True, check=True, timeout=30
    )
    assert f"ExecStart={PROGRAM} serve --config {file}\n" in done.stdout
    assert "ReadWritePaths=/srv/images\n" in done.stdout
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in done.stdout


def test_every_door_that_is_open_has_a_socket_unit() -> None:
    by_tls = {"enabled": True, "port": 104, "certificate": "a.pem", "key": "a.key"}
    both = Settings.model_validate({"tls": by_tls})
    assert sorted(sockets(both)) == ["dicomgate-dimse.socket", "dicomgate-http.socket", "dicomgate-tls.socket"]
    assert "ListenStream=127.0.0.1:104\nFileDescriptorName=tls\n" in sockets(both)["dicomgate-tls.socket"]
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in service(SHIPPED, both)
    only = Settings.model_validate({"tls": by_tls, "dimse": {"plain": False}})
    assert sorted(sockets(only)) == ["dicomgate-http.socket", "dicomgate-tls.socket"]


def test_ports_above_1024_need_no_right() -> None:
    assert "CAP_NET_BIND_SERVICE" not in service(SHIPPED, Settings())


def test_the_compose_file_hands_the_address_of_the_database_over_as_a_secret() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    assert "audit.url" in compose["services"]["dicomgate"]["secrets"]
    assert "CREDENTIALS_DIRECTORY=/run/secrets" in (DEPLOY / "Dockerfile").read_text()
