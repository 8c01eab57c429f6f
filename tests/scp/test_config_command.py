"""`dicomgate config check` and `show`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel

from rules.editions import EDITIONS
from scp.commands.config import config
from scp.config import load
from scp.settings import Settings


@pytest.fixture(autouse=True)
def nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DICOMGATE_CONFIG", raising=False)


def run(*words: str, text: str | None = None) -> Result:
    if text is not None:
        Path("site.toml").write_text(text)
        words = (*words, "--config", "site.toml")
    return CliRunner().invoke(config, words)


def test_three_mistakes_are_three_lines() -> None:
    result = run("check", text="[dimse]\nprot = 1\nport = 'x'\n[store]\ndurability = 'none'\n")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(":")[2] for line in result.stderr.splitlines()] == ["2", "3", "5"]


def test_a_sound_file_says_so() -> None:
    result = run("check", text="[dimse]\nport = 104\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("site.toml: sound; digest ")


def test_without_a_file_the_defaults_are_sound() -> None:
    assert run("check").stdout.startswith("no file, so the defaults: sound")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[policy.line]]\nrule = ['image-type-*', 'imagetype-*']\nthen = 'flag'",
            "warning: site.toml:2: no rule is called 'imagetype-*'",
        ),
        (
            "[[policy.line]]\nthen = 'flag'\n[[policy.line]]\nthen = 'reject'\nseverity = 'error'",
            "warning: site.toml:1: policy line 1 matches every finding",
        ),
        (
            "[dimse]\nmax_associations = 8\nmax_associations_per_address = 4",
            "warning: default: dimse.max_associations_per_ae is 32",
        ),
        (
            "[audit]\npatient_identity = 'plain'\nidentity_key_file = 'k'",
            "warning: site.toml:3: audit.identity_key_file is not used",
        ),
    ],
)
def test_what_is_surely_not_meant_is_a_warning(text: str, said: str) -> None:
    result = run("check", text=text)
    assert result.exit_code == 0
    assert said in result.stdout


@pytest.mark.parametrize("rule", ["rule-broke", "undecodable", "duplicate-*", "sop-class-mismatch", "encoding"])
def test_rules_that_need_more_than_a_header_are_known_too(rule: str) -> None:
    assert "warning" not in run("check", text=f"[[policy.line]]\nrule = '{rule}'\nthen = 'flag'").stdout


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_edition_that_is_here_can_be_chosen(edition: str) -> None:
    assert run("check", text=f"[rules]\nedition = '{edition}'").exit_code == 0


def test_an_edition_that_is_not_here_is_a_mistake() -> None:
    result = run("check", text="[rules]\nedition = '1999a'")
    assert result.exit_code == 2
    assert result.stderr.startswith("dicomgate: site.toml:2: rules.edition: ")


SITE = """\
dimse.port = 104
audit.url = "postgresql://gate:secret@db/audit"
[[policy.line]]
rule = "image-type-*"
address = "192.0.2.0/24"
then = "reject"
[[device]]
name = "CT \\"1\\""
ae_titles = ["CT1"]
"""


def test_what_is_shown_is_a_configuration_of_the_same_meaning() -> None:
    shown = run("show", text=SITE).stdout
    Path("again.toml").write_text(shown.replace("***", "secret"))
    assert load(Path("again.toml")).digest == load(Path("site.toml")).digest


def test_what_is_shown_can_be_read_again_whatever_is_written_in_it() -> None:
    comment = 'Grüße 😀 "\\\u007f'
    text = f"[[device]]\nname = 'CT'\naddresses = '192.0.2.1'\ncomment = {json.dumps(comment, ensure_ascii=False)}\n"
    shown = run("show", text=text.replace("\x7f", "\\u007f")).stdout
    Path("again.toml").write_text(shown)
    assert load(Path("again.toml")).device[0].comment == comment


def test_every_key_of_every_section_is_shown() -> None:
    wanted = {f"{name}.{key}" for name, section in Settings() if isinstance(section, BaseModel) for key, _ in section}
    rows = json.loads(run("show", "--format", "json").stdout)["values"]
    assert {each["key"] for each in rows} == wanted - {"policy.line"}
    shown = tomllib.loads(run("show").stdout)
    assert {f"{name}.{key}" for name, section in shown.items() for key in section} == wanted - {"policy.line"}


def test_what_is_shown_names_origins_and_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMGATE_HTTP__PORT", "80")
    shown = run("show", text=SITE).stdout
    assert "secret" not in shown
    assert "port = 104  # site.toml:1" in shown
    assert "port = 80  # DICOMGATE_HTTP__PORT" in shown
    assert 'ae_title = "DICOMGATE"  # default' in shown
    assert 'then = "reject"  # site.toml:6' in shown


def test_json_has_a_row_a_value() -> None:
    shown = json.loads(run("show", "--format", "json", text=SITE).stdout)
    rows = {each["key"]: each for each in shown["values"]}
    assert rows["dimse.port"] == {"key": "dimse.port", "value": 104, "origin": "site.toml:1"}
    assert rows["policy.line.0.rule"]["value"] == ["image-type-*"]
    assert "secret" not in json.dumps(shown)
