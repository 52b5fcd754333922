"""What the topologies cost: the document says what the prices give, and the aim of the cheap one holds."""

import pytest

from infra.cost.cost import (
    CLOUD,
    COMFORTABLE,
    DOCUMENT,
    EDGE,
    EDGE_EXTERNAL,
    Prices,
    Topology,
    month,
    rendered,
)

PRICES = Prices()


def total(topology: Topology, cameras: int) -> float:
    return sum(month(topology, cameras, PRICES).values())


def test_the_document_says_what_the_prices_give() -> None:
    told = DOCUMENT.read_text("utf-8")
    assert rendered(told, PRICES) == told, "do: python infra/cost/cost.py --write"


def test_the_edge_stays_under_ten_dollars() -> None:
    assert total(EDGE, 2) < 10
    assert total(EDGE_EXTERNAL, 16) < 10


@pytest.mark.parametrize("cameras", [1, 16, 100])
def test_the_edge_is_the_cheapest(cameras: int) -> None:
    assert total(EDGE_EXTERNAL, cameras) < total(EDGE, cameras) < total(CLOUD, cameras)
    assert total(EDGE, cameras) < total(COMFORTABLE, cameras)


def test_fargate_is_counted_as_aws_counts_it() -> None:
    """1 vCPU and 2 GB around the clock: 730 x (0.04048 + 2 x 0.004445)."""
    assert month(COMFORTABLE, 16, PRICES)["agent"] == pytest.approx(36.04, abs=0.01)


def test_nobody_is_awake_more_than_always() -> None:
    assert month(EDGE, 100_000, PRICES)["agent"] <= 730 * 0.04937 * 0.3
