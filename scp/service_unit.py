"""The systemd unit of a node: hardened, notifying, watched, restarted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scp.settings import Settings

LOWEST_FREE_PORT = 1024
"""Ports below need the right to bind them."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Where things are: the program, the configuration, and who runs it ("" for a user that systemd makes up)."""

    program: Path
    config: Path
    user: str = ""


def service(unit: Unit, settings: Settings) -> str:
    """The text of dicomgate.service."""
    who = f"User={unit.user}\nGroup={unit.user}" if unit.user else "DynamicUser=yes"
    binds = min(port for _, port, _ in _doors(settings).values()) < LOWEST_FREE_PORT
    rights = "CAP_NET_BIND_SERVICE" if binds else ""
    return _SERVICE.format(
        program=unit.program,
        config=unit.config,
        who=who,
        rights=rights,
        users="no" if binds else "yes",
        folders=_folders(settings),
    )


def sockets(settings: Settings) -> dict[str, str]:
    """The texts of a socket unit for every door, by file name: no restart refuses anybody."""
    return {
        f"dicomgate-{name}.socket": _SOCKET.format(name=name, listen=_address(host, port), title=title)
        for name, (host, port, title) in _doors(settings).items()
    }


def _doors(settings: Settings) -> dict[str, tuple[str, int, str]]:
    dimse, tls, http = settings.dimse, settings.tls, settings.http
    found = {"http": (http.host, http.port, "HTTP")}
    if dimse.plain:
        found["dimse"] = (dimse.host, dimse.port, "DIMSE")
    if tls.enabled:
        found["tls"] = (tls.host, tls.port, "DIMSE by TLS")
    return found


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _folders(settings: Settings) -> str:
    """Folders outside the state directory that the node writes to."""
    outside = {settings.store.path}
    if settings.audit.url.startswith("sqlite:////"):
        outside.add(Path(settings.audit.url.removeprefix("sqlite:///")).parent)
    wanted = sorted(
        str(each) for each in outside if each.is_absolute() and not each.is_relative_to("/var/lib/dicomgate")
    )
    return "".join(f"ReadWritePaths={each}\n" for each in wanted)


_SERVICE = """\
# Written by `dicomgate service unit`. Change it with `systemctl edit dicomgate`, so that the next release may be put
# in its place.

[Unit]
Description=dicomgate, a DICOM destination that checks what it is sent
Documentation=file:/usr/share/doc/dicomgate/operating.md
Wants=network-online.target
After=network-online.target time-sync.target postgresql.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} serve --config {config}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
WatchdogSec=60
TimeoutStartSec=900
TimeoutStopSec=30
KillMode=mixed

# The store, the database and the key of patients' identities live in the state directory.
{who}
StateDirectory=dicomgate
StateDirectoryMode=0750
RuntimeDirectory=dicomgate
WorkingDirectory=/var/lib/dicomgate
ConfigurationDirectory=dicomgate
UMask=0027
{folders}
# A file there named after a key, such as audit.url, sets that key: a password stands in no configuration.
LoadCredential=dicomgate:/etc/dicomgate/credentials
Environment=PYTHONDONTWRITEBYTECODE=1

LimitNOFILE=65536
OOMPolicy=continue

AmbientCapabilities={rights}
CapabilityBoundingSet={rights}
PrivateUsers={users}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""

_SOCKET = """\
[Unit]
Description=dicomgate's {title} door

[Socket]
ListenStream={listen}
FileDescriptorName={name}
Service=dicomgate.service
Backlog=1024
NoDelay=yes

[Install]
WantedBy=sockets.target
"""
