"""Section 5 of the template: what the services do with what they are sent."""

from __future__ import annotations

from xml.etree import ElementTree

from rules.model import Finding, Severity
from scp.arrival import ARRIVAL_RULES, DIFFERENT, SAME, TRANSCODED
from scp.conformance.document import Block, Points, Row, Section, Table, code, codes
from scp.conformance.words import limit, size
from scp.policy import FORCED, REJECTED_BEFORE, SHIPPED, Policy, compile_policy, decide
from scp.receive import KEPT_AS
from scp.sender import Sender
from scp.settings import Settings
from scp.status import (
    C_STORE_STATUSES,
    LONGEST_COMMENT,
    MOST_ELEMENTS,
    STATUS_OF_ACTION,
    may_carry_comment,
    may_carry_elements,
)
from scp.stow import LARGEST_METADATA
from scp.stow_metadata import COMPRESSED
from scp.verdict import Action
from scp.web.dicomweb import CAPABILITIES, ROOT

ANYBODY = Sender("", "", "")
"""A sender that no line or device singles out."""


def services(settings: Settings) -> Section:
    """What each service does."""
    return Section(
        "Service and Interoperability Description",
        (),
        (
            Section("Verification Service", ("As SCP, a C-ECHO is answered with status 0x0000.",)),
            _storage(settings),
            _web(settings),
        ),
    )


def _storage(settings: Settings) -> Section:
    policy = compile_policy(settings)
    return Section(
        "Storage Service",
        (
            "As SCP, instances of the SOP Classes of section 1.1 are received by C-STORE.",
            Table.of(
                "Levels of conformance",
                ("Level", "Value", "Meaning"),
                [
                    (
                        "Level of storage (PS3.4 B.4.1)",
                        "2 (Full)",
                        "all Attributes are kept, private ones and those of later editions too",
                    ),
                    (
                        "Level of digital signature support (PS3.4 B.4.1)",
                        "3",
                        "signatures stay valid, since Data Sets are kept bit by bit; they are not verified",
                    ),
                ],
            ),
            "No Attribute is coerced: Data Sets are kept byte by byte, in the Transfer Syntax they came in. "
            "In front of them stands File Meta Information of dicomgate's own; the preamble is zeros. Nothing is "
            "deleted, neither after a time nor for want of room: then dicomgate refuses instead.",
        ),
        (
            Section("Policy", tuple(_policy(settings, policy))),
            Section("What is kept", (_kept(),)),
            Section("Duplicates", (_duplicates(policy),)),
            Section("What a sender is told", _told()),
        ),
    )


def _policy(settings: Settings, policy: Policy) -> list[Block]:
    lines: list[Row] = [(str(each.number), code(each.words), each.then.value) for each in policy.lines]
    unlined: list[Row] = [("none", f"severity {each.value}", _unasked(each)) for each in Severity]
    forced: list[Row] = [
        ("always", f"rule {code(rule)}", f"{action.value} at least") for rule, action in FORCED.items()
    ]
    blocks: list[Block] = [
        "For each finding the first line that matches gives the action; the strongest action over all findings of an "
        "instance is its verdict. Rows marked none hold where no line matches, those marked always whatever lines say.",
        Table.of("Policy (`[[policy.line]]`)", ("Line", "Findings that match", "Action"), [*lines, *unlined, *forced]),
    ]
    if settings.policy.study_safe:
        blocks.append(
            "By `policy.study_safe` an instance is quarantined rather than accepted, flagged or rejected once another "
            f"one of its Study was rejected in the same Association or request (rule {code(REJECTED_BEFORE)})."
        )
    if policy.devices:
        blocks.append("Known devices cap the action; section 6.2 lists them.")
    return blocks


def _unasked(severity: Severity) -> str:
    """What holds for a finding of this severity where no line matches."""
    finding = Finding(rule="any", severity=severity, path="", tag="", section="", message="")
    return decide((finding,), SHIPPED, ANYBODY).action.value


def _kept() -> Table:
    whole = {Action.REJECT: "header as a Part 10 file, without pixel data"}
    return Table.of(
        "What is kept of an instance, by verdict",
        ("Verdict", "Kept", "Folder of the store", "C-STORE status"),
        [
            (
                action.value,
                whole.get(action, "all of it, as a Part 10 file"),
                code(KEPT_AS[action]),
                f"0x{STATUS_OF_ACTION[action].code:04X}",
            )
            for action in Action
        ],
    )


def _duplicates(policy: Policy) -> Table:
    rows: list[Row] = []
    for rule in (SAME, TRANSCODED, DIFFERENT):
        severity, section, words = ARRIVAL_RULES[rule]
        finding = Finding(rule=rule, severity=severity, path="", tag="", section=section, message="")
        action = decide((finding,), policy, ANYBODY).action
        what = "nothing more; the repeat is recorded" if rule == SAME else "both"
        rows.append(
            (
                words,
                code(rule),
                what,
                "as the first copy where that is quarantined, else accept" if rule == SAME else action.value,
            )
        )
    return Table.of(
        "Instances whose SOP Instance UID is kept already",
        ("What", "Rule", "Kept", "Action for a sender that no line singles out"),
        rows,
    )


def _told() -> tuple[Block, ...]:
    elements = codes(tuple(f"{each.code:04X}" for each in C_STORE_STATUSES if may_carry_elements(each.code)))
    comments = codes(tuple(f"{each.code:04X}" for each in C_STORE_STATUSES if may_carry_comment(each.code)))
    return (
        Table.of(
            "Fields of a C-STORE-RSP beside Status",
            ("Field", "Tag", "With status", "Content"),
            [
                (
                    "Error Comment",
                    "(0000,0902)",
                    comments,
                    f"at most {LONGEST_COMMENT} ASCII characters: rule, tag and ticket, as in "
                    "`image-type-value-1 (0008,0008) #7XK2M9QD4T`; where nothing was kept, the reason. No patient data",
                ),
                (
                    "Offending Element",
                    "(0000,0901)",
                    elements,
                    "tags of the Attributes with findings that the policy did not accept, those that decided first, "
                    f"at most {MOST_ELEMENTS}",
                ),
            ],
        ),
        "By the ticket `dicomgate audit show` finds every finding of the instance, and what the policy made of each.",
    )


def _web(settings: Settings) -> Section:
    http = settings.http
    taken, given = media_types()
    return Section(
        "Studies Web Service: Store Transaction (STOW-RS)",
        (
            "As origin server, under the same checks and policy as the Storage Service.",
            Table.of(
                "Resources",
                ("Method", "Resource", "What"),
                [
                    ("POST", code(f"{ROOT}/studies"), "store instances of any studies"),
                    ("POST", code(f"{ROOT}/studies/{{study}}"), "store instances of this study; others are rejected"),
                    ("OPTIONS", code(f"{ROOT}/studies"), "Retrieve Capabilities transaction, as WADL"),
                ],
            ),
            Table.of(
                "Header fields",
                ("Header field", "Supported values"),
                [
                    ("Content-Type", codes(taken)),
                    ("Accept", codes(given)),
                    ("Content-Length, Transfer-Encoding", "either; `chunked` needs no length"),
                    ("Content-Encoding", "none"),
                    ("Content-Location", "of bulk data: the BulkDataURI of the metadata"),
                    ("Authorization", "`Bearer` with a token, or `Basic` with it as the password"),
                ],
            ),
            "Metadata are followed by the bulk data that they name, in the same request; nothing is fetched elsewhere. "
            f"Bulk data are `application/octet-stream`, or compressed pixels: {codes(tuple(COMPRESSED))}, with the "
            "Transfer Syntax as parameter `transfer-syntax`.",
            Table.of(
                "Limits; those of requests hold for each token, or each address without one",
                ("Limit", "Value", "Configured by"),
                [
                    ("Size of a request", size(http.max_request_size), "`http.max_request_size`"),
                    ("Instances of a request", str(http.max_instances), "`http.max_instances`"),
                    ("Size of an instance", size(settings.dimse.max_instance_size), "`dimse.max_instance_size`"),
                    ("Metadata of a request", size(LARGEST_METADATA), "fixed"),
                    (
                        "Requests under way",
                        limit(http.max_requests_per_client),
                        "`http.max_requests_per_client`",
                    ),
                    (
                        "Requests a minute",
                        limit(http.max_requests_per_minute),
                        "`http.max_requests_per_minute`",
                    ),
                    ("Patience with a slow client", f"{http.idle_timeout:g} s", "`http.idle_timeout`"),
                ],
            ),
            "The response holds the Store Instances Response Module (PS3.18 Annex I):",
            Points(
                (
                    "Referenced SOP Sequence (0008,1199): what is stored, with Warning Reason (0008,1196) where the "
                    "policy flagged or quarantined it; Retrieve URL is empty for what is quarantined.",
                    "Failed SOP Sequence (0008,1198): what is not, with Failure Reason (0008,1197).",
                    "Other Failures Sequence (0008,119A): what could not be named, since its UIDs could not be read.",
                    "In each Item a private block with the ticket and the findings that decided; section 9.3 lists it.",
                )
            ),
            "All instances of a request are committed together. A request that breaks off keeps nothing.",
        ),
    )


def media_types() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The media types that the service takes and gives, as its capabilities say."""
    tree = ElementTree.fromstring(CAPABILITIES)  # noqa: S314  # our own file
    space = {"w": "http://wadl.dev.java.net/2009/02"}
    taken = [each.attrib["mediaType"] for each in tree.iterfind(".//w:request/w:representation", space)]
    given = [each.attrib["value"] for each in tree.iterfind(".//w:request/w:param/w:option", space)]
    return tuple(taken), tuple(given)
