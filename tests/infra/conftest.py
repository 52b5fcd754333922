"""The checks of infra/terraform. They run by `make infra-check` alone, which says so where Terraform is not at hand."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.infra.installation import Endpoint, Installation, running_endpoint

collect_ignore_glob = [] if os.environ.get("INFRA_CHECK") else ["test_*.py"]

SITE = """\
version: 1
site: {id: yard, name: Yard, timezone: Europe/Berlin, jurisdictions: [eu], policy: Site policy 4.2}
cameras:
  - id: gate
    name: Gate
    source: rtsp://officer:${GATE_PASSWORD}@10.0.0.7/stream1
    zones: [{id: pit, name: Pit, hazards: [machinery], polygon: [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]}]
  - id: hall
    name: Hall
    source: rtsp://10.0.0.8/stream1
    zones: [{id: aisle, name: Aisle}]
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
recipients: [{address: anna@site.example}]
"""
DEV = {
    "cameras_per_task": 1,
    "detection_secrets": {"GATE_PASSWORD": "/officer-dev/gate-password"},
    "agent_secrets": {"OPENAI_API_KEY": "officer-dev/openai-api-key"},
    "github_repository": "example/officer",
    "state_bucket": "officer-terraform-state",
}
VARIANTS: dict[str, dict[str, Any]] = {
    "dev": DEV,
    "edge": {"keep_data": False},
    "prod": {"keep_data": False, "detection_secrets": {"GATE_PASSWORD": "/officer-prod/gate-password"}},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs no installation runs while Terraform makes them."""
    items.sort(key=_needs_installations)


def _needs_installations(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "installations" in item.fixturenames


@pytest.fixture(scope="session", autouse=True)
def applying(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[dict[str, Installation]] | None]:
    """Each file of envs/, applied by the real provider and destroyed at the end.

    dev (all in AWS), edge (detection elsewhere), prod (NAT gateway, two zones, never asleep). Each has an endpoint of
    its own: moto mixes the databases of two up. `keep_data` is off, as destroy would stop at evidence and database.
    """
    if not any(_needs_installations(item) for item in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("terraform")
    (site := folder / "site.yaml").write_text(SITE)
    with ExitStack() as stack, ThreadPoolExecutor(1) as beside:
        endpoints = {name: stack.enter_context(running_endpoint()) for name in VARIANTS}
        made = beside.submit(_applied, folder, endpoints, site)
        yield made
        found = made.result()
        _together(Installation.destroy, found)
        for installation in found.values():
            assert installation.leftovers() == {}, "terraform destroy left something"


def _applied(folder: Path, endpoints: dict[str, Endpoint], site: Path) -> dict[str, Installation]:
    found = {
        name: Installation.prepared(folder / name, endpoints[name], name, site, variables)
        for name, variables in VARIANTS.items()
    }
    _together(Installation.apply, found)
    return found


@pytest.fixture(scope="session")
def installations(applying: Future[dict[str, Installation]]) -> dict[str, Installation]:
    return applying.result()


@pytest.fixture(scope="session")
def dev(installations: dict[str, Installation]) -> Installation:
    return installations["dev"]


@pytest.fixture(scope="session")
def edge(installations: dict[str, Installation]) -> Installation:
    return installations["edge"]


@pytest.fixture(scope="session")
def prod(installations: dict[str, Installation]) -> Installation:
    return installations["prod"]


@pytest.fixture(scope="session")
def site_file(dev: Installation) -> Path:
    return dev.site_file


def _together(work: Callable[[Installation], None], found: dict[str, Installation]) -> None:
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(work, one) for one in found.values()]:
            done.result()
