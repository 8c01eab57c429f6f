"""config.example.toml against the settings: every key, its true default, and policies that mean what they say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scp
from rules.model import Finding, Severity
from scp.config import load
from scp.policy import SHIPPED, Policy, compile_policy, decide
from scp.sender import Sender
from scp.settings import Device, PolicyLine, Settings
from scp.verdict import Action

FILE = Path(scp.__file__).parent.parent / "config.example.toml"
TEXT = FILE.read_text()
SENDER = Sender("MODALITY", "DICOMGATE", "198.51.100.1", "1.2.840.10008.5.1.4.1.1.2")
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"

COMMENTED = re.sub(r"(?m)^# ?", "", TEXT[TEXT.index("# [[device]]") :])
NUMBERED = re.split(r"(?m)^(?=\d\. )", COMMENTED)


def block(number: int) -> str:
    """One of the commented parts as TOML: the device (0) or a stricter policy (1 to 3), without its words."""
    lines = NUMBERED[number].splitlines()
    return "\n".join(line for line in lines if re.match(r"\[\[|\w+ = ", line))


def policy(tmp_path: Path, number: int) -> Policy:
    file = tmp_path / "site.toml"
    file.write_text(block(number))
    return compile_policy(load(file, {}))


def finding(rule: str, severity: str = "error") -> Finding:
    return Finding(rule, Severity(severity), "ImageType", "(0008,0008)", "PS3.3 C.7.6.1.1.2", "is X, wanted Y")


def action(policy: Policy, given: Finding, sender: Sender = SENDER) -> Action:
    return decide((given,), policy, sender).action


def sections() -> dict[str, dict[str, Any]]:
    return {name: each for name, each in tomllib.loads(TEXT).items() if name != "policy"}


def test_every_section_and_key_is_there_and_none_besides() -> None:
    written = tomllib.loads(TEXT)
    defaults = Settings()
    for name in set(Settings.model_fields) - {"device"}:
        assert set(written[name]) == set(type(getattr(defaults, name)).model_fields), name
    assert set(written) == set(Settings.model_fields) - {"device"}


def test_every_value_is_the_default() -> None:
    loaded, defaults = load(FILE, {}), Settings()
    for section, keys in sections().items():
        for key in keys:
            assert getattr(getattr(loaded, section), key) == getattr(getattr(defaults, section), key), (section, key)
    assert loaded.policy.study_safe is defaults.policy.study_safe


@pytest.mark.parametrize("key", [(section, key) for section, keys in sections().items() for key in keys])
def test_every_key_has_its_sentence(key: tuple[str, str]) -> None:
    assert re.search(rf"(?m)^{key[1]} = .*  # \S.*\.$", TEXT), key


def test_every_matcher_of_a_line_and_key_of_a_device_is_shown() -> None:
    for name in {*PolicyLine.model_fields, *Device.model_fields}:
        assert re.search(rf"(?m)^#?.*\b{name}\b", TEXT), name


@given(st.sampled_from(["duplicate-different", "image-type-value-1", "undecodable"]), st.sampled_from(list(Severity)))
def test_the_shipped_policy_written_out_changes_nothing(rule: str, severity: Severity) -> None:
    written = compile_policy(load(FILE, {}))
    assert action(written, finding(rule, severity)) is action(SHIPPED, finding(rule, severity))


def test_the_shown_device_is_a_device(tmp_path: Path) -> None:
    (device,) = policy(tmp_path, 0).devices
    assert (device.name, device.mode, device.cap) == ("CT 2, Trauma", "observe", Action.ACCEPT)


def test_a_research_archive_quarantines_errors_and_flags_warnings(tmp_path: Path) -> None:
    archive = policy(tmp_path, 1)
    assert action(archive, finding("value-not-enumerated")) is Action.QUARANTINE
    assert action(archive, finding("value-not-enumerated", "warning")) is Action.FLAG
    assert action(archive, finding("value-not-enumerated", "note")) is Action.ACCEPT


def test_strict_image_type_rejects_maps_and_quarantines_images(tmp_path: Path) -> None:
    strict = policy(tmp_path, 2)
    a_map = Sender("MODALITY", "DICOMGATE", "198.51.100.1", PARAMETRIC_MAP)
    assert action(strict, finding("image-type-value-1"), a_map) is Action.REJECT
    assert action(strict, finding("frame-type-value-1")) is Action.QUARANTINE
    assert action(strict, finding("value-not-enumerated"), a_map) is Action.FLAG
    assert action(strict, finding("image-type-value-1", "warning"), a_map) is Action.ACCEPT


def test_only_the_scanner_that_is_being_replaced_is_spared(tmp_path: Path) -> None:
    spared = policy(tmp_path, 3)
    old = Sender("OLD_CT", "DICOMGATE", "192.0.2.5")
    assert action(spared, finding("image-type-value-1"), old) is Action.ACCEPT
    assert action(spared, finding("value-not-enumerated"), old) is Action.FLAG
    assert action(spared, finding("image-type-value-1")) is Action.REJECT
    assert action(spared, finding("image-type-value-1"), Sender("OLD_CT", "", "198.51.100.1")) is Action.REJECT
