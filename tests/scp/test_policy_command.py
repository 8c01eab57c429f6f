"""`dicomgate policy`: the policy as configured, and what it decided of instances received."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from databases import a_receipt

from rules.model import Finding, Severity
from scp.commands.policy import policy
from scp.config import load
from scp.ids import Ids
from scp.journal import Journal
from scp.policy import Policy, compile_policy, decide
from scp.sender import Sender

SITE = """
[[policy.line]]
rule = "image-type-*"
calling_ae = "OLD_*"
then = "reject"
[[device]]
name = "old CT"
ae_titles = "OLD_CT"
mode = "flag"
"""
SENDER = Sender("OLD_CT", "DICOMGATE", "192.0.2.1")
FINDINGS = (
    Finding("image-type-value-1", Severity.ERROR, "ImageType", "(0008,0008)", "PS3.3 C.8.32.2", "is X", 1),
    Finding("value-not-defined", Severity.WARNING, "Modality", "(0008,0060)", "PS3.3 C.7.3.1", "is Y"),
)


def site(folder: Path, engine: sa.Engine, text: str = SITE) -> Path:
    file = folder / "site.toml"
    url = engine.url.render_as_string(hide_password=False)
    file.write_text(f"audit.url = {json.dumps(url)}\n{text}")
    return file


def run(*words: object) -> Result:
    return CliRunner().invoke(policy, list(map(str, words)))


def received(journal: Journal, ids: Ids, by: Policy) -> str:
    """The ticket of an instance that was received and decided by a policy."""
    verdict = decide(FINDINGS, by, SENDER)
    receipt = a_receipt(ids.next())
    receipt = replace(
        receipt,
        calling_ae="OLD_CT",
        verdict=verdict.action.value,
        device=verdict.device,
        policy=verdict.policy,
        decisions=verdict.decisions,
    )
    with journal.transaction() as writer:
        writer.write([receipt])
    return receipt.ticket


def test_each_finding_of_a_ticket_names_its_line_and_its_cap(
    tmp_path: Path, engine: sa.Engine, journal: Journal, ids: Ids
) -> None:
    file = site(tmp_path, engine)
    ticket = received(journal, ids, compile_policy(load(file, {})))
    result = run("explain", ticket, "--config", file)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "  flag        error    image-type-value-1 (0008,0008)",
        "              line 1: rule image-type-*, calling_ae OLD_*, then reject; "
        "device 'old CT' in mode flag caps reject at flag",
        "  accept      warning  value-not-defined (0008,0060)",
        "              no line matches: warning is accept by default",
    ]
    assert result.stdout.startswith(f"{ticket}: flag; from OLD_CT, device 'old CT'; policy ")


def test_json_says_the_same(tmp_path: Path, engine: sa.Engine, journal: Journal, ids: Ids) -> None:
    file = site(tmp_path, engine)
    ticket = received(journal, ids, compile_policy(load(file, {})))
    found = json.loads(run("explain", ticket, "--config", file, "--format", "json").stdout)
    assert (found["ticket"], found["verdict"], found["device"]) == (ticket, "flag", "old CT")
    first = found["findings"][0]
    assert (first["action"], first["wanted"], first["line"]) == ("flag", "reject", 1)


def test_a_decision_of_an_earlier_policy_is_known_by_number(
    tmp_path: Path, engine: sa.Engine, journal: Journal, ids: Ids
) -> None:
    ticket = received(journal, ids, compile_policy(load(site(tmp_path, engine), {})))
    result = run("explain", ticket, "--config", site(tmp_path, engine, ""))
    assert "that policy is no longer configured" in result.stdout
    assert "line 1: of another policy, then reject" in result.stdout


def test_an_unknown_ticket_is_exit_code_1(tmp_path: Path, engine: sa.Engine) -> None:
    result = run("explain", "7XK2M9QD4T", "--config", site(tmp_path, engine))
    assert result.exit_code == 1
    assert "no receipt with the ticket" in result.stderr


def test_where_nothing_was_received_yet_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f"audit.url = 'sqlite:///{tmp_path}/none/audit.db'")
    result = run("explain", "7XK2M9QD4T", "--config", file)
    assert result.exit_code == 1
    assert "nothing received yet" in result.stderr


def test_a_database_that_cannot_be_reached_is_exit_code_2_without_its_password(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("audit.url = 'postgresql://gate:secret@127.0.0.1:1/audit'")
    result = run("explain", "7XK2M9QD4T", "--config", file)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stderr


def test_the_policy_is_shown_in_the_order_it_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DICOMGATE_CONFIG", raising=False)
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    shown = run("show", "--config", file).stdout.splitlines()
    assert shown[:-1] == [
        "line 1: rule image-type-*, calling_ae OLD_*, then reject",
        "no line: errors and duplicate-different flag, the rest is accepted",
        "device 'old CT': ae_titles OLD_CT; mode flag, at most flag",
    ]
