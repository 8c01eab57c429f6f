"""What `check` found, as SARIF 2.1.0 (OASIS), which code scanning and editors read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from rules.model import Finding, Rule, Severity
from rules.reference import section_of
from rules.registry import all_rules
from scp import __version__
from scp.examine import Examined, Failed
from scp.reports.run import Run, Told
from scp.reports.wording import place, printable, repeats, without_items
from scp.verdict import Decision

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
UNREADABLE = "unreadable"
"""Id of the notification that a file could not be read."""
BROKE = "rule-broke"
"""Stands for a rule that raised, and is none itself."""

Object = dict[str, Any]


def sarif(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """One log of one run. Results are written as they come, a line each, so that many need no memory."""
    rules = [*(_rule(each) for each in all_rules().values()), _broke()]
    index = {each["id"]: number for number, each in enumerate(rules)}
    yield f'{{"$schema": {_json(SCHEMA)},\n"version": "2.1.0",\n"runs": [{{\n"tool": {_json(_tool(rules, run))},\n'
    yield '"results": ['
    artifacts: list[Object] = []
    unread: list[Object] = []
    separator, with_errors = "\n", False
    for outcome in outcomes:
        location: Object = {"uri": uri_of(outcome.path), "index": len(artifacts)}
        artifacts.append(_artifact(outcome, location["uri"]))
        if isinstance(outcome, Failed):
            unread.append(_notification(outcome, location))
            continue
        for result in _results(outcome, location, index):
            yield separator + _json(result)
            separator, with_errors = ",\n", with_errors or result["level"] == "error"
    yield '\n],\n"artifacts": [' + ",".join(f"\n{_json(each)}" for each in artifacts)
    exit_code = 2 if unread else 1 if with_errors else 0
    yield f'\n],\n"invocations": [{_json(_invocation(run, unread, exit_code))}]\n}}]}}\n'


def uri_of(path: str) -> str:
    """A file's URI: relative for a relative path, every byte that RFC 3986 reserves percent-encoded."""
    pure = PurePath(path)
    return Path(path).as_uri() if pure.is_absolute() else quote(os.fsencode(pure.as_posix()))


def fingerprint(outcome: Examined, finding: Finding, seen: Counter[str]) -> str:
    """What makes a result the same in the next run: instance, rule and Attribute, and which of several it is.

    Neither the file's place counts, nor the message, nor the frame in which a fault was seen first. `seen` counts
    those of one file.
    """
    instance = outcome.sop_instance_uid or uri_of(outcome.path)
    same = "\0".join([instance, finding.rule, without_items(finding.path), str(finding.value_number or "")])
    digest = sha256(same.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"


def _tool(rules: list[Object], run: Run) -> Object:
    return {
        "driver": {
            "name": "dicomgate",
            "version": __version__,
            "semanticVersion": __version__,
            "shortDescription": _message("Checks DICOM instances against PS3.3."),
            "rules": rules,
            "notifications": [
                {
                    "id": UNREADABLE,
                    "shortDescription": _message("A file could not be read."),
                    "fullDescription": _message("A file or folder could not be read, or a named file is no DICOM."),
                    "help": _message("See that the path exists, may be read and leads to DICOM files."),
                    "defaultConfiguration": {"level": "error"},
                }
            ],
            "properties": {"edition": run.rules.edition, "rule_set": run.rules.version},
        }
    }


def _rule(rule: Rule) -> Object:
    section = section_of(rule)
    return {
        "id": rule.id,
        "shortDescription": _message(rule.summary),
        "fullDescription": _message(f"{rule.summary} {rule.reason}".strip()),
        "help": _message(f"{rule.reason or rule.summary} See {section}."),
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"section": section},
    }


def _broke() -> Object:
    return {
        "id": BROKE,
        "shortDescription": _message("A rule could not be asked."),
        "fullDescription": _message("A rule raised an exception, so that this instance was not checked against it."),
        "help": _message("This is a fault of dicomgate, not of the instance. Report it with the file, if you may."),
        "defaultConfiguration": {"level": Severity.ERROR.value},
        "properties": {"section": "dicomgate"},
    }


def _results(outcome: Examined, location: Object, index: dict[str, int]) -> Iterator[Object]:
    seen: Counter[str] = Counter()
    for decision in outcome.verdict.decisions:
        finding = decision.finding
        where: Object = {"physicalLocation": {"artifactLocation": location}}
        if finding.path:
            where["logicalLocations"] = [{"fullyQualifiedName": printable(finding.path), "kind": "property"}]
        same = fingerprint(outcome, finding, seen)
        text = f"{place(finding)}: {finding.message}" if finding.path else finding.message
        yield {
            "ruleId": finding.rule,
            "ruleIndex": index[finding.rule],
            "level": finding.severity.value,
            "message": _message(f"{text}{repeats(finding)} ({finding.section})"),
            "locations": [where],
            # GitHub matches by the first name alone, though nothing here has lines.
            "partialFingerprints": {"primaryLocationLineHash": same, "instanceAttribute/v1": same},
            "properties": _properties(decision),
        }


def _properties(decision: Decision) -> Object:
    finding = decision.finding
    properties: Object = {"tag": finding.tag, "section": finding.section, "action": decision.action.value}
    if finding.value_number is not None:
        properties["value_number"] = finding.value_number
    if finding.count > 1:
        properties |= {"count": finding.count, "first": finding.first, "last": finding.last}
    return properties


def _artifact(outcome: Told, uri: str) -> Object:
    artifact: Object = {"location": {"uri": uri}, "roles": ["analysisTarget"]}
    if isinstance(outcome, Examined):
        artifact["mimeType"] = "application/dicom"
        artifact["properties"] = {
            "sop_class_uid": outcome.sop_class_uid,
            "sop_instance_uid": outcome.sop_instance_uid,
            "iod": outcome.iod,
            "verdict": outcome.verdict.action.value,
            "undecided": outcome.undecided,
        }
    return artifact


def _notification(outcome: Failed, location: Object) -> Object:
    return {
        "descriptor": {"id": UNREADABLE, "index": 0},
        "level": "error",
        "message": _message(outcome.error),
        "locations": [{"physicalLocation": {"artifactLocation": location}}],
    }


def _invocation(run: Run, unread: list[Object], exit_code: int) -> Object:
    return {
        "executionSuccessful": not unread,
        "exitCode": exit_code,
        "startTimeUtc": f"{run.started:%Y-%m-%dT%H:%M:%SZ}",
        "endTimeUtc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": unread,
    }


def _message(text: str) -> Object:
    """A message whose text is plain: its braces are no placeholders (3.11.5), its brackets no links (3.11.6)."""
    return {"text": printable(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")}


def _json(value: object) -> str:
    return json.dumps(value)
