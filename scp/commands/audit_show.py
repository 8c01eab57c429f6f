"""All that the audit knows of one instance, as text for people and as fields for CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scp.commands.tabular import shown


def as_lines(found: Mapping[str, Any], store: Path) -> Iterator[str]:
    """What `queries.instance` gives, in lines; `store` is the folder that `stored` is relative to."""
    receipt = {name: shown(value) for name, value in found["receipt"].items()}
    its = found["association"]
    yield f"{receipt['verdict'].upper()}  {receipt['iod'] or receipt['sop_class_uid']}  ticket {receipt['ticket']}"
    yield ""
    sender = f"{receipt['calling_ae']} at {receipt['address']}, calling {receipt['called_ae']}"
    if receipt["door"] == "stow":
        sender = receipt["address"] + (f", token {receipt['token']}" if receipt["token"] else "")
    equipment = " ".join(filter(None, (receipt["manufacturer"], receipt["model"], receipt["software_versions"])))
    fields = {
        "received": f"{receipt['received_at']} by {receipt['node']} over {receipt['door']}",
        "from": sender + (f", device {receipt['device']}" if receipt["device"] else ""),
        "equipment": equipment,
        "answered": f"0x{found['receipt']['status']:04X}",
        "instance": receipt["sop_instance_uid"],
        "Series": receipt["series_instance_uid"],
        "Study": receipt["study_instance_uid"],
        "SOP Class": f"{receipt['sop_class_uid']} ({receipt['modality']})",
        "syntax": receipt["transfer_syntax_uid"],
        "size": f"{receipt['size']} bytes, SHA-256 {receipt['digest']}",
        "patient": f"ID {receipt['patient_id'] or 'none'}, name {receipt['patient_name'] or 'none'}",
        "bytes": str(store / receipt["stored"]) if receipt["stored"] else _not_kept(found),
        "checked by": f"edition {receipt['edition']}, rule set {receipt['rule_set']}, policy {receipt['policy']}; "
        f"{receipt['undecided']} conditions undecided",
        "took": f"{receipt['receive_ms']} ms to receive, {receipt['check_ms']} ms to check",
        "association": _association(its),
        "id": receipt["id"],
    }
    yield from (f"{name:12}{value}" for name, value in fields.items() if value)
    yield ""
    yield from _findings(found["findings"])
    for title in ("earlier", "later"):
        if found[title]:
            yield f"\n{title} arrivals of this instance:"
            for each in found[title]:
                same = "the same bytes" if each["digest"] == found["receipt"]["digest"] else "other bytes"
                yield (
                    f"  {shown(each['received_at'])}  {each['verdict']:10}  {shown(each['calling_ae']):16}  "
                    f"{each['ticket']}  {same}{'' if each['stored'] else ', not kept'}"
                )


def as_fields(value: object, name: str = "") -> Iterator[dict[str, object]]:
    """The same as rows of `field` and `value`, `findings.1.rule` and so on, Items counted from 1."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from as_fields(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from as_fields(inner, f"{name}.{number}")
    else:
        yield {"field": name, "value": value}


def _not_kept(found: Mapping[str, Any]) -> str:
    repeated = found["receipt"]["repeat_of"]
    return f"those of receipt {repeated}, which this repeats" if repeated else "not kept"


def _association(its: Mapping[str, Any] | None) -> str:
    if its is None:
        return ""
    ending = f"{its['ending']} at {shown(its['closed_at'])}" if its["closed_at"] else "still open"
    return (
        f"{its['id']}, opened {shown(its['opened_at'])} from port {its['port']}, {ending}; "
        f"{shown(its['implementation_version'])} {shown(its['implementation_class_uid'])}"
    )


def _findings(findings: list[dict[str, Any]]) -> Iterator[str]:
    if not findings:
        yield "no findings"
    for each in findings:
        value = f" value {each['value_number']}" if each["value_number"] else ""
        yield f"{each['severity']:8}{each['rule']}: {shown(each['path'])} {each['tag']}{value} {shown(each['message'])}"
        capped = f", capped from {each['wanted_action']}" if each["wanted_action"] != each["action"] else ""
        line = f"policy line {each['policy_line']}" if each["policy_line"] else "no policy line"
        yield f"        {each['section']}; {line}: {each['action']}{capped}"
        if each["count"] > 1:
            yield f"        {each['count']} times, first {shown(each['first_path'])}, last {shown(each['last_path'])}"
