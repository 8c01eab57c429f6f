"""Writes the rule reference from the rules: `python -m rules.reference` prints docs/rules.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.encode import Element
from rules.model import Example, Rule
from rules.registry import all_rules, iods_of


def reference() -> str:
    """The whole reference in Markdown."""
    every = all_rules().values()
    lines = [
        "# Rules",
        "",
        "Written by `python -m rules.reference` from the rules themselves; do not edit.",
        "",
        "| rule | severity | section | what is wrong |",
        "| --- | --- | --- | --- |",
        *(f"| [{each.id}](#{each.id}) | {each.severity} | {section_of(each)} | {each.summary} |" for each in every),
        "",
    ]
    for each in every:
        lines += [f"## {each.id}", "", f"{each.severity}, {section_of(each)}", "", each.summary, ""]
        lines += [each.reason, ""] if each.reason else []
        lines += [*_examples("Good", each.good), *_examples("Bad", each.bad)]
    return "\n".join(lines).rstrip("\n") + "\n"


def page(rule: Rule) -> str:
    """One rule in plain text, as `dicomgate rules show` prints it."""
    lines = [rule.id, f"  {rule.severity}, {section_of(rule)}", "", f"  {rule.summary}"]
    lines += ["", *_wrapped(rule.reason)] if rule.reason else []
    if rule.of is not None:
        lines += ["", f"  Asked of: {', '.join(iods_of(rule))}"]
    for head, examples in (("Good", rule.good), ("Bad", rule.bad)):
        lines += ["", f"  {head}:", *(f"    {_short(each)}" for each in examples)] if examples else []
    return "\n".join(lines) + "\n"


def as_json(rule: Rule) -> dict[str, Any]:
    """One rule as JSON-able values; bytes are told in hexadecimal, a value with a VR of its own as both."""
    return {
        "rule": rule.id,
        "severity": rule.severity.value,
        "section": section_of(rule),
        "summary": rule.summary,
        "reason": rule.reason,
        "iods": iods_of(rule) or None,
        "from_tables": rule.from_tables,
        "good": [_plain(each) for each in rule.good],
        "bad": [_plain(each) for each in rule.bad],
    }


def section_of(rule: Rule) -> str:
    """The rule's section with its document: "PS3.3 C.8.32.2"."""
    return rule.section if rule.section.startswith("PS3.") else f"PS3.3 {rule.section}"


def _examples(head: str, examples: tuple[Example, ...]) -> list[str]:
    return [f"{head}:", "", *(f"- `{_short(each)}`" for each in examples), ""] if examples else []


def _short(value: object) -> str:
    """An example in one line, as one would say it: ImageType CT\\..., sequences in brackets."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, list | tuple):
        if any(isinstance(each, Mapping) for each in value):
            return "[" + "; ".join(_short(each) for each in value) + "]"
        return "\\".join(_short(each) for each in value) or "(empty)"
    if isinstance(value, Element):
        return f"{_short(value.value)} (as {value.vr})"
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return "(empty)" if value in (None, "") else str(value).replace("\r", "\\r").replace("\n", "\\n")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Element):
        return {"vr": value.vr, "value": _plain(value.value)}
    return value.hex() if isinstance(value, bytes) else value


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return [f"  {line}" for line in wrap(text, 96)]


if __name__ == "__main__":
    print(reference(), end="")
