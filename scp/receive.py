"""The one road: bytes -> header -> findings -> verdict -> store + journal -> answer.

Every door asks `begin` for a part to write the Data Set to, then `receive` for a receipt. When
`receive` returns, bytes and row are durable. It raises NoRoom, DatabaseGone, or what went wrong; then
nothing of the instance is kept, and the sender may try again.
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
from scp.file_meta import file_meta
from scp.ids import Ids
from scp.journal import Journal
from scp.policy import FORCED, Policy, decide
from scp.records import Earlier, Receipt
from scp.sender import Sender, clean, sender_of
from scp.status import Status, status_of
from scp.store import INSTANCES, QUARANTINE, REJECTED, Part, Store
from scp.tickets import draw_ticket
from scp.verdict import Action, Decision, Verdict

_KEPT_AS = {
    Action.ACCEPT: INSTANCES,
    Action.FLAG: INSTANCES,
    Action.QUARANTINE: QUARANTINE,
    Action.REJECT: REJECTED,
}


@dataclass(frozen=True, slots=True)
class Node:
    """What the road needs of the node; made once, in `service`, and passed."""

    name: str
    configuration: str
    """Digest of the effective configuration."""
    ids: Ids
    rules: RuleSet
    policy: Policy
    store: Store
    engine: sa.Engine
    journal: Journal
    committer: Committer


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
    started = perf_counter()
    header = read_header(arrival.data, arrival.request.transfer_syntax_uid)
    checked = check(header, node.rules)
    findings = (*disagreements(arrival.request, header), *checked.findings)
    check_ms = (perf_counter() - started) * 1000
    return node.committer.commit(Instance(arrival, header, checked, findings, check_ms, node))


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
        checked = Checked(iod="", edition=node.rules.edition, findings=(), undecided=0)
        header = read_header(b"", EXPLICIT_VR_LITTLE_ENDIAN)
        draft = _draft(self._request, header, _sender(self._request, header), checked, 0.0, node)
        return replace(
            draft,
            verdict=Action.REJECT.value,
            status=self._status.code,
            ticket=draw_ticket(),
            policy=node.policy.digest,
            decisions=(self._decision,),
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
        self._draft = replace(
            _draft(arrival.request, header, self._sender, checked, check_ms, node),
            size=arrival.part.size,
            digest=arrival.part.digest,
            receive_ms=arrival.receive_ms,
        )

    def sync(self) -> None:
        """Make the bytes durable, before anything is decided. Raises NoRoom."""
        self.part.sync()

    def conclude(self, earlier: Sequence[Earlier], store: Store) -> Receipt:
        """Decide, and put what is kept in its place. A repeat keeps nothing: its first copy is never touched."""
        draft = replace(self._draft, ticket=draw_ticket())
        copy, duplicate = earlier_copy(draft.digest, draft.transfer_syntax_uid, earlier)
        settled = tuple(each for each in self._findings if each.rule in FORCED)
        refused = any(FORCED[each.rule] is Action.REJECT for each in settled)
        if copy is not None and duplicate is not None and not refused:
            # What no policy has a say in was so the first time, and is so again.
            verdict = decide((*settled, duplicate), self._node.policy, self._sender)
            action = Action.QUARANTINE if copy.verdict == Action.QUARANTINE else Action.ACCEPT
            return _concluded(draft, replace(verdict, action=action), stored=None, repeat_of=copy.id)
        findings = self._findings if duplicate is None else (*self._findings, duplicate)
        if self._node.policy.study_safe and self._draft.study_instance_uid in self._arrival.rejected_studies:
            findings = (*findings, rejected_before())
        verdict = decide(findings, self._node.policy, self._sender)
        return _concluded(draft, verdict, stored=self._keep(verdict.action, store), repeat_of=None)

    def _keep(self, action: Action, store: Store) -> str:
        kind = _KEPT_AS[action]
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
        if self._header_part is not None and self._draft.study_instance_uid:
            self._arrival.rejected_studies.add(self._draft.study_instance_uid)
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
    )


def _draft(request: Request, header: Header, sender: Sender, checked: Checked, check_ms: float, node: Node) -> Receipt:
    """The receipt, but for what the bytes and the verdict decide."""
    return Receipt(
        id=request.id,
        received_at=request.received_at,
        door=request.door,
        association_id=request.association_id,
        calling_ae=request.calling_ae,
        called_ae=request.called_ae,
        address=request.address,
        device=request.device,
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
        size=0,
        digest="",
        verdict="",
        status=0,
        ticket="",
        iod=checked.iod,
        edition=checked.edition,
        rule_set=node.rules.version,
        policy="",
        undecided=checked.undecided,
        repeat_of=None,
        stored=None,
        receive_ms=0.0,
        check_ms=check_ms,
        token=request.token,
    )


def _concluded(draft: Receipt, verdict: Verdict, *, stored: str | None, repeat_of: int | None) -> Receipt:
    return replace(
        draft,
        verdict=verdict.action.value,
        status=status_of(verdict),
        policy=verdict.policy,
        device=verdict.device,
        stored=stored,
        repeat_of=repeat_of,
        decisions=verdict.decisions,
    )
