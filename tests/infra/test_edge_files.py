"""The edge variant's compose files and systemd units, read by docker compose and systemd themselves."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.installation import ROOT

FOLDER = ROOT / "infra" / "edge"
PROGRAMS = ("/usr/bin/docker", "/usr/local/bin/aws_signing_helper")  # of the box


def test_compose_takes_its_files(tmp_path: Path) -> None:
    for name in ("compose.yaml", "compose.cloudwatch.yaml"):
        shutil.copy(FOLDER / name, tmp_path)
    shutil.copy(FOLDER / "edge.env.example", tmp_path / "edge.env")
    (tmp_path / "site.yaml").touch()
    done = subprocess.run(
        ["docker", "compose", "--env-file", "edge.env", "config", "--quiet"],
        cwd=tmp_path,
        env={**os.environ, "COMPOSE_FILE": "compose.yaml:compose.cloudwatch.yaml"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", ["officer-edge.service", "officer-edge-credentials.service"])
def test_systemd_understands_its_units(unit: str, tmp_path: Path) -> None:
    text = (FOLDER / unit).read_text("utf-8")
    for program in PROGRAMS:
        text = text.replace(program, "/bin/true")
    for name in ("docker.service", "officer-edge-credentials.service"):
        (tmp_path / name).write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
