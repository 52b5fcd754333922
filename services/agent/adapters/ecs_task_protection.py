"""Task protection by the ECS agent beside the container: scaling in and deployments leave a task alone while it works.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html. Spare capacity that
AWS takes back is not held up by it: then SIGTERM comes, as ever.
"""

import json
import time
import urllib.request
from collections.abc import Callable

import structlog

HELD_MINUTES = 10  # the longest that a task which hangs holds a deployment up
RENEWED_AFTER_S = 300.0
ASKED_AGAIN_AFTER_S = 60.0
ANSWER_S = 2.0

log = structlog.get_logger()


class EcsTaskProtection:
    """Asks once for many messages in a row. What ECS refuses is told and stops nothing: the queue holds the work."""

    def __init__(self, agent_uri: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the ECS agent at *agent_uri*, which ECS itself tells each container as ECS_AGENT_URI."""
        self._url = f"{agent_uri}/task-protection/v1/state"
        self._clock = clock
        self._held = False
        self._asked_next_s = 0.0

    def hold(self) -> None:
        """See `TaskProtection.hold`."""
        if self._clock() >= self._asked_next_s:
            self._held = self._ask({"ProtectionEnabled": True, "ExpiresInMinutes": HELD_MINUTES})
            self._asked_next_s = self._clock() + (RENEWED_AFTER_S if self._held else ASKED_AGAIN_AFTER_S)

    def release(self) -> None:
        """See `TaskProtection.release`."""
        if self._held:
            self._held = False  # what fails here ends by itself
            self._asked_next_s = 0.0
            self._ask({"ProtectionEnabled": False})

    def _ask(self, state: dict[str, object]) -> bool:
        request = urllib.request.Request(  # noqa: S310 - the address is that of ECS on this machine
            self._url,
            json.dumps(state).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - ECS, see the request
                told = json.load(answer)
        except (OSError, ValueError) as error:
            told = {"error": str(error)}
        if "protection" not in told:
            log.warning("task.unprotected", problem=f"ECS does not protect this task: {str(told)[:300]}")
        return "protection" in told
