"""Tests marked `footage` run where OFFICER_FOOTAGE names the folder of the real videos, and are left out elsewhere."""

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("OFFICER_FOOTAGE"):
        return
    left_out = [item for item in items if item.get_closest_marker("footage")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
