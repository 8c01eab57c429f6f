"""`dicomgate policy`: what the site's policy is, and what it decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scp.commands.opening import configured, say, settings_and_database

if TYPE_CHECKING:
    from scp.policy import Policy
    from scp.settings import Settings
    from scp.verdict import Verdict

CONFIG = click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file.")


@click.group()
def policy() -> None:
    """Show the site's policy, and explain what it decided."""


@policy.command()
@CONFIG
def show(config: Path | None) -> None:
    """Print the policy in the order in which its lines are asked, and the devices with their modes."""
    from scp.policy import compile_policy

    compiled = compile_policy(configured(config))
    for line in compiled.lines:
        click.echo(f"line {line.number}: {line.words}, then {line.then}")
    click.echo("no line: errors and duplicate-different flag, the rest is accepted")
    for device in compiled.devices:
        words = ", ".join(each.words for each in device.matchers)
        click.echo(f"device {device.name!r}: {words}; mode {device.mode}, at most {device.cap}")
    click.echo(f"digest {compiled.digest[:12]}")


@policy.command()
@click.argument("what", metavar="TICKET|UID|ID")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@CONFIG
def explain(what: str, form: str, config: Path | None) -> None:
    """Say which line decided each finding of a received instance, and what capped it.

    Of an instance that was decided by an earlier policy the line numbers are known, but not their words.

    Exit code 0: explained; 1: nothing of that name was received; 2: the audit cannot be asked.
    """
    from scp.policy import SHIPPED, compile_policy, why

    row, verdict, settings = _received(what, config)
    compiled = compile_policy(settings)
    decided_by = compiled if compiled.digest == verdict.policy else SHIPPED
    if form == "json":
        click.echo(json.dumps(_as_object(row, verdict, decided_by)))
        return
    device = f", device {verdict.device!r}" if verdict.device else ""
    click.echo(f"{row['ticket']}: {verdict.action}; from {row['calling_ae']}{device}; policy {verdict.policy[:12]}")
    if decided_by.digest != verdict.policy:
        click.echo(f"that policy is no longer configured (now {compiled.digest[:12]}): its lines are known by number")
    for each in verdict.decisions:
        finding = each.finding
        click.echo(f"  {each.action:<10}  {finding.severity:<7}  {finding.rule} {finding.tag}".rstrip())
        click.echo(f"              {why(each, verdict, decided_by)}")
    if not verdict.decisions:
        click.echo("  no findings")


def _as_object(row: dict[str, Any], verdict: Verdict, decided_by: Policy) -> dict[str, object]:
    from scp.policy import why

    return {
        "ticket": row["ticket"],
        "sop_instance_uid": row["sop_instance_uid"],
        "verdict": verdict.action.value,
        "device": verdict.device,
        "policy": verdict.policy,
        "findings": [
            {
                "rule": each.finding.rule,
                "severity": each.finding.severity.value,
                "path": each.finding.path,
                "action": each.action.value,
                "wanted": each.wanted.value,
                "line": each.line,
                "why": why(each, verdict, decided_by),
            }
            for each in verdict.decisions
        ],
    }


def _received(what: str, config: Path | None) -> tuple[dict[str, Any], Verdict, Settings]:
    """The receipt that is meant, its verdict as the audit has it, and the settings of now."""
    with settings_and_database(config) as (settings, engine):
        from scp.database import is_absent, reading
        from scp.queries import find, instance
        from scp.schema import State, state

        if is_absent(engine) or state(engine) is State.EMPTY:
            raise SystemExit(say(f"nothing received yet: no audit at {settings.audit.shown_url}", 1))
        with reading(engine) as connection:
            receipt_id = find(connection, what)
            if receipt_id is None:
                raise SystemExit(say(f"no receipt with the ticket, SOP Instance UID or id {what}", 1))
            found = instance(connection, receipt_id)
    return found["receipt"], _verdict(found["receipt"], found["findings"]), settings


def _verdict(row: dict[str, Any], findings: list[dict[str, Any]]) -> Verdict:
    from rules.model import Finding, Severity
    from scp.verdict import Action, Decision, Verdict

    decisions = tuple(
        Decision(
            finding=Finding(
                rule=each["rule"],
                severity=Severity(each["severity"]),
                path=each["path"],
                tag=each["tag"],
                section=each["section"],
                message=each["message"],
                value_number=each["value_number"],
                count=each["count"],
                first=each["first_path"],
                last=each["last_path"],
            ),
            action=Action(each["action"]),
            wanted=Action(each["wanted_action"]),
            line=each["policy_line"],
        )
        for each in findings
    )
    return Verdict(Action(row["verdict"]), decisions, row["device"], row["policy"])
