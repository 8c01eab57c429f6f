"""What is sound in a configuration but surely not meant: for `config check`."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from rules.registry import all_rules
from scp.arrival import ARRIVAL_RULES
from scp.certificates import now, validities
from scp.config import Loaded
from scp.policy import FORCED, compile_policy

MADE_BY_ENGINE = frozenset({"rule-broke"})
"""Rules that no topic registers."""


def advice(loaded: Loaded) -> Iterator[str]:
    """One line each; none of them stops a start."""
    settings = loaded.settings
    yield from _rules_unknown(loaded)
    yield from _lines_unreached(loaded)
    for each in validities(settings):
        words = each.trouble(now())
        if words is not None:
            yield f"{loaded.origin(tuple(each.key.split('.')))}: {words}"
    if settings.dimse.unknown_senders == "reject":
        for number, device in enumerate(settings.device):
            if not (device.ae_titles or device.addresses or device.tokens):
                yield (
                    f"{loaded.origin(('device', number, 'name'))}: {device.name!r} is told by its equipment alone, so "
                    'dimse.unknown_senders = "reject" refuses it: give ae_titles, addresses or tokens'
                )
    dimse = settings.dimse
    for key in ("max_associations_per_address", "max_associations_per_ae"):
        if getattr(dimse, key) > dimse.max_associations:
            yield (
                f"{loaded.origin(('dimse', key))}: dimse.{key} is {getattr(dimse, key)}, "
                f"and dimse.max_associations is reached first, at {dimse.max_associations}"
            )
    if settings.audit.patient_identity == "plain" and settings.audit.identity_key_file:
        origin = loaded.origin(("audit", "identity_key_file"))
        yield f"{origin}: audit.identity_key_file is not used while patient_identity is plain"


def _rules_unknown(loaded: Loaded) -> Iterator[str]:
    known = {*all_rules(), *ARRIVAL_RULES, *FORCED, *MADE_BY_ENGINE}
    for number, line in enumerate(loaded.settings.policy.line):
        origin = loaded.origin(("policy", "line", number, "rule"))
        for glob in line.rule:
            if not fnmatch.filter(known, glob):
                yield f"{origin}: no rule is called {glob!r}; `dicomgate rules list` names them"


def _lines_unreached(loaded: Loaded) -> Iterator[str]:
    """Lines behind one that matches whatever they match."""
    lines = compile_policy(loaded.settings).lines
    for line in lines:
        if line.rule is None and not line.severities and not line.matchers and line is not lines[-1]:
            origin = loaded.origin(("policy", "line", line.number - 1))
            yield f"{origin}: policy line {line.number} matches every finding, so no line behind it is asked"
            return
