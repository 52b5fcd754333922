"""A whole service one of whose loops hangs: it ends, so that it is started again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.onnx_models import raw_answer, yolo_model
from tests.servers.rtsp import free_port

ROOT = Path(__file__).parents[2]
SITE = """\
version: 1
site: {id: yard, name: Yard}
cameras: [{id: gate, name: Gate, source: 'rtsp://127.0.0.1:PORT/gate', zones: [{id: pit, name: Pit}]}]
rules: [{id: keep-out, kind: restricted-zone, title: Keep out, zones: [pit]}]
recipients: [{address: anna@site.example, role: Manager}]
"""
IMPATIENT = """
import sys
from shared.observability import watchdog
from services.NAME import bootstrap
watchdog.LOOK_EVERY_S = watchdog.GRACE_S = 0.2
bootstrap.ROUND_LIMIT_S = 2.0
from services.NAME.__main__ import main
sys.exit(main([]))
"""


@pytest.mark.parametrize("name", ["detection", "agent"])
def test_a_service_whose_site_file_cannot_be_read_to_its_end_is_ended(tmp_path: Path, name: str) -> None:
    """As on a network drive that is away: the main loop waits for it, for good."""
    site, pipe, log = tmp_path / "site.yaml", tmp_path / "pipe", tmp_path / "log"
    site.write_text(SITE.replace("PORT", str(free_port())))
    (tmp_path / "model.onnx").write_bytes(yolo_model(raw_answer([(32, 32, 16, 40, 0.9, 0.0)])))
    settings = {
        "DATA_DIR": str(tmp_path / "data"),
        "SITE_FILE": str(site),
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "BACKEND": "onnxruntime",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT.replace("NAME", name)],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while b".status" not in log.read_bytes() and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            os.mkfifo(pipe)
            pipe.replace(site)
            code = process.wait(30)
        finally:
            process.kill()
            process.wait()
    told = [line for line in log.read_text().splitlines() if '"service.stuck"' in line]
    assert code == 1, log.read_text()[-3000:]
    assert len(told) == 1
    assert '["main"]' in told[0]
