"""The statement itself: its sections in the order of the template of PS3.2 Annex N, and what needs no section alone."""

from __future__ import annotations

from datetime import date

from rules.editions import EDITIONS
from rules.engine import load_rules
from rules.iods import iod_of
from rules.model import Severity
from rules.registry import all_rules
from rules.transfer_syntax import TRANSFER_SYNTAXES
from scp import __version__
from scp.conformance.configuration import configuration
from scp.conformance.document import Document, Group, Points, Row, Section, Table, code
from scp.conformance.network import network
from scp.conformance.objects import objects
from scp.conformance.security import security, transport
from scp.conformance.services import services
from scp.conformance.words import address
from scp.settings import Settings
from scp.storable import TRANSFER_SYNTAXES_TAKEN, is_retired, sop_class_name, stored_sop_classes
from scp.storing import VERIFICATION
from scp.web.dicomweb import ROOT

YES, NO = "Y", "N"
GENERAL = "general checks"


def statement(settings: Settings, written: date) -> Document:
    """The Conformance Statement of a node with this configuration."""
    return Document(
        title="DICOM Conformance Statement",
        subtitle=f"dicomgate {__version__}, Application Entity {code(settings.dimse.ae_title)}",
        cover=(
            ("Product", f"dicomgate {__version__}"),
            ("Application Entity Title", code(settings.dimse.ae_title)),
            ("Date", written.isoformat()),
            ("Configuration", code(settings.digest[:12])),
            ("Rules", f"{code(load_rules(settings.rules.edition).version)}, edition {settings.rules.edition} of PS3.3"),
            ("Written by", "`dicomgate service conformance-statement`, from the configuration named above"),
        ),
        sections=(
            _overview(settings),
            _revision(settings),
            _introduction(),
            _implementation(settings),
            services(settings),
            configuration(settings),
            network(settings),
            security(settings),
            objects(),
        ),
    )


def _overview(settings: Settings) -> Section:
    dimse, http = settings.dimse, settings.http
    return Section(
        "Overview",
        (
            "dicomgate is a destination for DICOM instances. A scanner, a workstation or a gateway sends to it by "
            "C-STORE or posts to it by STOW-RS. Before it answers, it has checked the instance against the Information "
            "Object Definition of its SOP Class, decided by the policy of the site whether to accept, flag, quarantine "
            "or reject it, written it to disk and recorded all that in its audit. It starts no Association of its own.",
            Table.of(
                "Network services",
                ("Service", "Role", "Where", "Transport"),
                [
                    *(
                        (service, "SCP", f"{code(dimse.ae_title)} at {code(address(each.host, each.port))}", each.words)
                        for service in ("Verification", "Storage")
                        for each in transport(settings)
                    ),
                    (
                        "DICOMweb: Store transaction (STOW-RS) of the Studies Service",
                        "Origin server",
                        code(f"http://{address(http.host, http.port)}{ROOT}/studies"),
                        "HTTP/1.1",
                    ),
                ],
            ),
            "Not provided, in either role: Query/Retrieve, Storage Commitment, worklists and procedure steps, Print, "
            "media, and every other DICOMweb transaction. What is answered as stored is on disk and in the audit by "
            "then.",
        ),
        (Section("Content and Transfer", (_sop_classes(settings), *_unknown(settings), _transfer_syntaxes())),),
    )


def _sop_classes(settings: Settings) -> Table:
    stored = sorted(stored_sop_classes(), key=lambda uid: (sop_class_name(uid).lower(), uid))

    def row(uid: str) -> Row:
        return (sop_class_name(uid), uid, NO, YES, NO, YES, iod_of(uid, settings.rules.edition) or GENERAL)

    private = [("private", uid, NO, YES, NO, YES, GENERAL) for uid in settings.dimse.private_sop_classes]
    groups = (
        Group("Verification", (("Verification SOP Class", VERIFICATION, NO, YES, NO, NO, ""),)),
        Group("Storage", tuple(row(uid) for uid in stored if not is_retired(uid))),
        Group("Storage, retired", tuple(row(uid) for uid in stored if is_retired(uid))),
        Group("Storage, private, by `dimse.private_sop_classes`", tuple(private)),
    )
    return Table(
        "SOP Classes. SCU and SCP: roles in DIMSE; UA and OS: user agent and origin server of the Store transaction",
        ("SOP Class Name", "SOP Class UID", "SCU", "SCP", "UA", "OS", "Checked as"),
        tuple(each for each in groups if each.rows),
    )


def _unknown(settings: Settings) -> tuple[str, ...]:
    if not settings.dimse.accept_unknown_sop_classes:
        return ()
    return (
        "By `dimse.accept_unknown_sop_classes` every other SOP Class is taken as well, with the general checks: under "
        "the root of DICOM those that Storage SOP Classes are registered under, under any other root all.",
    )


def _transfer_syntaxes() -> Table:
    rows: list[Row] = []
    for uid in TRANSFER_SYNTAXES:
        if uid in TRANSFER_SYNTAXES_TAKEN:
            known = TRANSFER_SYNTAXES[uid]
            lossy = {True: "lossy", False: "", None: "may be lossy"}[known.lossy]
            pixels = "elsewhere" if known.referenced else "encapsulated" if known.encapsulated else "native"
            notes = (lossy, "deflated" * known.deflated, "retired" * known.retired)
            rows.append((known.name, uid, YES, YES, pixels, ", ".join(each for each in notes if each)))
    return Table.of(
        "Transfer Syntaxes, the same for every SOP Class. Instances are kept in the one they came in",
        ("Transfer Syntax Name", "Transfer Syntax UID", "SCP", "OS", "Pixel Data", "Notes"),
        rows,
    )


def _revision(settings: Settings) -> Section:
    return Section(
        "Revision",
        (
            "This statement is written by the program that it speaks of, from its code and the configuration in use. "
            "It holds for this version and this configuration alone; after a change of either, have it written again.",
            Table.of(
                "What it holds for",
                ("What", "Value"),
                [
                    ("Version of dicomgate", __version__),
                    ("Digest of the configuration", code(settings.digest)),
                    ("Version of the rules", code(load_rules(settings.rules.edition).version)),
                ],
            ),
        ),
    )


def _introduction() -> Section:
    terms = [
        ("Receipt", "what the audit holds of one instance that arrived"),
        ("Ticket", "ten letters and digits by which a receipt is found; the answer to the sender and the log name it"),
        ("Finding", "what a rule saw in an instance, with the Attribute, the section of the Standard and a severity"),
        ("Action", "what the policy makes of a finding: accept, flag, quarantine or reject"),
        ("Verdict", "the strongest action over all findings of an instance"),
    ]
    abbreviations = [
        ("AE", "Application Entity"),
        ("OS, UA", "origin server and user agent of a DICOMweb transaction"),
        ("PDU", "Protocol Data Unit"),
        ("SCP, SCU", "Service Class Provider and Service Class User"),
        ("SOP", "Service-Object Pair"),
    ]
    return Section(
        "Introduction",
        (
            "For those who connect equipment to dicomgate, and who know DICOM. The sections follow the template of "
            "PS3.2 Annex N. Names in `this type` are keys of the configuration or values as they are sent. Two "
            "statements that fit each other are no proof that two systems do: send something, and read the answer.",
            Table.of("Terms of its own", ("Term", "Meaning"), list(terms)),
            Table.of("Abbreviations", ("Abbreviation", "Meaning"), list(abbreviations)),
        ),
    )


def _implementation(settings: Settings) -> Section:
    severities = [(each.value, _SEVERITIES[each]) for each in Severity]
    return Section(
        "Implementation Model",
        (),
        (
            Section(
                "Application Entities",
                (
                    f"There is one Application Entity, {code(settings.dimse.ae_title)}, which accepts Associations, "
                    "and a DICOMweb origin server beside it. Both hand what they receive to the same checks, policy, "
                    "store and audit.",
                ),
            ),
            Section(
                "Sequence of a transfer",
                (
                    Points(
                        (
                            "The sender opens an Association and proposes presentation contexts, or posts a request.",
                            "It sends an instance. The bytes are written to the store as they come.",
                            "The header is checked, and the policy decides.",
                            "Bytes and receipt are made durable.",
                            "The answer goes out: a C-STORE-RSP an instance, or one HTTP response a request.",
                        ),
                        numbered=True,
                    ),
                ),
            ),
            Section(
                "Checks",
                (
                    f"Instances are held against edition {settings.rules.edition} of the Standard "
                    f"(`rules.edition`; there are {', '.join(EDITIONS)}) by {len(all_rules())} rules and by the tables "
                    "of its Modules, Macros and functional groups. `dicomgate rules coverage` says what is checked of "
                    "each Information Object Definition, and what cannot be told from an instance. SOP Classes without "
                    "a definition in PS3.3 get the general checks: encoding, values, references.",
                    Table.of("Severities of findings", ("Severity", "Meaning"), list(severities)),
                ),
            ),
        ),
    )


_SEVERITIES = {
    Severity.ERROR: "breaks what the Standard demands",
    Severity.WARNING: "is permitted, but unusual, discouraged or outside the Defined Terms",
    Severity.NOTE: "informs",
}
