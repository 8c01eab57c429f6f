"""The road of `check`: a file's bytes to header, findings and verdict; nothing is stored or journalled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from rules.engine import RuleSet, check, load_rules
from rules.header import NotDicom, read_part10
from scp.config_file import nothing_set
from scp.files import Candidate, Unreadable, all_but_pixels
from scp.policy import SHIPPED, Policy, compile_policy, decide
from scp.sender import sender_of
from scp.verdict import Verdict

PAGE_IN = 1 << 16
"""Bytes of a mapped file that are read ahead of the clock, so that what is measured is checking and not the disk."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What files are held against; made once a process."""

    rules: RuleSet
    policy: Policy
    calling_ae: str
    called_ae: str


@dataclass(frozen=True, slots=True)
class Examined:
    """One file that is DICOM, with the verdict it would get. `elapsed_ms` is from bytes in memory to verdict."""

    path: str
    sop_class_uid: str
    sop_instance_uid: str
    iod: str
    edition: str
    verdict: Verdict
    undecided: int
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Failed:
    """One file or folder that could not be read, and why."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file met in a folder that is no DICOM and is not called so."""

    path: str


Outcome = Examined | Failed | PassedOver


def make_bench(config: Path | None = None, edition: str | None = None, calling_ae: str = "") -> Bench:
    """The rules and the policy that hold; ConfigError for a broken configuration, ValueError for an unknown edition.

    Reading a configuration takes longer than checking a file, so it is not read where none is set.
    """
    if nothing_set(config):
        return Bench(load_rules(edition), SHIPPED, calling_ae, "")
    from scp.config import load

    settings = load(config)
    rules = load_rules(edition or settings.rules.edition)
    return Bench(rules, compile_policy(settings), calling_ae, settings.dimse.ae_title)


def examine(candidate: Candidate, bench: Bench) -> Outcome:
    """What is to be said of one file. Raises nothing that the file could bring about."""
    if candidate.problem:
        return Failed(candidate.path, candidate.problem)
    try:
        with all_but_pixels(candidate.path) as data:
            _ = data[:PAGE_IN]
            started = perf_counter()
            header = read_part10(data)
            try:
                checked = check(header, bench.rules)
                sender = sender_of(header, calling_ae=bench.calling_ae, called_ae=bench.called_ae, address="")
                verdict = decide(checked.findings, bench.policy, sender)
                elapsed = (perf_counter() - started) * 1000
                return Examined(
                    path=candidate.path,
                    sop_class_uid=sender.sop_class_uid,
                    sop_instance_uid=header.text("SOPInstanceUID") or "",
                    iod=checked.iod,
                    edition=checked.edition,
                    verdict=verdict,
                    undecided=checked.undecided,
                    elapsed_ms=elapsed,
                )
            finally:
                header.release()
    except NotDicom as error:
        return PassedOver(candidate.path) if candidate.may_be_else else Failed(candidate.path, str(error))
    except Unreadable as error:
        return Failed(candidate.path, str(error))
