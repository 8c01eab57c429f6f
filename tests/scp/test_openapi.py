"""The description of the HTTP door is true: whatever may be asked after it is answered as it says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from serving import Served, serving

import scp.web

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


@pytest.mark.parametrize("path", ["", "/", "/studies", "/studies/1.2.3"])
def test_capabilities_name_the_service_where_it_is(node: Served, path: str) -> None:
    address = f"http://127.0.0.1:{node.http_port}/dicom-web"
    with urlopen(Request(address + path, method="OPTIONS"), timeout=10) as answer:
        root = ElementTree.fromstring(answer.read())
        assert ("POST" in answer.headers["Allow"]) == path.startswith("/studies")
    (resources,) = root.findall("{*}resources")
    assert resources.get("base") == f"{address}/"
    assert resources.find("{*}resource/{*}method[@name='POST']") is not None
