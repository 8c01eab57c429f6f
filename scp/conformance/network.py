"""Section 7 of the template: Association parameters, what is accepted, and every status."""

from __future__ import annotations

from xml.etree import ElementTree

from scp.admission import (
    BY_PRESENTATION,
    BY_USER,
    CALLED_AE_NOT_RECOGNIZED,
    CALLING_AE_NOT_RECOGNIZED,
    CONNECTIONS_AN_ASSOCIATION,
    LOCAL_LIMIT_EXCEEDED,
    PERMANENT,
    TRANSIENT,
)
from scp.conformance.document import Block, Points, Row, Section, Table, code
from scp.conformance.words import limit, size
from scp.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.settings import Settings
from scp.status import C_STORE_STATUSES, STORE_STATUSES, Status, may_carry_comment, may_carry_elements
from scp.web.dicomweb import CAPABILITIES

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"


def network(settings: Settings) -> Section:
    """Associations, HTTP connections and statuses."""
    return Section(
        "Network Communication Details",
        (),
        (
            Section("Physical network", ("TCP/IP over IPv4 and IPv6, on whatever network the host has.",)),
            Section(
                f"Application Entity {code(settings.dimse.ae_title)}",
                (),
                (
                    Section("Association parameters", (_parameters(settings),)),
                    Section("Association initiation", ("No Association is initiated.",)),
                    Section("Association acceptance", _acceptance(settings)),
                ),
            ),
            Section(
                "Status codes",
                (),
                (
                    Section("Verification: C-ECHO", (_echo(),)),
                    Section("Storage: C-STORE", (_store(),)),
                    Section("Store Transaction: HTTP status codes", (_responses(),)),
                    Section("Store Transaction: Warning Reasons and Failure Reasons", (_reasons(),)),
                ),
            ),
        ),
    )


def _parameters(settings: Settings) -> Table:
    dimse = settings.dimse
    return Table.of(
        "Association parameters",
        ("Name", "Value", "Configured by"),
        [
            ("Application Context Name", APPLICATION_CONTEXT, "fixed"),
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID, "fixed"),
            ("Implementation Version Name", code(IMPLEMENTATION_VERSION_NAME), "fixed"),
            ("Maximum PDU length received", f"{dimse.maximum_pdu} bytes", "`dimse.maximum_pdu`"),
            ("Associations at once", str(dimse.max_associations), "`dimse.max_associations`"),
            (
                "Associations at once from one address",
                limit(dimse.max_associations_per_address),
                "`dimse.max_associations_per_address`",
            ),
            (
                "Associations at once of one Calling AE Title",
                limit(dimse.max_associations_per_ae),
                "`dimse.max_associations_per_ae`",
            ),
            ("Asynchronous operations", "not negotiated: one operation at a time", "fixed"),
            (
                "Until an A-ASSOCIATE-RQ must be whole (ARTIM)",
                f"{dimse.association_timeout:g} s",
                "`dimse.association_timeout`",
            ),
            ("Without a message, until an A-ABORT", f"{dimse.idle_timeout:g} s", "`dimse.idle_timeout`"),
            ("Inside a PDU, until an A-ABORT", f"{dimse.pdu_timeout:g} s", "`dimse.pdu_timeout`"),
            ("Size of an instance", size(dimse.max_instance_size), "`dimse.max_instance_size`"),
        ],
    )


def _acceptance(settings: Settings) -> tuple[Block, ...]:
    dimse = settings.dimse
    connections = dimse.max_associations * CONNECTIONS_AN_ASSOCIATION
    calling = (
        "Only Calling AE Titles of known devices are accepted (`dimse.unknown_senders`)."
        if dimse.unknown_senders == "reject"
        else "Any Calling AE Title is accepted, since `dimse.unknown_senders` is accept."
    )
    called = (
        f"Only Associations that call {code(dimse.ae_title)} are accepted (`dimse.require_called_ae`)."
        if dimse.require_called_ae
        else "Any Called AE Title is answered, since `dimse.require_called_ae` is false."
    )
    return (
        f"{calling} {called}",
        Table.of(
            "Rejected Associations (A-ASSOCIATE-RJ, PS3.8 9.3.4)",
            ("Result", "Source", "Reason", "When"),
            [*_refusals(settings)],
        ),
        f"More than {connections} connections at once, or {connections // 2} from one address, are closed without an "
        "answer.",
        Points(
            (
                "A presentation context is accepted where section 1.1 lists its SOP Class and one of its Transfer "
                "Syntaxes; of several the first that is named. Several contexts for one SOP Class are accepted. A "
                "device that has a list of SOP Classes may send those alone.",
                "One that is not: result 3 (abstract syntax not supported) or 4 (Transfer Syntaxes not supported). An "
                "Association none of whose contexts is acceptable is accepted all the same, with none.",
                "SCP/SCU Role Selection, SOP Class Extended Negotiation, User Identity and Asynchronous Operations "
                "Window are left unanswered: the defaults hold, and nobody is refused for them.",
            )
        ),
    )


def _refusals(settings: Settings) -> list[Row]:
    rows: list[Row] = []
    if settings.dimse.unknown_senders == "reject":
        unknown = "the sender is no known device"
        rows.append(_refusal(PERMANENT, BY_USER, CALLING_AE_NOT_RECOGNIZED, unknown))
    if any(each.ae_titles and (each.addresses or each.certificate) for each in settings.device):
        other = "it calls itself by a device's AE Title, but its address or its certificate is not the device's"
        rows.append(_refusal(PERMANENT, BY_USER, CALLING_AE_NOT_RECOGNIZED, other))
    if any(each.called_ae_titles for each in settings.device):
        elsewhere = "it calls what the device that it is may not call"
        rows.append(_refusal(PERMANENT, BY_USER, CALLED_AE_NOT_RECOGNIZED, elsewhere))
    if settings.dimse.require_called_ae:
        rows.append(_refusal(PERMANENT, BY_USER, CALLED_AE_NOT_RECOGNIZED, "the Called AE Title is another"))
    full = "as many Associations are open as the limits of section 7.2.1 allow: try again later"
    rows.append(_refusal(TRANSIENT, BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED, full))
    return rows


def _refusal(result: int, source: int, reason: int, when: str) -> Row:
    return (
        f"{result} ({_RESULTS[result]})",
        f"{source} ({_SOURCES[source]})",
        f"{reason} ({_REASONS[source, reason]})",
        when,
    )


_RESULTS = {PERMANENT: "rejected-permanent", TRANSIENT: "rejected-transient"}
_SOURCES = {BY_USER: "service-user", BY_PRESENTATION: "service-provider, presentation"}
_REASONS = {
    (BY_USER, CALLING_AE_NOT_RECOGNIZED): "calling-AE-title-not-recognized",
    (BY_USER, CALLED_AE_NOT_RECOGNIZED): "called-AE-title-not-recognized",
    (BY_PRESENTATION, LOCAL_LIMIT_EXCEEDED): "local-limit-exceeded",
}


def _echo() -> Table:
    return Table.of(
        "Statuses of C-ECHO as SCP",
        ("Service Status", "Further Meaning", "Status Codes", "Related Fields", "Condition"),
        [("Success", "Success", "0x0000", "none", "always")],
    )


def _store() -> Table:
    return Table.of(
        "Statuses of C-STORE as SCP",
        ("Service Status", "Further Meaning", "Status Codes", "Related Fields", "Condition", "What is kept"),
        [
            (_service_status(each), each.meaning, f"0x{each.code:04X}", _fields(each), each.when, each.kept)
            for each in C_STORE_STATUSES
        ],
    )


def _service_status(status: Status) -> str:
    if status.is_failure:
        return "Failure"
    return "Warning" if status.code else "Success"


def _fields(status: Status) -> str:
    fields = [
        *(["(0000,0901)"] if may_carry_elements(status.code) else []),
        *(["(0000,0902)"] if may_carry_comment(status.code) else []),
    ]
    return " ".join(fields) or "none"


def _responses() -> Table:
    return Table.of(
        "HTTP status codes of the Store transaction",
        ("HTTP status code", "When"),
        [(str(each), RESPONSES[each]) for each in response_codes()],
    )


def response_codes() -> tuple[int, ...]:
    """The HTTP status codes of the Store transaction, as its capabilities say."""
    tree = ElementTree.fromstring(CAPABILITIES)  # noqa: S314  # our own file
    found = (each.attrib["status"] for each in tree.iter("{http://wadl.dev.java.net/2009/02}response"))
    return tuple(sorted(int(each) for codes in found for each in codes.split()))


RESPONSES = {
    200: "all instances are stored, and nothing is to be said of them",
    202: "some are stored; others failed, or the policy flagged or quarantined some",
    400: "the body is not what its Content-Type says; nothing is kept",
    401: "a token is needed, and none that is good was shown",
    403: "the token is not for storing, or the sender may not send",
    406: "the answer is wanted in a form that is not given",
    408: "the client was too slow",
    409: "no instance is stored, for reasons of the instances",
    413: "the request is beyond a limit",
    415: "the body is in a form that is not taken",
    429: "the client has too many requests under way, or began too many in a minute",
    500: "no instance is stored, by a fault of dicomgate's own",
    503: "no instance is stored, since nothing can be now: send it again after Retry-After",
}
"""When each HTTP status code of the Store transaction is given."""


def _reasons() -> Table:
    return Table.of(
        "Warning Reason (0008,1196) and Failure Reason (0008,1197)",
        ("Attribute", "Value", "Hexadecimal", "Meaning", "Condition", "What is kept"),
        [
            (
                "Failure Reason" if each.is_failure else "Warning Reason",
                str(each.reason),
                f"{each.reason:04X}H",
                each.meaning,
                each.when,
                each.kept,
            )
            for each in STORE_STATUSES
            if each.reason is not None
        ],
    )
