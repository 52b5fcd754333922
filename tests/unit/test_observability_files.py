"""Scrape file, alerts and dashboard name what exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker" / "observability"
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text("utf-8")
KNOWN = set(re.findall(r"^\| `(officer_\w+)` \|", DOCUMENT, re.MULTILINE))
METRIC = re.compile(r"officer_\w+")


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found = json.loads((FOLDER / "grafana" / "dashboards" / "officer.json").read_text("utf-8"))["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> Iterator[str]:
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (rule["expr"] for rule in alerts())


def test_every_query_asks_for_a_documented_metric() -> None:
    named = {re.sub(r"_bucket$", "", name) for query in queries() for name in METRIC.findall(query)}
    assert named - KNOWN == set()


def test_every_alert_is_in_the_document() -> None:
    assert [rule["expr"] for rule in alerts() if f"`{rule['expr']}`" not in DOCUMENT] == []


def test_a_service_whose_last_container_is_gone_is_told_of() -> None:
    (gone,) = [rule["expr"] for rule in alerts() if rule["alert"] == "ServiceGone"]
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert [job["job_name"] for job in scraped if f'absent(up{{job="{job["job_name"]}"}})' not in gone] == []


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert max(x for x, _ in taken) == 23


@pytest.mark.parametrize("service", ["detection", "agent"])
def test_each_service_is_scraped_where_its_image_listens(service: str) -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    (found,) = next(job["dns_sd_configs"] for job in jobs if job["job_name"] == service)
    image = (ROOT / "docker" / f"{service}.Dockerfile").read_text("utf-8")
    assert found["names"] == [service]
    assert f"HEALTH_PORT={found['port']}" in image
