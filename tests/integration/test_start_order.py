"""The services among dependencies that are not there yet: they wait and say so, lose nothing, and need no restart."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clips import moving_box, write_clip
from tests.e2e.running import Program, program
from tests.integration.test_cloud import SITE, Cloud, check, cloud, recording
from tests.integration.test_health_port import document, status
from tests.onnx_models import raw_answer, yolo_model
from tests.servers.postgres import PostgresServer
from tests.servers.rtsp import RtspServer, annex_b, free_port
from tests.servers.tcp_proxy import TcpProxy

__all__ = ["cloud", "recording"]  # fixtures

pytestmark = pytest.mark.timeout(240)


def until(true: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_everything_may_come_later_and_in_any_order(
    cloud: Cloud, recording: dict[str, str], tmp_path: Path
) -> None:
    """First the agent, then detection, then S3 and SQS, then Postgres, its tables last."""
    late, aws, port = PostgresServer(), TcpProxy(cloud.localstack.port), free_port()
    database = f"postgresql://officer@127.0.0.1:{late.port}/postgres"
    shared = {**cloud.environment, **cloud.localstack.environment(aws.port), "DATABASE_URL": database}
    mine = {**shared, "DATA_DIR": str(tmp_path / "agent"), "HEALTH_PORT": str(port)}
    yours = {**shared, **recording, "DATA_DIR": str(tmp_path / "detection")}
    try:
        with program("services.agent", **mine) as agent:
            agent.wait_for("database.awaited", 60)
            with program("services.detection", **yours) as detection:
                assert detection.process.wait(120) == 1
            assert "it cannot be reached" in detection.wait_for("courier.failed")["problem"]
            assert detection.wait_for("courier.stopped")["left"] == 2
            with aws:
                with program("services.detection", **yours) as detection:
                    assert detection.process.wait(120) == 0, detection.lines
                assert detection.wait_for("courier.stopped")["delivered"] == 2
                late.start()
                agent.wait_for("database.awaited", 60, problem=_behind(agent))
                assert status(port, "/healthz") == 200
                assert status(port, "/readyz") == 503
                with program("services.agent", "migrate", **mine) as migration:
                    assert migration.process.wait(120) == 0, migration.lines
                agent.wait_for("mail.sent", 90)
                agent.wait_for("violation.completed", 90)
                until(lambda: status(port, "/readyz") == 200)
                assert agent.stop() == 0
        check(Cloud(**{**_fields(cloud), "database": database}))
    finally:
        late.remove()


def _behind(agent: Program) -> str:
    """What it says once Postgres answers and has no tables."""
    found: list[str] = []

    def said() -> bool:
        found[:] = [
            line["problem"]
            for line in agent.lines
            if line.get("event") == "database.awaited" and re.search("schema none.*migrate", line["problem"])
        ]
        return bool(found)

    until(said)
    return found[0]


def _fields(cloud: Cloud) -> dict[str, object]:
    return {name: getattr(cloud, name) for name in cloud.__dataclass_fields__}


def test_an_agent_whose_queue_and_stores_are_down_waits_and_says_so_less_and_less_often(
    cloud: Cloud, tmp_path: Path
) -> None:
    aws, port = TcpProxy(cloud.localstack.port), free_port()
    mine = {
        **cloud.environment,
        **cloud.localstack.environment(aws.port),
        "DATA_DIR": str(tmp_path / "agent"),
        "HEALTH_PORT": str(port),
    }
    with program("services.agent", "migrate", **mine) as migration:
        assert migration.process.wait(120) == 0, migration.lines
    with program("services.agent", **mine) as agent:
        agent.wait_for("agent.started", 60)
        time.sleep(12)
        assert status(port, "/healthz") == 200
        assert status(port, "/readyz") == 503
        assert document(port, "/readyz")["dependencies"]["queue"]["state"] == "down"
        assert (agent.count("agent.blind"), agent.count("agent.paused") < 8) == (1, True)
        with aws:
            agent.wait_for("agent.resumed", 30)
            until(lambda: status(port, "/readyz") == 200)
            assert agent.stop() == 0


def test_a_camera_that_is_down_at_the_start_makes_detection_not_ready_and_restarts_nothing(
    tmp_path: Path,
) -> None:
    nobody = raw_answer([(32, 32, 16, 40, 0.01, 0.0)])
    (tmp_path / "model.onnx").write_bytes(yolo_model(nobody))
    (tmp_path / "site.yaml").write_text(SITE)
    clip = write_clip(tmp_path / "gate.mp4", moving_box(), frames=50)
    camera, port = RtspServer(annex_b([clip], tmp_path / "gate.h264"), 10), free_port()
    settings = {
        "DATA_DIR": str(tmp_path / "detection"),
        "SITE_FILE": str(tmp_path / "site.yaml"),
        "SOURCE": camera.url,
        "MODEL_FILE": str(tmp_path / "model.onnx"),
        "BACKEND": "onnxruntime",
        "HEALTH_PORT": str(port),
    }
    with program("services.detection", **settings) as detection:
        detection.wait_for("camera.status", 60, state="down")
        until(lambda: _camera(port) == "down")
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503)
        with camera:
            until(lambda: _camera(port) == "up")
            assert status(port, "/readyz") == 200
        until(lambda: _camera(port) == "down")
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503)
        assert detection.stop() == 0


def _camera(port: int) -> str:
    dependencies = document(port, "/readyz")["dependencies"]
    return str(next(found["state"] for name, found in dependencies.items() if name.startswith("camera ")))
