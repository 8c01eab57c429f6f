"""From findings to a verdict: lines, devices, caps, and the reasons given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model import Finding, Severity
from scp.policy import CAPS, FORCED, SHIPPED, Policy, compile_policy, decide, device_of, explain
from scp.sender import Sender
from scp.settings import Device, PolicyLine, PolicySection, Settings
from scp.verdict import Action

SENDER = Sender(
    calling_ae="OLD_CT",
    called_ae="DICOMGATE",
    address="192.0.2.17",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    modality="CT",
    manufacturer="ACME Medical",
    model="Scan 9",
    software_versions=("syngo", "9.1.2"),
)
"""A CT Image from a scanner that every matcher below knows."""


def finding(rule: str = "image-type-value-1", severity: str = "error") -> Finding:
    return Finding(rule, Severity(severity), "ImageType", "(0008,0008)", "PS3.3 C.8.32.2", "is ORIGINAL", 1)


def policy(*lines: dict[str, Any], devices: tuple[dict[str, Any], ...] = ()) -> Policy:
    section = PolicySection(line=tuple(PolicyLine(**each) for each in lines))
    return compile_policy(Settings(policy=section, device=tuple(Device(**each) for each in devices)))


def action(policy: Policy, *findings: Finding, sender: Sender = SENDER) -> Action:
    return decide(findings or (finding(),), policy, sender).action


def test_actions_order_from_the_mildest_to_the_strongest() -> None:
    assert sorted(Action) == [Action.ACCEPT, Action.FLAG, Action.QUARANTINE, Action.REJECT]
    assert max(Action.FLAG, Action.REJECT, Action.ACCEPT) is Action.REJECT


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (finding(severity="error"), "flag"),
        (finding(severity="warning"), "accept"),
        (finding(severity="note"), "accept"),
        (finding("rule-broke"), "flag"),
        (finding("duplicate-different", "warning"), "flag"),
        (finding("duplicate-same", "note"), "accept"),
        (finding("undecodable"), "quarantine"),
        (finding("sop-class-mismatch"), "reject"),
        (finding("sop-instance-mismatch"), "reject"),
    ],
    ids=lambda each: f"{each.rule}-{each.severity}" if isinstance(each, Finding) else each,
)
def test_the_shipped_policy(given: Finding, wanted: str) -> None:
    assert action(SHIPPED, given) == wanted


def test_nothing_found_is_accepted() -> None:
    verdict = decide((), SHIPPED, SENDER)
    assert (verdict.action, verdict.decisions, verdict.device) == (Action.ACCEPT, (), None)


def test_the_shipped_policy_is_what_the_defaults_compile_to() -> None:
    compiled = compile_policy(Settings())
    assert (compiled.digest, compiled.lines, compiled.devices) == (SHIPPED.digest, SHIPPED.lines, SHIPPED.devices)


def test_exception_for_one_sender_comes_first() -> None:
    strict = policy(
        {"then": "accept", "rule": "image-type-*", "calling_ae": "OLD_CT"}, {"then": "reject", "severity": "error"}
    )
    assert action(strict) is Action.ACCEPT
    assert action(strict, finding("value-not-enumerated")) is Action.REJECT
    assert action(strict, sender=replace(SENDER, calling_ae="NEW_CT")) is Action.REJECT


def test_the_strongest_action_over_all_findings_wins_and_leads() -> None:
    mixed = policy({"then": "quarantine", "rule": "b"}, {"then": "flag"})
    verdict = decide((finding("a"), finding("b"), finding("c")), mixed, SENDER)
    assert verdict.action is Action.QUARANTINE
    assert [each.line for each in verdict.decisions] == [2, 1, 2]
    assert verdict.leading is not None
    assert verdict.leading.finding.rule == "b"


@pytest.mark.parametrize(
    "matches",
    [
        {"rule": "image-type-*"},
        {"rule": ["frame-type-*", "image-type-value-[12]"]},
        {"severity": "error"},
        {"severity": ["warning", "error"]},
        {"calling_ae": "OLD_*"},
        {"called_ae": "DICOMGATE"},
        {"address": "192.0.2.17"},
        {"address": ["198.51.100.0/24", "192.0.2.0/28", "192.0.2.16/30"]},
        {"sop_class": "1.2.840.10008.5.1.4.1.1.2"},
        {"sop_class": ["MR Image", "ct image"]},
        {"modality": "ct"},
        {"manufacturer": "acme*"},
        {"model": ["Scan 8", "scan ?"]},
        {"software_version": "9.*"},
        {"rule": "image-*", "calling_ae": "OLD_CT", "manufacturer": "ACME*", "address": "192.0.2.0/24"},
        {},
    ],
    ids=str,
)
def test_a_line_matches_when_all_that_it_names_matches(matches: dict[str, Any]) -> None:
    assert action(policy({"then": "reject", **matches})) is Action.REJECT


@pytest.mark.parametrize(
    "matches",
    [
        {"rule": "image-type"},
        {"rule": "IMAGE-TYPE-*"},
        {"severity": ["note", "warning"]},
        {"calling_ae": "old_ct"},
        {"called_ae": "ELSE"},
        {"address": "192.0.2.16"},
        {"address": "2001:db8::/32"},
        {"sop_class": "Enhanced CT Image"},
        {"modality": "C"},
        {"manufacturer": "ACME"},
        {"model": "Scan 8"},
        {"software_version": "9.1"},
        {"rule": "image-*", "calling_ae": "OLD_CT", "manufacturer": "ACME*", "address": "198.51.100.0/24"},
    ],
    ids=str,
)
def test_a_line_is_passed_over_when_one_thing_does_not_match(matches: dict[str, Any]) -> None:
    assert action(policy({"then": "reject", **matches})) is Action.FLAG


@pytest.mark.parametrize("address", ["", "unknown", "192.0.2", "/run/socket"])
def test_a_sender_without_an_address_matches_no_network(address: str) -> None:
    everywhere = policy({"then": "reject", "address": ["0.0.0.0/0", "::/0"]})
    assert action(everywhere, sender=replace(SENDER, address=address)) is Action.FLAG


def test_an_ipv4_peer_of_an_ipv6_socket_is_known_by_its_ipv4_address() -> None:
    four = policy({"then": "reject", "address": "192.0.2.0/24"})
    assert action(four, sender=replace(SENDER, address="::ffff:192.0.2.9")) is Action.REJECT
    six = policy({"then": "reject", "address": "2001:db8::/32"})
    assert action(six, sender=replace(SENDER, address="2001:db8::1%eth0")) is Action.REJECT


@pytest.mark.parametrize(
    ("mode", "capped"), [("observe", "accept"), ("flag", "flag"), ("quarantine", "quarantine"), ("reject", "reject")]
)
def test_a_devices_mode_caps_the_action(mode: str, capped: str) -> None:
    site = policy({"then": "reject"}, devices=({"name": "CT 1", "mode": mode, "ae_titles": "OLD_CT"},))
    verdict = decide((finding(),), site, SENDER)
    assert (verdict.action, verdict.device) == (capped, "CT 1")
    assert verdict.decisions[0].wanted is Action.REJECT
    assert action(site, sender=replace(SENDER, calling_ae="ELSE")) is Action.REJECT


def test_a_mode_never_makes_an_action_stronger() -> None:
    site = policy({"then": "accept"}, devices=({"name": "CT 1", "mode": "quarantine", "ae_titles": "*"},))
    assert action(site) is Action.ACCEPT


@pytest.mark.parametrize("rule", sorted(FORCED))
def test_no_policy_softens_what_cannot_be_read_or_names_itself_wrongly(rule: str) -> None:
    lenient = policy({"then": "accept"}, devices=({"name": "all", "mode": "observe", "ae_titles": "*"},))
    verdict = decide((finding(rule),), lenient, SENDER)
    assert verdict.action is FORCED[rule]
    assert verdict.decisions[0].line == 0


def test_a_policy_may_reject_what_cannot_be_read() -> None:
    assert action(policy({"then": "reject"}), finding("undecodable")) is Action.REJECT


def test_a_device_is_found_by_all_that_is_named_of_it_the_first_in_the_file() -> None:
    site = policy(
        devices=(
            {"name": "other model", "ae_titles": "OLD_CT", "model": "Scan 8"},
            {"name": "this one", "ae_titles": ["X", "OLD_*"], "addresses": "192.0.2.0/24", "manufacturer": "acme*"},
            {"name": "anything", "ae_titles": "*"},
        )
    )
    assert device_of(site, SENDER) == "this one"
    assert device_of(site, replace(SENDER, address="198.51.100.1")) == "anything"
    assert device_of(SHIPPED, SENDER) is None


def test_the_digest_changes_with_lines_and_devices_and_with_nothing_else() -> None:
    base = compile_policy(Settings())
    assert compile_policy(Settings.model_validate({"dimse": {"port": 1}})).digest == base.digest
    others = {policy({"then": "flag"}).digest, policy(devices=({"name": "a", "ae_titles": "A"},)).digest}
    assert len({base.digest, *others}) == 3


def test_an_explanation_says_which_line_decided_and_what_capped_it() -> None:
    site = policy(
        {"then": "reject", "rule": ["a", "b*"], "severity": "error", "calling_ae": "OLD_CT"},
        devices=({"name": "CT 1", "mode": "flag", "ae_titles": "OLD_CT"},),
    )
    findings = (finding("a"), finding("c"), finding("d", "note"), finding("undecodable"))
    assert list(explain(decide(findings, site, SENDER), site)) == [
        "flag: a (0008,0008) (line 1: rule a or b*, severity error, calling_ae OLD_CT, then reject; "
        "device 'CT 1' in mode flag caps reject at flag)",
        "flag: c (0008,0008) (no line matches: error is flag by default)",
        "accept: d (0008,0008) (no line matches: note is accept by default)",
        "quarantine: undecodable (0008,0008) (no policy has a say in this rule)",
    ]
    assert list(explain(decide((), site, SENDER), site)) == ["accept: no findings"]


def test_a_verdict_of_an_earlier_policy_can_still_be_explained() -> None:
    site = policy({"then": "reject"}, devices=({"name": "CT 1", "mode": "flag", "ae_titles": "*"},))
    (line,) = explain(decide((finding("a"),), site, SENDER), SHIPPED)
    assert line == ("flag: a (0008,0008) (line 1: of another policy, then reject; device 'CT 1' caps reject at flag)")


actions = st.sampled_from([each.value for each in Action])
findings = st.lists(
    st.builds(finding, st.sampled_from(["a", "b", "undecodable"]), st.sampled_from([each.value for each in Severity])),
    max_size=5,
)
lines = st.lists(
    st.fixed_dictionaries(
        {"then": actions},
        optional={"rule": st.sampled_from(["a", "*"]), "severity": st.sampled_from(["error", "note"])},
    ),
    max_size=3,
)


@given(findings, lines, st.sampled_from(sorted(CAPS)))
def test_any_verdict_is_its_strongest_decision_within_the_cap(
    found: list[Finding], given_lines: list[dict[str, Any]], mode: str
) -> None:
    site = policy(*given_lines, devices=({"name": "all", "mode": mode, "ae_titles": "*"},))
    verdict = decide(tuple(found), site, SENDER)
    assert [each.finding for each in verdict.decisions] == found
    assert verdict.action == max((each.action for each in verdict.decisions), default=Action.ACCEPT)
    for each in verdict.decisions:
        assert each.action <= max(CAPS[mode], FORCED.get(each.finding.rule, Action.ACCEPT))
        assert each.action <= each.wanted


def test_after_a_rejection_of_its_study_nothing_is_rejected_that_a_policy_decides() -> None:
    site = policy(
        {"then": "reject", "severity": "error"}, devices=({"name": "CT 1", "mode": "flag", "ae_titles": "X"},)
    )
    before = finding("study-rejected-before", "note")
    assert action(site, before) is Action.QUARANTINE
    assert action(site, finding(), before) is Action.QUARANTINE
    assert action(site, finding("sop-class-mismatch"), before) is Action.REJECT
    assert action(site, before, sender=replace(SENDER, calling_ae="X")) is Action.FLAG
    assert list(explain(decide((finding("a"), before), site, SENDER), site)) == [
        "quarantine: a (0008,0008) (line 1: severity error, then reject; policy.study_safe quarantines it, since its "
        "study had an instance rejected)",
        "quarantine: study-rejected-before (0008,0008) (policy.study_safe)",
    ]
