"""The configuration: one TOML file and the environment to a frozen Settings, or every mistake at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from scp.config_file import CREDENTIALS, PREFIX, ConfigError, ConfigProblem, locate, overrides
from scp.config_words import did_you_mean, dotted, said
from scp.settings import Settings
from scp.toml_lines import Place, lines_of

__all__ = ["ConfigError", "ConfigProblem", "Loaded", "Settings", "load", "load_with_origins"]

NAMED_FILES = frozenset(("tls", key) for key in ("certificate", "key", "key_password_file", "client_ca"))
"""Keys that name a file, so that a credential of this name is the file itself."""

_LARGEST_FILE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the file they came from (None: no file) and where each key was set."""

    settings: Settings
    file: Path | None
    origins: Mapping[Place, str]
    """By place: "dicomgate.toml:12" or "DICOMGATE_DIMSE__PORT"."""

    def origin(self, place: Place) -> str:
        """Where the value at `place` was set; "default" where nowhere."""
        return next(
            (self.origins[place[:end]] for end in range(len(place), 1, -1) if place[:end] in self.origins),
            "default",
        )


def load(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Settings:
    """The settings from `path`, else DICOMGATE_CONFIG, else ./dicomgate.toml, else defaults; over them the files of
    CREDENTIALS_DIRECTORY, over all of them `env`.

    Raises ConfigError with every mistake found.
    """
    return load_with_origins(path, env).settings


def load_with_origins(path: Path | None = None, env: Mapping[str, str] = os.environ) -> Loaded:
    """As `load`, with where each value came from."""
    file = locate(path, env)
    text = "" if file is None else _read(file)
    written = {} if file is None else _parse(file, text)
    lines = lines_of(text)
    set_outside, problems = _environment(env)
    secrets, secret_origins = _credentials(env)
    origins = {place: f"{file}:{line}" for place, line in lines.items()}
    origins |= secret_origins
    origins |= {place: _variable(place) for place in _leaves(set_outside)}
    values = _merged(_merged(written, secrets), set_outside)

    def problem(place: Place, message: str, hint: str = "") -> ConfigProblem:
        known = next((place[:end] for end in range(len(place), 0, -1) if place[:end] in origins), ())
        origin = origins.get(known, str(file or "the environment"))
        if origin.startswith((PREFIX, CREDENTIALS)):
            return ConfigProblem(origin, "", message, hint=hint)
        return ConfigProblem(str(file or "the environment"), dotted(place), message, lines.get(known), hint)

    settings, mistakes = _validated(values)
    problems += [problem(*each) for each in (*mistakes, *_conflicts(settings))]
    if problems:
        raise ConfigError(*sorted(problems, key=lambda each: (each.source, each.line or 0)))
    return Loaded(settings, file, origins)


def _read(file: Path) -> str:
    def broken(message: str, hint: str = "") -> ConfigError:
        return ConfigError(ConfigProblem(str(file), "", message, hint=hint))

    try:
        if file.exists() and not file.is_file():
            raise broken("is no file")
        if file.stat().st_size > _LARGEST_FILE:
            raise broken(f"is larger than {_LARGEST_FILE} bytes", "is this the configuration?")
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise broken(f"is not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}") from None
    except FileNotFoundError:
        raise broken("does not exist", "named by --config or DICOMGATE_CONFIG") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise broken(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _parse(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line = str(error), None
        if position := re.search(r" \(at line (\d+), column (\d+)\)", message):
            line = int(position[1])
            message = f"{message[: position.start()]} in column {position[2]}"
        elif message.endswith("(at end of document)"):
            line = text.count("\n") + 1
        raise ConfigError(ConfigProblem(str(file), "", f"is no TOML: {message}", line)) from None
    except RecursionError:
        raise ConfigError(ConfigProblem(str(file), "", "is nested too deeply")) from None


def _environment(env: Mapping[str, str]) -> tuple[dict[str, Any], list[ConfigProblem]]:
    """What the variables set, as nested values; a variable that names no section is a mistake."""
    named = {name: env[name] for name in overrides(env)}
    problems = []
    for name in named:
        section = name.removeprefix(PREFIX).split("__")[0].lower()
        if section not in Settings.model_fields:
            hint = did_you_mean(section, Settings.model_fields)
            problems.append(ConfigProblem(name, "", f"there is no section {section!r}", hint=hint))
    values: dict[str, Any] = {}
    for name, value in named.items():
        try:
            values = _merged(values, _Variables({name: value})())
        except SettingsError:
            problems.append(ConfigProblem(name, "", "is no JSON", hint='a list is written ["one", "two"]'))
    return values, problems


def _credentials(env: Mapping[str, str]) -> tuple[dict[str, Any], dict[Place, str]]:
    """What the files of the credentials directory set, each named after its key: `audit.url`, or `dicomgate_audit.url`.

    Other files there are somebody else's.
    """
    named = env.get(CREDENTIALS, "")
    values: dict[str, Any] = {}
    origins: dict[Place, str] = {}
    try:
        files = sorted(Path(named).iterdir()) if named and Path(named).is_dir() else []
    except OSError as error:
        raise ConfigError(ConfigProblem(named, "", f"cannot be read: {error.strerror}", hint=CREDENTIALS)) from None
    for file in files:
        section, dot, key = file.name.removeprefix("dicomgate_").partition(".")
        if not dot or section not in Settings.model_fields or not file.is_file():
            continue
        if (section, key) in NAMED_FILES:  # the credential is the file that the key names, and is read when it is used
            values.setdefault(section, {})[key] = str(file)
            origins[section, key] = f"{CREDENTIALS}/{file.name}"
            continue
        try:
            value = file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(ConfigProblem(str(file), "", f"cannot be read: {error}")) from None
        values.setdefault(section, {})[key] = value
        origins[section, key] = f"{CREDENTIALS}/{file.name}"
    return values, origins


class _Environment(Settings, BaseSettings):
    """The settings as pydantic-settings wants to see them; never made, only asked for its types."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")


class _Variables(EnvSettingsSource):
    """The environment as it was handed in, rather than the process's own."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        super().__init__(_Environment)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._env.items()}


Mistake = tuple[Place, str, str]
"""Where, what, and a hint."""


def _validated(values: dict[str, Any]) -> tuple[Settings, list[Mistake]]:
    """Settings from what is sound in `values`, and what is not: so that all mistakes are told in one go."""
    mistakes: list[Mistake] = []
    values = deepcopy(values)
    while True:
        try:
            return Settings.model_validate(values), mistakes
        except ValidationError as error:
            found = [(_place(each["loc"], values), each) for each in error.errors(include_url=False)]
            mistakes += [(place, *said(place, each)) for place, each in found]
            for place, _ in found:
                _drop(values, place)


def _place(location: tuple[int | str, ...], values: object) -> Place:
    """The part of a pydantic location that the configuration has, and one key behind it if that is missing."""
    place: Place = ()
    for step in location:
        place = (*place, step)
        if isinstance(values, dict):
            if step not in values:
                return place
            values = values[step]
        elif isinstance(values, list) and isinstance(step, int) and step < len(values):
            values = values[step]
        else:
            return place[:-1]
    return place


def _drop(values: dict[str, Any], place: Place) -> None:
    """Take away the smallest part that leaves the rest sound: a key, or the whole of an array of tables."""
    end = next((n for n, step in enumerate(place) if isinstance(step, int)), len(place))
    for step in place[: end - 1]:
        values = values.get(step, {})  # type: ignore[arg-type]  # steps before the first index are keys
    values.pop(place[end - 1], None)  # type: ignore[arg-type]


def _conflicts(settings: Settings) -> Iterator[Mistake]:
    """Combinations that cannot work, though each value is sound by itself."""
    yield from _port_conflicts(settings)
    yield from _tls_conflicts(settings)
    if settings.store.path.exists() and not settings.store.path.is_dir():
        yield ("store", "path"), f"{settings.store.path} is a file, wanted a folder", ""
    if settings.audit.url.startswith("sqlite:///") and Path(settings.audit.url.removeprefix("sqlite:///")).is_dir():
        yield ("audit", "url"), "names a folder, wanted a file", "for instance sqlite:///var/audit.db"
    named: dict[str, int] = {}
    for number, device in enumerate(settings.device):
        first = named.setdefault(device.name, number)
        if first != number:
            yield ("device", number, "name"), f"{device.name!r} is the name of device {first + 1} too", ""


def _port_conflicts(settings: Settings) -> Iterator[Mistake]:
    dimse, tls, http = settings.dimse, settings.tls, settings.http
    doors: list[tuple[str, str, int]] = [("dimse", dimse.host, dimse.port)] if dimse.plain else []
    doors += [("tls", tls.host, tls.port)] if tls.enabled else []
    doors.append(("http", http.host, http.port))
    for number, (door, host, port) in enumerate(doors):
        for other, other_host, other_port in doors[:number]:
            if port and port == other_port and (host == other_host or {host, other_host} & _EVERYWHERE):
                yield (door, "port"), f"is {port}, which {other}.port has taken", "give each door a port of its own"


def _tls_conflicts(settings: Settings) -> Iterator[Mistake]:
    tls = settings.tls
    if not tls.enabled:
        if not settings.dimse.plain:
            yield (
                ("dimse", "plain"),
                "is false, and TLS is not enabled: nothing could be sent",
                "set tls.enabled = true",
            )
        return
    for key in ("certificate", "key"):
        if not getattr(tls, key):
            yield ("tls", key), "is empty, and tls.enabled wants it", "the path of a PEM file"
    if tls.client_certificates != "none" and not tls.client_ca:
        yield ("tls", "client_ca"), "is empty, and tls.client_certificates wants it", "the path of a PEM file"
    if tls.key_password.get_secret_value() and tls.key_password_file:
        yield ("tls", "key_password"), "is set, and so is tls.key_password_file", "take one of them"
    for number, device in enumerate(settings.device):
        if device.certificate and tls.client_certificates == "none":
            place = ("device", number, "certificate")
            yield place, 'can never match: tls.client_certificates is "none"', 'set it to "optional" or "required"'


_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104  # compared with, not listened on


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _leaves(values: Mapping[str, Any], place: Place = ()) -> Iterator[Place]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*place, key))
        else:
            yield (*place, key)


def _variable(place: Place) -> str:
    return PREFIX + "__".join(str(each).upper() for each in place)
