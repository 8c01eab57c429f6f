"""What `check` found, as JUnit XML: the form in which CI systems show tests.

A testsuite is an IOD and a testcase a file. IODs are few and stay the same while folders come and go, what is wrong
differs by IOD, and Jenkins would read the dots of a folder's name as packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from rules.model import Finding, Severity
from scp.examine import Examined, Failed
from scp.reports.run import Run, Told
from scp.reports.wording import counted, findings_of, place, printable, repeats, shown_path

NOT_READ = "Could not be read"
"""The suite of files that are no instance of anything."""
UNLISTED = "SOP Class of no listed IOD"
"""The suite of private and unknown SOP Classes; their UIDs, full of dots, are told in the output."""


def junit(outcomes: Iterable[Told], run: Run) -> Iterator[str]:
    """One testsuites element; it is written when the last file has been checked, since its counts come first."""
    cases: dict[str, list[ET.Element]] = {}
    for outcome in outcomes:
        name = NOT_READ if isinstance(outcome, Failed) else outcome.iod or UNLISTED
        cases.setdefault(name, []).append(_case(name, outcome))
    suites = ET.Element(
        "testsuites", {"name": "dicomgate"} | _counts([each for suite in cases.values() for each in suite])
    )
    for name, suite in sorted(cases.items()):
        about = {"name": name, "skipped": "0", "timestamp": f"{run.started:%Y-%m-%dT%H:%M:%S}"}
        element = ET.SubElement(suites, "testsuite", about | _counts(suite))
        properties = ET.SubElement(element, "properties")
        ET.SubElement(properties, "property", name="edition", value=run.rules.edition)
        ET.SubElement(properties, "property", name="rule_set", value=run.rules.version)
        element.extend(suite)
    ET.indent(suites)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"{ET.tostring(suites, encoding='unicode')}\n"


def _case(suite: str, outcome: Told) -> ET.Element:
    """A file. Its classname is the suite's name, since GitLab shows that and Jenkins groups by it."""
    case = ET.Element("testcase", classname=suite, name=printable(shown_path(outcome.path)))
    if isinstance(outcome, Failed):
        case.set("time", "0")
        words = printable(outcome.error)
        ET.SubElement(case, "error", type="unreadable", message=words).text = words
        return case
    case.set("time", f"{outcome.elapsed_ms / 1000:.6f}")
    findings = findings_of(outcome)
    wrong = [each for each in findings if each.severity == Severity.ERROR]
    if wrong:
        message = f"{counted(len(wrong), 'error')}: {', '.join(dict.fromkeys(each.rule for each in wrong))}"
        ET.SubElement(case, "failure", type=wrong[0].rule, message=message).text = "\n".join(map(_line, wrong))
    told = [*_about(outcome), *(_line(each) for each in findings if each.severity != Severity.ERROR)]
    if told:
        ET.SubElement(case, "system-out").text = "\n".join(told)
    return case


def _about(outcome: Examined) -> Iterator[str]:
    if outcome.verdict.decisions:
        yield f"verdict {outcome.verdict.action}"
    if outcome.undecided:
        yield f"{counted(outcome.undecided, 'requirement')} undecided"
    if not outcome.iod:
        yield f"SOP Class UID {printable(outcome.sop_class_uid) or 'absent'}"


def _line(finding: Finding) -> str:
    where = f"{place(finding)} " if finding.path else ""
    message = printable(finding.message) + repeats(finding)
    return f"{finding.severity}: {where}{message} [{finding.rule}, {finding.section}]"


def _counts(cases: list[ET.Element]) -> dict[str, str]:
    """The attributes that count one suite or all."""
    return {
        "tests": str(len(cases)),
        "failures": str(sum(each.find("failure") is not None for each in cases)),
        "errors": str(sum(each.find("error") is not None for each in cases)),
        "time": f"{sum(float(each.get('time', '0')) for each in cases):.3f}",
    }
