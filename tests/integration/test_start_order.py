"""The services among dependencies that are not there yet: they wait and say so, lose nothing, and need no restart."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.running import Program, program
from tests.integration.test_cloud import SITE, Cloud, check, cloud, recording
from tests.integration.test_health_port import document, metrics_of, status
from tests.servers.postgres import PostgresServer
from tests.servers.rtsp import RtspServer, annex_b, free_port
from tests.servers.tcp_proxy import TcpProxy

__all__ = ["cloud", "recording"]  # fixtures

pytestmark = pytest.mark.timeout(240)

NOWHERE = {
    "STORE": "s3",
    "QUEUE": "sqs",
    "EVIDENCE_BUCKET": "nowhere",
    "QUEUE_NAME": "nowhere",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}


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
        assert _state(port, "queue") == "down"
        loops = document(port, "/healthz")["loops"]
        assert set(loops) == {"main", "consumer", "mail"}
        assert max(loops["main"]["quiet_s"], loops["mail"]["quiet_s"]) < 5
        assert (agent.count("agent.blind"), agent.count("agent.paused") < 8) == (1, True)
        with aws:
            agent.wait_for("agent.resumed", 30)
            until(lambda: status(port, "/readyz") == 200)
            assert agent.stop() == 0


def test_a_camera_and_a_cloud_that_are_down_make_detection_not_ready_and_need_no_restart(
    recording: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "site.yaml").write_text(SITE)
    stream = annex_b([Path(recording["SOURCE"])], tmp_path / "gate.h264")
    camera, port = RtspServer(stream, 10), free_port()
    settings = {
        **recording,
        **NOWHERE,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
        "DATA_DIR": str(tmp_path / "detection"),
        "SITE_FILE": str(tmp_path / "site.yaml"),
        "SOURCE": camera.url,
        "HEALTH_PORT": str(port),
    }
    with program("services.detection", **settings) as detection:
        detection.wait_for("camera.status", 60, state="down")
        until(lambda: _state(port, "camera gate") == "down")
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503)
        with camera:
            until(lambda: _state(port, "camera gate") == "up")
            detection.wait_for("courier.failed", 60)
            assert (_state(port, "store"), _state(port, "queue")) == ("down", "unused")
            assert metrics_of(port)["officer_spool_entries"] >= 1
            time.sleep(6)
            loops = document(port, "/healthz")["loops"]
            assert set(loops) == {"main", "courier", "camera gate"}
            assert max(loops["main"]["quiet_s"], loops["camera gate"]["quiet_s"]) < 5
        until(lambda: _state(port, "camera gate") == "down")
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503)
        assert detection.stop() == 1
    assert detection.wait_for("courier.stopped")["left"] >= 1


def _state(port: int, dependency: str) -> str:
    return str(document(port, "/readyz")["dependencies"][dependency]["state"])
