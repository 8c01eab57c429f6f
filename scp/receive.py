"""The one road: bytes -> header -> findings -> verdict -> store + journal -> answer.

Every door asks `begin` for a part to write the Data Set to, then `receive` for a receipt. When
`receive` returns, bytes and row are durable. It raises NoRoom, DatabaseGone, or what went wrong; then
nothing of the instance is kept, and the sender may try again. A door whose sender waits asks for the
same in steps: `checked`, the committer, the answer, and only then `settle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import sqlalchemy as sa

from rules.engine import Checked, RuleSet, check
from rules.header import Header, read_header
from rules.model import Finding
from rules.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from scp.arrival import Arrival, Request, disagreements, earlier_copy, rejected_before
from scp.committer import Committer
from scp.devices import Known
from scp.file_meta import file_meta
from scp.ids import Ids
from scp.journal import Journal
from scp.metrics import Metrics
from scp.policy import FORCED, Policy, decide
from scp.records import Earlier, Receipt
from scp.sender import Sender, clean, sender_of
from scp.status import Status, status_of
from scp.store import INSTANCES, QUARANTINE, REJECTED, Part, Store
from scp.tickets import draw_ticket
from scp.verdict import Action, Decision, Verdict

KEPT_AS = {
    Action.ACCEPT: INSTANCES,
    Action.FLAG: INSTANCES,
    Action.QUARANTINE: QUARANTINE,
    Action.REJECT: REJECTED,
}
"""Where in the store an instance is kept; what is rejected, without its pixel data."""


@dataclass(frozen=True, slots=True)
class Node:
    """What the road needs of the node; made once, in `service`, and passed."""

    name: str
    configuration: str
    """Digest of the effective configuration."""
    ids: Ids
    rules: RuleSet
    policy: Policy
    known: Known
    store: Store
    engine: sa.Engine
    journal: Journal
    committer: Committer
    metrics: Metrics


def begin(request: Request, node: Node) -> Part:
    """A part that holds the File Meta Information and waits for the Data Set. Raises NoRoom."""
    head = file_meta(
        request.sop_class_uid,
        request.sop_instance_uid,
        request.transfer_syntax_uid,
        request.calling_ae,
        request.called_ae,
    )
    return node.store.begin(request.id, head)


def receive(arrival: Arrival, node: Node) -> Receipt:
    """Check, decide, keep and record one instance; its receipt, once that is durable."""
    instance = checked(arrival, node)
    receipt = node.committer.commit(instance)
    instance.settle()
    return receipt


def checked(arrival: Arrival, node: Node) -> Instance:
    """The first half of `receive`: an instance for the committer, alone or with others; then it is settled."""
    started = perf_counter()
    arrival.part.hasten()
    header = read_header(arrival.data, arrival.request.transfer_syntax_uid, forget=arrival.part.forget)
    found = check(header, node.rules)
    findings = (*disagreements(arrival.request, header), *found.findings)
    check_ms = (perf_counter() - started) * 1000
    return Instance(arrival, header, found, findings, check_ms, node)


def refuse(request: Request, finding: Finding, status: Status, node: Node) -> Receipt:
    """Record an instance of which nothing is kept; its receipt, once that is durable."""
    return node.committer.commit(Refused(request, finding, status, node))


class Refused:
    """An instance that is turned away before its Data Set is looked at, on its way to be recorded."""

    def __init__(self, request: Request, finding: Finding, status: Status, node: Node) -> None:
        self.sop_instance_uid = ""
        """Never looked up: what was announced may be no UID."""
        self._request = request
        self._decision = Decision(finding, Action.REJECT, Action.REJECT, 0)
        self._status = status
        self._node = node

    def sync(self) -> None:
        """There are no bytes."""

    def conclude(self, earlier: Sequence[Earlier], store: Store) -> Receipt:
        """The receipt of a refusal."""
        node = self._node
        header = read_header(b"", EXPLICIT_VR_LITTLE_ENDIAN)
        return _receipt(
            self._request,
            header,
            _sender(self._request, header),
            Checked(iod="", edition=node.rules.edition, findings=(), undecided=0),
            node,
            verdict=Verdict(Action.REJECT, (self._decision,), self._request.device, node.policy.digest),
            status=self._status.code,
        )

    def withdraw(self, store: Store) -> None:
        """Nothing was kept."""

    def settle(self) -> None:
        """Nothing was kept."""

    def abandon(self) -> None:
        """Nothing was kept."""


class Instance:
    """A checked instance on its way through the committer, which decides once it knows of earlier copies."""

    def __init__(
        self,
        arrival: Arrival,
        header: Header,
        checked: Checked,
        findings: tuple[Finding, ...],
        check_ms: float,
        node: Node,
    ) -> None:
        self.part = arrival.part
        self.sop_instance_uid = arrival.request.sop_instance_uid
        self._arrival = arrival
        self._header = header
        self._findings = findings
        self._node = node
        self._header_part: Part | None = None
        self._sender = _sender(arrival.request, header)
        self._study = clean(header.text("StudyInstanceUID") or "")
        self._checked = checked
        self._check_ms = check_ms
        self._digest = arrival.part.digest

    def sync(self) -> None:
        """Make the bytes durable, before anything is decided. Raises NoRoom."""
        self.part.sync()

    def conclude(self, earlier: Sequence[Earlier], store: Store) -> Receipt:
        """Decide, and put what is kept in its place. A repeat keeps nothing: its first copy is never touched."""
        copy, duplicate = earlier_copy(self._digest, self._arrival.request.transfer_syntax_uid, earlier)
        policy = self._node.policy
        settled = tuple(each for each in self._findings if each.rule in FORCED)
        refused = any(FORCED[each.rule] is Action.REJECT for each in settled)
        if copy is not None and duplicate is not None and not refused:
            # What no policy has a say in was so the first time, and is so again.
            verdict = decide((*settled, duplicate), policy, self._sender)
            action = Action.QUARANTINE if copy.verdict == Action.QUARANTINE else Action.ACCEPT
            return self._receipt(replace(verdict, action=action), stored=None, repeat_of=copy.id)
        findings = self._findings if duplicate is None else (*self._findings, duplicate)
        if policy.study_safe and self._study in self._arrival.rejected_studies:
            findings = (*findings, rejected_before())
        verdict = decide(findings, policy, self._sender)
        return self._receipt(verdict, stored=self._keep(verdict.action, store), repeat_of=None)

    def _receipt(self, verdict: Verdict, *, stored: str | None, repeat_of: int | None) -> Receipt:
        return _receipt(
            self._arrival.request,
            self._header,
            self._sender,
            self._checked,
            self._node,
            verdict=verdict,
            status=status_of(verdict).code,
            size=self.part.size,
            digest=self._digest,
            stored=stored,
            repeat_of=repeat_of,
            receive_ms=self._arrival.receive_ms,
            check_ms=self._check_ms,
        )

    def _keep(self, action: Action, store: Store) -> str:
        kind = KEPT_AS[action]
        if action is not Action.REJECT:
            return store.place(self.part, kind)
        request = self._arrival.request
        known = transfer_syntax(request.transfer_syntax_uid)
        # The inflated header is kept as what it is then.
        inflated = known is not None and known.deflated
        syntax = EXPLICIT_VR_LITTLE_ENDIAN if inflated else request.transfer_syntax_uid
        head = file_meta(request.sop_class_uid, request.sop_instance_uid, syntax, request.calling_ae, request.called_ae)
        before_pixels = memoryview(self._header.source.data)[: self._header.pixel_offset]
        self._header_part = store.begin_header(request.id, head, before_pixels)
        return store.place(self._header_part, kind)

    def withdraw(self, store: Store) -> None:
        """Put the part back among the incoming, as if nothing had been decided."""
        store.take_back(self.part)
        if self._header_part is not None:
            self._header_part.discard()
            self._header_part = None

    def settle(self) -> None:
        """Close what is kept; remove the part where it is not."""
        if self._header_part is not None and self._study:
            self._arrival.rejected_studies.add(self._study)
        if self.part.place is None:
            self.part.discard()
        else:
            self.part.close()
        if self._header_part is not None:
            self._header_part.close()

    def abandon(self) -> None:
        """Remove all that there is of the part, wherever it is by now; what was found in the store stays there."""
        self.part.give_up()
        if self._header_part is not None:
            self._header_part.discard()
            self._header_part = None


def _sender(request: Request, header: Header) -> Sender:
    return sender_of(
        header,
        calling_ae=request.calling_ae,
        called_ae=request.called_ae,
        address=request.address,
        sop_class_uid=request.sop_class_uid,
        door=request.door,
        token=request.token,
    )


def _receipt(
    request: Request,
    header: Header,
    sender: Sender,
    checked: Checked,
    node: Node,
    *,
    verdict: Verdict,
    status: int,
    size: int = 0,
    digest: str = "",
    stored: str | None = None,
    repeat_of: int | None = None,
    receive_ms: float = 0.0,
    check_ms: float = 0.0,
) -> Receipt:
    return Receipt(
        id=request.id,
        received_at=request.received_at,
        door=request.door,
        association_id=request.association_id,
        calling_ae=request.calling_ae,
        called_ae=request.called_ae,
        address=request.address,
        device=verdict.device,
        sop_class_uid=clean(request.sop_class_uid),
        sop_instance_uid=clean(request.sop_instance_uid),
        series_instance_uid=clean(header.text("SeriesInstanceUID") or ""),
        study_instance_uid=clean(header.text("StudyInstanceUID") or ""),
        transfer_syntax_uid=request.transfer_syntax_uid,
        modality=sender.modality,
        manufacturer=sender.manufacturer,
        model=sender.model,
        software_versions=clean("\\".join(sender.software_versions)),
        patient_id=clean(header.text("PatientID") or ""),
        patient_name=clean(header.text("PatientName") or ""),
        size=size,
        digest=digest,
        verdict=verdict.action.value,
        status=status,
        ticket=draw_ticket(),
        iod=checked.iod,
        edition=checked.edition,
        rule_set=node.rules.version,
        policy=verdict.policy,
        undecided=checked.undecided,
        repeat_of=repeat_of,
        stored=stored,
        receive_ms=receive_ms,
        check_ms=check_ms,
        token=request.token,
        decisions=verdict.decisions,
    )
