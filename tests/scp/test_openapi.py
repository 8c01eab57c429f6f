"""The description of the HTTP door is true: whatever may be asked after it is answered as it says."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from serving import Served, serving

import scp.web
from scp import status
from scp.web.dicomweb import CAPABILITIES, REFUSED_WITH

PAGE = Path(scp.web.__file__).parent / "static" / "openapi.yaml"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    schema = schemathesis.openapi.from_path(PAGE)


@schemathesis.serializer("application/dicom", "multipart/related")
def as_it_is(_context: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("node"), more="http.idle_timeout = 5") as served:
        yield served


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_answers_are_as_described(case: schemathesis.Case, node: Served) -> None:
    # No schema tells a Part 10 file from other bytes, so what fits it may be refused all the same.
    case.call_and_validate(base_url=f"http://127.0.0.1:{node.http_port}", excluded_checks=[positive_data_acceptance])


def test_it_is_served(node: Served) -> None:
    code, text = node.get("/openapi.yaml")
    assert (code, text) == (200, PAGE.read_text())


def test_page_description_and_capabilities_name_the_same_answers() -> None:
    """The codes of the page's table, the responses of the description, and those of the capabilities, by what comes."""
    page = (Path(__file__).parents[2] / "docs/dicomweb.md").read_text().partition("## What is answered")[2]
    table = re.findall(r"^\| (\d{3}(?:, \d{3})*) \|", page, re.MULTILINE)
    written = {code for row in table for code in row.split(", ")}
    responses = yaml.safe_load(PAGE.read_text())["paths"]["/dicom-web/studies"]["post"]["responses"]
    described = {code: each["$ref"].rpartition("/")[2] for code, each in responses.items()}
    capable: dict[str, set[str]] = {}
    for each in ElementTree.fromstring(CAPABILITIES).iterfind(".//{*}response"):
        kinds = {str(form.get("mediaType")) for form in each.iterfind("{*}representation")}
        for code in str(each.get("status")).split():
            capable[code] = capable.get(code, set()) | kinds
    module, problem = {"application/dicom+json", "application/dicom+xml"}, {"application/problem+json"}
    forms = {"Module": module, "Refused": problem, "NothingStored": module | problem}
    assert written == set(described)
    assert capable == {code: forms[name] for code, name in described.items()}
    causes = [each.http for each in vars(status).values() if isinstance(each, status.Status)]
    said = {str(each) for each in (*REFUSED_WITH.values(), *causes)}
    assert said <= written


@pytest.mark.parametrize("path", ["", "/", "/studies", "/studies/1.2.3"])
def test_capabilities_name_the_service_where_it_is(node: Served, path: str) -> None:
    address = f"http://127.0.0.1:{node.http_port}/dicom-web"
    with urlopen(Request(address + path, method="OPTIONS"), timeout=10) as answer:
        root = ElementTree.fromstring(answer.read())
        assert ("POST" in answer.headers["Allow"]) == path.startswith("/studies")
    (resources,) = root.findall("{*}resources")
    assert resources.get("base") == f"{address}/"
    assert resources.find("{*}resource/{*}method[@name='POST']") is not None
