"""Whether the agent leaves zero and comes back: the alarms as applied, evaluated over what CloudWatch may tell."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.infra.installation import Installation
from tests.infra.metric_maths import Figure, evaluated, rings

pytestmark = pytest.mark.timeout(1500)

MINUTES = 30
NONE = [None] * MINUTES  # a metric that tells nothing, as SQS of messages in flight while there are none
ZERO, ONE, MANY = [0.0] * MINUTES, [1.0] * MINUTES, [50.0] * MINUTES
LATE = [*ONE[1:], None]  # the newest figure has not come yet
JUST_EMPTY = [1.0] * (MINUTES - 5) + [0.0] * 5


def alarm(dev: Installation, name: str) -> Any:
    (found,) = dev.client("cloudwatch").describe_alarms(AlarmNames=[f"officer-dev-agent-{name}"])[
        "MetricAlarms"
    ]
    return found


@pytest.mark.parametrize(
    ("waiting", "running", "woken"),
    [
        pytest.param(ONE, NONE, True, id="a-message-waits-and-nobody-was-ever-counted"),
        pytest.param(ONE, ZERO, True, id="a-message-waits-and-nobody-runs"),
        pytest.param(MANY, NONE, True, id="many-wait-and-nobody-runs"),
        pytest.param([*ZERO[2:], 1.0, 1.0], NONE, True, id="the-first-after-a-quiet-night"),
        pytest.param(ZERO, NONE, False, id="nothing-waits"),
        pytest.param(NONE, NONE, False, id="nothing-is-told-of-the-queue"),
        pytest.param(ONE, ONE, False, id="somebody-runs-already"),
        pytest.param(MANY, LATE, False, id="somebody-runs-whose-newest-figure-is-late"),
    ],
)
def test_the_agent_is_woken(
    dev: Installation, waiting: Sequence[Figure], running: Sequence[Figure], woken: bool
) -> None:
    assert rings(alarm(dev, "wake"), {"waiting": waiting, "running": running}) is woken


@pytest.mark.parametrize(
    ("figures", "sleeps"),
    [
        pytest.param({}, True, id="all-is-empty"),
        pytest.param({"held": NONE}, True, id="nothing-in-flight-is-not-told"),
        pytest.param({"outbox_waiting": NONE, "outbox_held": NONE}, True, id="no-status-line-yet"),
        pytest.param({"waiting": MANY}, False, id="a-backlog"),
        pytest.param({"held": ONE}, False, id="only-in-flight"),
        pytest.param({"outbox_waiting": ONE}, False, id="a-mail-is-due-or-was-put-off"),
        pytest.param({"outbox_held": ONE}, False, id="a-mail-is-held-for-a-digest"),
        pytest.param({"waiting": NONE}, False, id="nothing-is-told-of-the-queue"),
        pytest.param({"waiting": JUST_EMPTY}, False, id="empty-for-five-minutes-only"),
        pytest.param({"outbox_waiting": JUST_EMPTY}, False, id="mails-gone-for-five-minutes-only"),
    ],
)
def test_the_agent_goes_to_sleep(
    dev: Installation, figures: dict[str, Sequence[Figure]], sleeps: bool
) -> None:
    empty = dict.fromkeys(("waiting", "held", "outbox_waiting", "outbox_held"), ZERO)
    assert rings(alarm(dev, "idle"), empty | figures) is sleeps


@pytest.mark.parametrize(
    ("waiting", "running", "backlog"),
    [
        (0.0, 1.0, 0.0),
        (50.0, 1.0, 50.0),
        (50.0, 5.0, 10.0),
        (50.0, None, 50.0),
        (50.0, 0.0, 50.0),
        (None, 1.0, None),
    ],
)
def test_a_backlog_is_shared_among_those_who_run(
    dev: Installation, waiting: Figure, running: Figure, backlog: Figure
) -> None:
    scaling = dev.client("application-autoscaling")
    policies = {
        one["PolicyName"]: one
        for one in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    }
    tracking = policies["officer-dev-agent-backlog"]["TargetTrackingScalingPolicyConfiguration"]
    metrics = tracking["CustomizedMetricSpecification"]["Metrics"]
    (expression,) = [one["Expression"] for one in metrics if one.get("Expression")]
    assert evaluated(expression, {"waiting": waiting, "running": running}) == backlog
