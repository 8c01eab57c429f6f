"""`dicomgate service conformance-statement`: what it says is what a node does, and what its code and settings say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from struct import unpack_from

import peers
import pytest
import yaml
from click.testing import CliRunner
from pages import Page
from peers import CT, VERIFICATION, Peer
from pydicom._uid_dict import UID_dictionary
from pynetdicom import AE, build_role
from pynetdicom.pdu_primitives import AsynchronousOperationsWindowNegotiation, UserIdentityNegotiation
from serving import Served, serving

from rules.iods import storage_sop_classes
from rules.transfer_syntax import TRANSFER_SYNTAXES
from scp import status
from scp.admission import Refusal, beyond_limits
from scp.commands.service import service
from scp.conformance.document import Document, Table
from scp.conformance.forms import html, markdown
from scp.conformance.network import RESPONSES, response_codes
from scp.conformance.statement import statement
from scp.conformance.words import size
from scp.devices import Certificate, Known
from scp.sender import Sender
from scp.settings import Settings
from scp.status import C_STORE_STATUSES, NOT_AUTHORIZED, STORE_STATUSES, Status
from scp.storing import VERIFICATION as OURS

PRIVATE = "1.3.12.2.1107.5.9.1"
CONFIGURED = f'dimse.private_sop_classes = ["{PRIVATE}"]\ndimse.maximum_pdu = 65536\ndimse.require_called_ae = true'
PHOTOACOUSTIC = "1.2.840.10008.5.1.4.1.1.6.3"
"""A SOP Class younger than the edition of 2020."""
WRITTEN = date(2026, 11, 25)
MOST_CONTEXTS = 128


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("node"), more=CONFIGURED) as served:
        yield served


@pytest.fixture(scope="module")
def told(node: Served) -> dict[str, list[dict[str, str]]]:
    """The statement of the running node: rows by column, of each table by its caption's first words."""
    done = node.run("service", "conformance-statement")
    assert (done.returncode, done.stderr) == (0, "")
    return tables_of(done.stdout)


def tables_of(text: str) -> dict[str, list[dict[str, str]]]:
    found = {}
    for caption, table in re.findall(r"^Table [\d.-]+\. (.+)\n\n((?:\|.*\n)+)", text, re.MULTILINE):
        header, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        found[caption] = [dict(zip(header, row, strict=True)) for row in rows if len(row) == len(header)]
    return found


def table(told: dict[str, list[dict[str, str]]], caption: str) -> list[dict[str, str]]:
    (found,) = [rows for name, rows in told.items() if name.startswith(caption)]
    return found


def answers(port: int, proposed: list[tuple[str, str]]) -> list[tuple[int, str]]:
    """Result and Transfer Syntax (PS3.8 9.3.3.2) of each context, an Abstract with one Transfer Syntax."""
    found: dict[int, tuple[int, str]] = {}
    for at in range(0, len(proposed), MOST_CONTEXTS):
        batch = enumerate(proposed[at : at + MOST_CONTEXTS])
        with Peer(port) as peer:
            kind, body = peer.associate({number * 2 + 1: (abstract, [syntax]) for number, (abstract, syntax) in batch})
            assert kind == peers.ACCEPT
            for item, value in items(body[68:]):
                if item == 0x21:
                    ((_, syntax),) = items(value[4:])
                    found[at + value[0] // 2] = value[2], syntax.decode()
            peer.release()
    return [found[number] for number in range(len(proposed))]


def items(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(body):
        kind, length = unpack_from(">BxH", body, at)
        yield kind, body[at + 4 : at + 4 + length]
        at += 4 + length


def test_the_sop_classes_are_those_that_an_association_accepts(
    node: Served, told: dict[str, list[dict[str, str]]]
) -> None:
    rows = table(told, "SOP Classes")
    stated = [each["SOP Class UID"] for each in rows if each["SCP"] == "Y"]
    assert len(stated) == len(set(stated))
    assert {PRIVATE, OURS, CT} <= set(stated)
    assert all(each["SOP Class Name"] for each in rows)
    classes = {uid for uid, (_, kind, *_) in UID_dictionary.items() if kind in ("SOP Class", "Meta SOP Class")}
    asked = sorted(classes | set(storage_sop_classes()) | {PRIVATE, "1.2.3.4", "1.2.840.10008.5.1.4.1.1.999"})
    results = answers(node.port, [(each, peers.EXPLICIT) for each in asked])
    assert {uid for uid, (result, _) in zip(asked, results, strict=True) if result == 0} == set(stated)
    assert {result for result, _ in results} == {0, 3}


@pytest.mark.parametrize("abstract", [CT, VERIFICATION, PRIVATE])
def test_the_transfer_syntaxes_are_those_that_an_association_accepts(
    node: Served, told: dict[str, list[dict[str, str]]], abstract: str
) -> None:
    stated = [each["Transfer Syntax UID"] for each in table(told, "Transfer Syntaxes")]
    asked = [*TRANSFER_SYNTAXES, "1.2.3.4"]
    results = answers(node.port, [(abstract, each) for each in asked])
    accepted = [uid for uid, (result, _) in zip(asked, results, strict=True) if result == 0]
    assert sorted(accepted) == sorted(stated)
    assert all(syntax == uid for uid, (result, syntax) in zip(asked, results, strict=True) if result == 0)
    assert {result for result, _ in results} == {0, 4}


def test_the_association_parameters_are_those_of_the_answer(
    node: Served, told: dict[str, list[dict[str, str]]]
) -> None:
    stated = {each["Name"]: each["Value"].strip("`") for each in table(told, "Association parameters")}
    with Peer(node.port) as peer:
        kind, body = peer.associate({1: ("1.2.3.4", [peers.IMPLICIT])})
    assert kind == peers.ACCEPT, "none of its contexts is acceptable, and the Association is"
    (context,) = [value for item, value in items(body[68:]) if item == 0x10]
    (user,) = [value for item, value in items(body[68:]) if item == 0x50]
    said = dict(items(user))
    assert context.decode() == stated["Application Context Name"]
    assert f"{int.from_bytes(said[0x51], 'big')} bytes" == stated["Maximum PDU length received"] == "65536 bytes"
    assert said[0x52].decode() == stated["Implementation Class UID"]
    assert said[0x55].decode() == stated["Implementation Version Name"]
    assert said.keys() == {0x51, 0x52, 0x55}


def test_another_called_title_is_rejected_as_stated(node: Served, told: dict[str, list[dict[str, str]]]) -> None:
    (stated,) = [each for each in table(told, "Rejected Associations") if "Called" in each["When"]]
    with Peer(node.port) as peer:
        peer.send(peers.associate_rq({1: (CT, [peers.IMPLICIT])}, called="OTHER"))
        kind, body = peer.receive()
    assert kind == peers.REJECT
    assert list(body[1:]) == [int(stated[each].split()[0]) for each in ("Result", "Source", "Reason")]


def test_other_negotiation_is_left_unanswered(node: Served) -> None:
    ae = AE("PEER")
    ae.add_requested_context(CT)
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = window.maximum_number_operations_performed = 5
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 1, b"somebody"
    identity.positive_response_requested = True
    wanted = [build_role(CT, scu_role=True, scp_role=True), window, identity]
    association = ae.associate("127.0.0.1", node.port, ext_neg=wanted, ae_title="DICOMGATE")  # type: ignore[arg-type]
    assert association.is_established
    acceptor = association.acceptor
    assert (acceptor.role_selection, acceptor.user_identity, acceptor.asynchronous_operations) == ({}, None, (1, 1))
    association.release()


def test_every_status_is_stated_where_it_is_given() -> None:
    every = {each for each in vars(status).values() if isinstance(each, Status)}
    assert set(STORE_STATUSES) == every - {NOT_AUTHORIZED}
    assert all(each.when and each.kept for each in STORE_STATUSES)
    rows = rows_of(statement(Settings(), WRITTEN), "Statuses of C-STORE")
    assert [int(each["Status Codes"], 16) for each in rows] == [each.code for each in C_STORE_STATUSES]
    fields = {int(each["Status Codes"], 16): each["Related Fields"] for each in rows}
    assert (fields[0x0000], fields[0x0117], fields[0xA700]) == ("none", "none", "(0000,0902)")
    assert fields[0xB007] == fields[0xA900] == fields[0xC000] == "(0000,0901) (0000,0902)"


def test_every_http_status_of_the_service_is_stated() -> None:
    described = yaml.safe_load((Path(__file__).parents[2] / "scp/web/static/openapi.yaml").read_text())
    posted = described["paths"]["/dicom-web/studies"]["post"]["responses"]
    assert set(response_codes()) == set(RESPONSES) == {int(each) for each in posted}


def test_another_configuration_makes_another_statement() -> None:
    settings = Settings.model_validate(
        {
            "dimse": {"ae_title": "GATE_2", "host": "::", "accept_unknown_sop_classes": True, "max_associations": 7},
            "http": {"max_requests_per_client": 0},
            "audit": {"url": "postgresql://user:secret@db.internal/audit", "patient_identity": "plain"},
            "store": {"path": "/srv/secret/store"},
            "rules": {"edition": "2020"},
            "policy": {
                "study_safe": True,
                "line": [{"rule": "image-type-*|x", "then": "reject"}, {"then": "quarantine"}],
            },
            "device": [{"name": "CT `2` | <b>", "mode": "flag", "ae_titles": "CT2_*"}],
        }
    )
    said = statement(settings, WRITTEN)
    text = markdown(said)
    found = tables_of(text)
    (local,) = table(found, "Local Application Entity")
    assert (local["AE Title"], local["Host"]) == ("`GATE_2`", "`::`")
    assert "`[::]:11112`" in text
    assert "every other SOP Class is taken as well" in text
    assert "edition 2020" in text
    checked = {each["SOP Class UID"]: each["Checked as"] for each in table(found, "SOP Classes")}
    assert (checked[CT], checked[PHOTOACOUSTIC]) == ("CT Image", "general checks")
    assert "policy.study_safe" in text
    lines = {each["Line"]: each["Action"] for each in table(found, "Policy")}
    assert (lines["1"], lines["2"]) == ("reject", "quarantine")
    duplicates = {each["Rule"]: each for each in table(found, "Instances whose SOP Instance UID")}
    assert list(duplicates["`duplicate-different`"].values())[-1] == "quarantine"
    (device,) = table(found, "Known devices")
    assert (device["Device"], device["Strongest action"]) == (r"`CT '2' \| <b>`", "flag")
    assert {
        each["Value"] for each in table(found, "Association parameters") if each["Name"] == "Associations at once"
    } == {"7"}
    keys = {each["Key"]: each["Value"] for each in table(found, "Configurable parameters")}
    assert keys["`audit.patient_identity`"] == "`plain`"
    assert keys["`http.max_requests_per_client`"] == "`0`"
    for withheld in ("secret", "db.internal", "/srv"):
        assert withheld not in text
        assert withheld not in html(said)
    shipped = markdown(statement(Settings(), WRITTEN))
    assert "every other SOP Class" not in shipped
    assert "Known devices" not in shipped
    assert f"| {PHOTOACOUSTIC} | N | Y | N | Y | Photoacoustic Image |" in shipped


BOUND = {
    "dimse": {"plain": False, "unknown_senders": "reject"},
    "tls": {
        "enabled": True,
        "port": 2762,
        "certificate": "/etc/secret/node.pem",
        "key": "/etc/secret/node.key",
        "key_password": "secret",
        "client_certificates": "required",
        "client_ca": "/etc/secret/ca.pem",
    },
    "device": [
        {
            "name": "CT",
            "ae_titles": "CT2",
            "called_ae_titles": "GATE",
            "certificate": "CN=ct2",
            "sop_classes": "CT Image",
        }
    ],
}


def test_tls_and_bound_devices_are_stated() -> None:
    said = statement(Settings.model_validate(BOUND), WRITTEN)
    assert [each["Port"] for each in rows_of(said, "Local Application Entity")] == ["2762"]
    assert {each["Transport"] for each in rows_of(said, "Network services")} == {"TLS", "HTTP/1.1"}
    secure = {each["What"]: each["Value"] for each in rows_of(said, "Secure transport")}
    assert "TLS_AES_256_GCM_SHA384" in secure["Cipher suites of TLS 1.3"]
    assert all(each.startswith("`ECDHE-") for each in secure["Cipher suites of TLS 1.2"].split(", "))
    assert (secure["Certificates of senders"][:8], secure["Port without TLS"]) == ("required", "closed")
    (device,) = rows_of(said, "Known devices")
    assert device["Known by"] == "`ae_titles CT2`; `called_ae_titles GATE`; `certificate CN=ct2`"
    assert device["May send"] == "`CT Image`"
    assert "secret" not in markdown(said)
    shipped = statement(Settings(), WRITTEN)
    assert {each["Transport"] for each in rows_of(shipped, "Network services")} == {"TCP", "HTTP/1.1"}
    assert "Secure transport of" not in markdown(shipped)


def test_every_refusal_of_a_sender_is_stated() -> None:
    settings = Settings.model_validate(BOUND)
    rows = rows_of(statement(settings, WRITTEN), "Rejected Associations")
    stated = {tuple(int(each[key].split()[0]) for key in ("Result", "Source", "Reason")) for each in rows}
    known = Known.of(settings)
    refusals = [known.admit(Sender(*names, "192.0.2.1")) for names in (("MR", "GATE"), ("CT2", "GATE"), ("CT2", "X"))]
    refusals.append(known.admit(Sender("CT2", "X", "192.0.2.1"), Certificate("CN=ct2", ("CN=ct2",), "")))
    refusals.append(beyond_limits("too many"))
    given = {(each.result, each.source, each.reason) for each in refusals if isinstance(each, Refusal)}
    assert given == stated
    assert sum(isinstance(each, Refusal) for each in refusals) == len(refusals)


def test_sections_that_are_referred_to_exist() -> None:
    settings = Settings.model_validate({"device": [{"name": "CT", "ae_titles": "CT"}]})
    text = markdown(statement(settings, WRITTEN))
    titles = dict(re.findall(r"^#+ ([\d.]+) (.+)$", text, re.MULTILINE))
    referred = set(re.findall(r"[Ss]ection (\d+(?:\.\d+)*)", text))
    assert {titles[each] for each in referred} == {
        "Content and Transfer",
        "Remote Application Entities",
        "Association parameters",
        "Association acceptance",
        "Private elements of a Store Transaction's response",
    }


def test_the_page_is_whole_asks_nobody_and_says_what_the_text_says() -> None:
    said = statement(Settings(), WRITTEN)
    page = Page(html(said))
    words = squeezed(page.text)
    for section in said.numbered():
        assert squeezed(f"{section.number} {section.title}") in words
    cells = [squeezed(cell) for each in tables_in(said) for row in each.rows for cell in row]
    assert sum(tag == "td" for tag, _ in page.tags) == len(cells)
    assert all(cell in words for cell in cells)
    anchors = {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"}
    assert anchors <= {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert not {"src", "action"} & {name for _, attrs in page.tags for name in attrs}
    assert all(len(row) == len(each.headers) for each in tables_in(said) for row in each.rows)


def test_an_edition_that_is_not_here_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text("[rules]\nedition = '1999a'\n")
    done = CliRunner().invoke(service, ["conformance-statement", "--config", str(file)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dicomgate: {file}:2: rules.edition: ")


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 bytes"), (1000, "1000 bytes"), (1 << 16, "64 KiB"), (3 << 30, "3 GiB")]
)
def test_a_size_is_exact(number: int, words: str) -> None:
    assert size(number) == words


def squeezed(text: str) -> str:
    return "".join(text.replace("`", "").split())


def tables_in(said: Document) -> list[Table]:
    return [block for section in said.numbered() for _, block in section.blocks if isinstance(block, Table)]


def rows_of(said: Document, caption: str) -> list[dict[str, str]]:
    (found,) = [each for each in tables_in(said) if each.caption.startswith(caption)]
    return [dict(zip(found.headers, row, strict=True)) for row in found.rows]
