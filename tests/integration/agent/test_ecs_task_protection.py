"""Task protection as the ECS agent answers it, over HTTP; a small server stands in its place."""

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request

from services.agent.adapters.ecs_task_protection import EcsTaskProtection
from tests.servers.rtsp import free_port

PATH = "/api/1234/task-protection/v1/state"
PROTECTED = {"protection": {"ProtectionEnabled": True, "TaskArn": "arn:aws:ecs:task"}}
REFUSED = {"error": {"Code": "AccessDeniedException", "Message": "not allowed"}}


@pytest.fixture
def now() -> list[float]:
    """The clock's hand, in seconds."""
    return [1000.0]


@pytest.fixture
def protection(httpserver: HTTPServer, now: list[float]) -> EcsTaskProtection:
    return EcsTaskProtection(httpserver.url_for("/api/1234"), clock=lambda: now[0])


def answering(server: HTTPServer, answer: object, status: int = 200) -> None:
    server.expect_request(PATH, method="PUT").respond_with_json(answer, status)


def asked(server: HTTPServer) -> list[object]:
    requests: list[Request] = [request for request, _ in server.log]
    return [request.get_json() for request in requests]


def test_many_messages_in_a_row_ask_once_and_the_end_gives_it_up(
    httpserver: HTTPServer, protection: EcsTaskProtection
) -> None:
    answering(httpserver, PROTECTED)
    for _ in range(5):
        protection.hold()
    protection.release()
    protection.release()
    assert asked(httpserver) == [
        {"ProtectionEnabled": True, "ExpiresInMinutes": 10},
        {"ProtectionEnabled": False},
    ]


def test_it_is_renewed_before_it_expires(
    httpserver: HTTPServer, protection: EcsTaskProtection, now: list[float]
) -> None:
    answering(httpserver, PROTECTED)
    protection.hold()
    now[0] += 300
    protection.hold()
    assert len(asked(httpserver)) == 2


def test_a_refusal_is_told_asked_again_a_minute_later_and_stops_nothing(
    httpserver: HTTPServer, protection: EcsTaskProtection, now: list[float]
) -> None:
    answering(httpserver, REFUSED, 400)
    with capture_logs() as lines:
        protection.hold()
        protection.hold()
        protection.release()
        now[0] += 60
        protection.hold()
    assert [line["event"] for line in lines] == ["task.unprotected"] * 2
    assert len(asked(httpserver)) == 2


def test_an_agent_that_is_not_there_stops_nothing() -> None:
    with capture_logs() as lines:
        EcsTaskProtection(f"http://127.0.0.1:{free_port()}").hold()
    assert "does not protect" in lines[0]["problem"]
