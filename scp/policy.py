"""The site's policy: findings to verdict. Pure: no clock, network, disk or database."""

from __future__ import annotations

import fnmatch
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rules.iods import iods
from rules.model import Finding, Severity
from scp.sender import Sender
from scp.verdict import Action, Decision, Verdict

if TYPE_CHECKING:
    from scp.settings import Device as DeviceEntry
    from scp.settings import PolicyLine, Settings

UNLINED = 0
"""The number of the line that stands behind all others: what holds where no line matches."""

CAPS = {
    "observe": Action.ACCEPT,
    "flag": Action.FLAG,
    "quarantine": Action.QUARANTINE,
    "reject": Action.REJECT,
}
"""The strongest action that a device's mode lets through."""

FLAGGED_UNASKED = frozenset({"duplicate-different"})
"""Rules that flag without a line, though what they see is no error."""

REJECTED_BEFORE = "study-rejected-before"
"""The rule of what `policy.study_safe` keeps apart: an earlier instance of the study was rejected."""

FORCED = {
    "sop-class-mismatch": Action.REJECT,
    "sop-instance-mismatch": Action.REJECT,
    "study-mismatch": Action.REJECT,
    "undecodable": Action.QUARANTINE,
}
"""Rules that neither line nor mode can soften: what names itself wrongly or cannot be read has no safe place."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a line or device on the sender: its words, for people, and the test itself."""

    words: str
    holds: Callable[[Sender], bool]


@dataclass(frozen=True, slots=True)
class Line:
    """A `[[policy.line]]`, compiled. `number` counts from 1."""

    number: int
    then: Action
    words: str
    """The matchers as people read them: `rule image-type-*, severity error, calling_ae OLD_CT`."""
    rule: re.Pattern[str] | None
    severities: frozenset[Severity]
    matchers: tuple[Matcher, ...]

    def speaks_of(self, finding: Finding) -> bool:
        """Whether the line's rule and severity match; the sender is asked for apart."""
        if self.severities and finding.severity not in self.severities:
            return False
        return self.rule is None or self.rule.match(finding.rule) is not None


@dataclass(frozen=True, slots=True)
class Device:
    """A `[[device]]`, compiled."""

    name: str
    mode: str
    cap: Action
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Lines in order, devices in order, and the digest that verdicts name them by. Compared by identity."""

    digest: str
    lines: tuple[Line, ...]
    devices: tuple[Device, ...]
    study_safe: bool = False


def decide(findings: tuple[Finding, ...], policy: Policy, sender: Sender) -> Verdict:
    """The first line that matches gives each finding its action, the device's mode caps it, the strongest wins.

    With the finding `study-rejected-before` nothing is rejected but what no policy has a say in.
    """
    device, lines = _applying(policy, sender)
    name = None if device is None else device.name
    if not findings:
        return Verdict(Action.ACCEPT, (), name, policy.digest)
    decisions = tuple(_decision(each, lines, device) for each in findings)
    if any(each.finding.rule == REJECTED_BEFORE for each in decisions):
        decisions = tuple(map(_spared, decisions))
    return Verdict(max(each.action for each in decisions), decisions, name, policy.digest)


def device_of(policy: Policy, sender: Sender) -> str | None:
    """The name of the first `[[device]]` that the sender matches."""
    device, _ = _applying(policy, sender)
    return None if device is None else device.name


def compile_policy(settings: Settings) -> Policy:
    """The policy and devices of a configuration, ready to decide."""
    lines = tuple(_line(number, each) for number, each in enumerate(settings.policy.line, start=1))
    devices = tuple(_device(each) for each in settings.device)
    values = settings.model_dump(mode="json", include={"policy", "device"})
    return Policy(_digest(values), lines, devices, settings.policy.study_safe)


def explain(verdict: Verdict, policy: Policy) -> Iterator[str]:
    """A line of text for each finding: what it drew, by which line's words, and what capped it."""
    if not verdict.decisions:
        yield f"{verdict.action}: no findings"
    for each in verdict.decisions:
        yield f"{each.action}: {each.finding.rule} {each.finding.tag}".rstrip() + f" ({why(each, verdict, policy)})"


def why(decision: Decision, verdict: Verdict, policy: Policy) -> str:
    """What decided one finding of a verdict, in words."""
    finding = decision.finding
    if decision.line:
        line = next((each for each in policy.lines if each.number == decision.line), None)
        reason = f"line {decision.line}: {line.words if line else 'of another policy'}, then {decision.wanted}"
    elif finding.rule in FORCED and decision.action >= FORCED[finding.rule]:
        return "no policy has a say in this rule"
    elif finding.rule == REJECTED_BEFORE:
        reason = "policy.study_safe"
    else:
        reason = f"no line matches: {finding.severity} is {decision.wanted} by default"
    if decision.action == decision.wanted:
        return reason
    if (decision.wanted, decision.action) == (Action.REJECT, Action.QUARANTINE) and _follows_rejection(verdict):
        return f"{reason}; policy.study_safe quarantines it, since its study had an instance rejected"
    device = next((each for each in policy.devices if each.name == verdict.device), None)
    mode = f" in mode {device.mode}" if device else ""
    return f"{reason}; device {verdict.device!r}{mode} caps {decision.wanted} at {decision.action}"


@lru_cache(maxsize=4096)
def _applying(policy: Policy, sender: Sender) -> tuple[Device | None, tuple[Line, ...]]:
    """What of the policy this sender can meet. Senders are few and instances many, so this is asked once."""
    device = next((each for each in policy.devices if _all_hold(each.matchers, sender)), None)
    return device, tuple(each for each in policy.lines if _all_hold(each.matchers, sender))


def _all_hold(matchers: Iterable[Matcher], sender: Sender) -> bool:
    return all(each.holds(sender) for each in matchers)


def _decision(finding: Finding, lines: tuple[Line, ...], device: Device | None) -> Decision:
    number, wanted = UNLINED, _unasked(finding)
    for line in lines:
        if line.speaks_of(finding):
            number, wanted = line.number, line.then
            break
    action = wanted if device is None else min(wanted, device.cap)
    forced = FORCED.get(finding.rule)
    if forced is not None and action < forced:
        return Decision(finding, forced, forced, UNLINED)
    return Decision(finding, action, wanted, number)


def _spared(decision: Decision) -> Decision:
    """Quarantined rather than rejected, where the policy has a say."""
    if decision.action < Action.REJECT or decision.finding.rule in FORCED:
        return decision
    return replace(decision, action=Action.QUARANTINE)


def _follows_rejection(verdict: Verdict) -> bool:
    return any(each.finding.rule == REJECTED_BEFORE for each in verdict.decisions)


def _unasked(finding: Finding) -> Action:
    """The shipped policy: errors flag, nothing is rejected."""
    if finding.rule == REJECTED_BEFORE:
        return Action.QUARANTINE
    if finding.severity == Severity.ERROR or finding.rule in FLAGGED_UNASKED:
        return Action.FLAG
    return Action.ACCEPT


def _line(number: int, entry: PolicyLine) -> Line:
    words = [f"{key} {' or '.join(values)}" for key in ("rule", "severity") if (values := getattr(entry, key))]
    matchers = tuple(_matchers(entry))
    return Line(
        number=number,
        then=Action(entry.then),
        words=", ".join([*words, *(each.words for each in matchers)]) or "any finding",
        rule=_globs(entry.rule) if entry.rule else None,
        severities=frozenset(map(Severity, entry.severity)),
        matchers=matchers,
    )


def _device(entry: DeviceEntry) -> Device:
    matchers = (*identity_matchers(entry), *_equipment_matchers(entry))
    return Device(entry.name, entry.mode, CAPS[entry.mode], matchers)


def _matchers(entry: PolicyLine) -> Iterator[Matcher]:
    yield from _text("calling_ae", entry.calling_ae, lambda sender: sender.calling_ae, exact=True)
    yield from _text("called_ae", entry.called_ae, lambda sender: sender.called_ae, exact=True)
    yield from _address("address", entry.address)
    yield from _sop_class(entry.sop_class)
    yield from _text("modality", entry.modality, lambda sender: sender.modality)
    yield from _text("manufacturer", entry.manufacturer, lambda sender: sender.manufacturer)
    yield from _text("model", entry.model, lambda sender: sender.model)
    if entry.software_version:
        pattern = _globs(entry.software_version, exact=False)
        yield Matcher(
            f"software_version {' or '.join(entry.software_version)}",
            lambda sender: any(pattern.match(each) for each in sender.software_versions),
        )


def identity_matchers(entry: DeviceEntry) -> Iterator[Matcher]:
    """The matchers of a device that hold or not before any instance is there.

    There are no AE Titles at the HTTP door and no tokens at the other: what a door lacks is not asked for there, so
    long as something else tells who it is.
    """
    for title in (
        *_text("ae_titles", entry.ae_titles, lambda sender: sender.calling_ae, exact=True),
        *_text("called_ae_titles", entry.called_ae_titles, lambda sender: sender.called_ae, exact=True),
    ):
        yield _at_door(title, is_http=False, otherwise=bool(entry.addresses or entry.tokens))
    for token in _text("tokens", entry.tokens, lambda sender: sender.token or "", exact=True):
        yield _at_door(token, is_http=True, otherwise=bool(entry.addresses or entry.ae_titles))
    yield from _address("addresses", entry.addresses)


def _at_door(matcher: Matcher, *, is_http: bool, otherwise: bool) -> Matcher:
    return Matcher(
        matcher.words, lambda sender: matcher.holds(sender) if is_http_door(sender.door) is is_http else otherwise
    )


def is_http_door(door: str) -> bool:
    """Whether what came by this door came without AE Titles."""
    return door == "stow"


def _equipment_matchers(entry: DeviceEntry) -> Iterator[Matcher]:
    yield from _text("manufacturer", entry.manufacturer, lambda sender: sender.manufacturer)
    yield from _text("model", entry.model, lambda sender: sender.model)


def _text(key: str, globs: tuple[str, ...], of: Callable[[Sender], str], *, exact: bool = False) -> Iterator[Matcher]:
    """A matcher on one text of the sender. Case tells AE Titles apart (PS3.5 6.2), but not equipment."""
    if globs:
        pattern = _globs(globs, exact=exact)
        yield Matcher(f"{key} {' or '.join(globs)}", lambda sender: pattern.match(of(sender).strip()) is not None)


def _address(key: str, cidrs: tuple[str, ...]) -> Iterator[Matcher]:
    if not cidrs:
        return
    networks = tuple(ipaddress.ip_network(each, strict=False) for each in cidrs)

    def holds(sender: Sender) -> bool:
        try:
            address = ipaddress.ip_address(sender.address)
        except ValueError:
            return False
        # A socket that serves IPv4 and IPv6 alike gives IPv4 peers as ::ffff:192.0.2.1.
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in each for each in networks)

    yield Matcher(f"{key} {' or '.join(cidrs)}", holds)


def _sop_class(named: tuple[str, ...]) -> Iterator[Matcher]:
    if named:
        uids = frozenset(uid for each in named for uid in uids_of(each))
        yield Matcher(f"sop_class {' or '.join(named)}", lambda sender: sender.sop_class_uid in uids)


def uids_of(named: str) -> tuple[str, ...]:
    """The SOP Classes of an IOD's name, or the one UID that stands there."""
    iod = iods().get(named)
    return (named,) if iod is None else iod.sop_class_uids


def _globs(globs: tuple[str, ...], *, exact: bool = True) -> re.Pattern[str]:
    """One pattern for several globs, any of which may match."""
    return re.compile("|".join(fnmatch.translate(each) for each in globs), 0 if exact else re.IGNORECASE)


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


SHIPPED = Policy(
    _digest({"policy": {"study_safe": False, "line": []}, "device": []}),
    lines=(),
    devices=(),
)
"""What holds without a configuration."""
