"""What the topologies cost in a month, from prices.yaml alone: `python infra/cost/cost.py [--write]`.

Prints the tables of docs/cost.md, or writes them there between their markers.
"""

import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "cost.md"
MARKED = re.compile(r"(<!-- (\w+): computed -->\n).*?(<!-- end -->)", re.DOTALL)
Lines = dict[str, float]


class Prices:
    """prices.yaml."""

    def __init__(self, path: Path = HERE / "prices.yaml") -> None:
        self._told: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))

    def usd(self, name: str) -> float:
        return float(self._told["prices"][name]["usd"])

    def load(self, name: str) -> float:
        return float(self._told["load"][name]["value"])

    def free(self, name: str) -> float:
        return float(self._told["free"][name])


@dataclass(frozen=True, slots=True)
class Topology:
    """One way to run the product.

    Attributes:
        detection: vCPU and GB of a task, or None at the edge.
        cameras_per_task: that one detection task watches.
        agent_always: whether one agent task never sleeps.
        spot: whether the agent runs on spare capacity.
        idle_minutes: that the agent stays awake after its last work.
        rounds_day: wake-ups by schedule, of *round_minutes* each.
        database: serverless, micro, small-2az or external.
        egress: public or nat.
    """

    name: str
    detection: tuple[float, float] | None
    cameras_per_task: int
    agent_always: bool
    spot: bool
    idle_minutes: float
    rounds_day: float
    round_minutes: float
    database: str
    egress: str


EDGE = Topology("edge, agent asleep", None, 64, False, True, 5, 2, 8, "serverless", "public")
EDGE_EXTERNAL = Topology("edge, database of your own", None, 64, False, True, 5, 2, 8, "external", "public")
CLOUD = Topology("cloud only, cheapest sensible", (2, 4), 3, False, True, 5, 6, 8, "serverless", "public")
COMFORTABLE = Topology("comfortable", (2, 4), 3, True, False, 10, 0, 0, "small-2az", "nat")
TOPOLOGIES = (EDGE, EDGE_EXTERNAL, CLOUD, COMFORTABLE)
CAMERAS = (1, 16, 100)


def month(topology: Topology, cameras: int, prices: Prices) -> Lines:
    """US dollars a month by what they are for; the account's free share is taken off."""
    return {
        "detection": _detection(topology, cameras, prices),
        "agent": _agent(topology, cameras, prices),
        "database": _database(topology, cameras, prices),
        "network": _network(topology, cameras, prices),
        "buckets": _buckets(cameras, prices),
        "queue": _queue(topology, cameras, prices),
        "logs, metrics, alarms": _watching(topology, cameras, prices),
        "mail": _mail(cameras, prices),
        "images": prices.load("image_gb") * prices.usd("ecr_gb_month"),
    }


def _tasks(topology: Topology, cameras: int) -> int:
    return math.ceil(cameras / topology.cameras_per_task) if topology.detection else 0


def _size(topology: Topology, cameras: int) -> tuple[float, float]:
    """One camera alone does with half a task."""
    vcpu, gb = topology.detection or (0.0, 0.0)
    return (vcpu / 2, gb / 2) if cameras == 1 else (vcpu, gb)


def _task_hour(vcpu: float, gb: float, prices: Prices) -> float:
    return vcpu * prices.usd("fargate_vcpu_hour") + gb * prices.usd("fargate_gb_hour")


def _detection(topology: Topology, cameras: int, prices: Prices) -> float:
    """With the spool on EFS: next to nothing is stored, and each violation is written twice."""
    if not topology.detection:
        return 0.0
    hours = _tasks(topology, cameras) * prices.load("hours_month")
    spool = _violations(cameras, prices) * 2 * prices.load("picture_mb") / 1000 * prices.usd("efs_write_gb")
    return hours * _task_hour(*_size(topology, cameras), prices) + spool


def _agent(topology: Topology, cameras: int, prices: Prices) -> float:
    share = prices.usd("fargate_spot_share") if topology.spot else 1.0
    return _awake_hours(topology, cameras, prices) * _task_hour(1, 2, prices) * share


def _awake_hours(topology: Topology, cameras: int, prices: Prices, more_minutes: float = 0.0) -> float:
    """Hours a month that at least one agent is awake (and *more_minutes* after it).

    Violations come at random (Poisson) while people work, and each keeps it awake for a while: it sleeps for the share
    exp(-rate x time) of those hours. The rounds of the schedule come on top.
    """
    if topology.agent_always:
        return prices.load("hours_month")
    days, hours = prices.load("hours_month") / 24, prices.load("work_hours_day")
    rate = cameras * prices.load("violations_camera_day") / hours
    stays = (prices.load("agent_start_minutes") + topology.idle_minutes + more_minutes) / 60
    rounds = (
        topology.rounds_day
        * (prices.load("agent_start_minutes") + topology.round_minutes + more_minutes)
        / 60
    )
    return min(prices.load("hours_month"), days * (hours * (1 - math.exp(-rate * stays)) + rounds))


def _database(topology: Topology, cameras: int, prices: Prices) -> float:
    hours = prices.load("hours_month")
    if topology.database == "external":
        return 0.0
    if topology.database == "micro":
        return hours * prices.usd("rds_t4g_micro_hour") + 20 * prices.usd("rds_gp3_gb_month")
    if topology.database == "small-2az":
        return 2 * (hours * prices.usd("rds_t4g_small_hour") + 20 * prices.usd("rds_gp3_gb_month"))
    awake = _awake_hours(topology, cameras, prices, prices.load("database_pause_minutes"))
    return awake * 0.5 * prices.usd("aurora_acu_hour") + prices.usd("aurora_gb_month")


def _network(topology: Topology, cameras: int, prices: Prices) -> float:
    out_gb = _violations(cameras, prices) * prices.load("pdf_mb") / 1000 * prices.load("recipients")
    beyond = max(0.0, out_gb - prices.free("out_gb")) * prices.usd("out_gb")
    if topology.egress == "nat":
        return prices.load("hours_month") * prices.usd("nat_hour") + out_gb * prices.usd("nat_gb") + beyond
    tasks = _tasks(topology, cameras) * prices.load("hours_month") + _awake_hours(topology, cameras, prices)
    return tasks * prices.usd("public_ipv4_hour") + beyond


def _violations(cameras: int, prices: Prices) -> float:
    """In a month."""
    return cameras * prices.load("violations_camera_day") * prices.load("hours_month") / 24


def _buckets(cameras: int, prices: Prices) -> float:
    count = _violations(cameras, prices)
    held_gb = count * prices.load("kept_months") * (prices.load("picture_mb") + prices.load("pdf_mb")) / 1000
    puts, gets = 4 * count, 6 * count  # picture, two messages, report; reads by agent and mail
    return (
        held_gb * prices.usd("s3_gb_month")
        + puts / 1000 * prices.usd("s3_put_1000")
        + gets / 1000 * prices.usd("s3_get_1000")
    )


def _queue(topology: Topology, cameras: int, prices: Prices) -> float:
    polls = _awake_hours(topology, cameras, prices) * 3600 * prices.load("agent_poll_second")
    millions = (polls + 12 * _violations(cameras, prices)) / 1e6
    return max(0.0, millions - prices.free("sqs_million")) * prices.usd("sqs_million")


def _log_gb(topology: Topology, cameras: int, prices: Prices) -> float:
    lines = cameras * prices.load("hours_month") + _awake_hours(topology, cameras, prices)
    status = lines * prices.load("status_lines_hour") * prices.load("status_line_bytes")
    return (status + _violations(cameras, prices) * 20 * 500) / 1e9


def _watching(topology: Topology, cameras: int, prices: Prices) -> float:
    gb = max(0.0, _log_gb(topology, cameras, prices) - prices.free("logs_gb"))
    metrics = max(0.0, prices.load("log_metrics") - prices.free("metrics"))
    looked_at = prices.load("alarm_metrics") + _tasks(
        topology, cameras
    )  # each detection service has one of its own
    alarms = max(0.0, looked_at - prices.free("alarm_metrics"))
    return (
        gb * prices.usd("logs_gb")
        + metrics * prices.usd("metric_month")
        + alarms * prices.usd("alarm_metric_month")
    )


def _mail(cameras: int, prices: Prices) -> float:
    mails = _violations(cameras, prices) * prices.load("recipients")
    return mails / 1000 * prices.usd("ses_1000_mails") + mails * prices.load("pdf_mb") / 1000 * prices.usd(
        "ses_gb"
    )


def topologies(prices: Prices) -> str:
    """A line for each kind of cost, a column for each topology and number of cameras."""
    tables = []
    for cameras in CAMERAS:
        columns = [month(topology, cameras, prices) for topology in TOPOLOGIES]
        heads = [topology.name for topology in TOPOLOGIES]
        title = "1 camera" if cameras == 1 else f"{cameras} cameras"
        rows = [[name, *(f"{column[name]:.2f}" for column in columns)] for name in columns[0]]
        total = ["**a month**", *(f"**{sum(column.values()):.2f}**" for column in columns)]
        tables.append(_table([title, *heads], [*rows, total]))
    return "\n\n".join(tables)


def small_sites(prices: Prices) -> str:
    """How far ten dollars reach at the edge."""
    rows = [
        [
            str(cameras),
            *(f"{sum(month(topology, cameras, prices).values()):.2f}" for topology in (EDGE, EDGE_EXTERNAL)),
        ]
        for cameras in (1, 2, 3, 4, 8, 16)
    ]
    return _table(["Cameras at the edge", EDGE.name, EDGE_EXTERNAL.name], rows)


def options(prices: Prices) -> str:
    """What a single choice costs."""
    hours = prices.load("hours_month")
    services = 8
    lines = CAMERAS[1] * hours * 3600 * prices.load("status_line_bytes") / 1e9
    rows = [
        ["NAT gateway, one, without traffic", hours * prices.usd("nat_hour")],
        [
            f"interface endpoints for {services} services in two zones",
            2 * services * hours * prices.usd("endpoint_hour"),
        ],
        ["one public address, all month", hours * prices.usd("public_ipv4_hour")],
        [
            "Container Insights for 8 tasks",
            8 * prices.load("insights_metrics_task") * prices.usd("insights_metric_month"),
        ],
        [
            "status lines of 16 cameras every second instead of every 30",
            lines * 29 / 30 * prices.usd("logs_gb"),
        ],
        ["an agent that never sleeps, on demand", hours * _task_hour(1, 2, prices)],
        ["the same on spare capacity", hours * _task_hour(1, 2, prices) * prices.usd("fargate_spot_share")],
        [
            "RDS db.t4g.micro with 20 GB, one zone",
            hours * prices.usd("rds_t4g_micro_hour") + 20 * prices.usd("rds_gp3_gb_month"),
        ],
        ["Aurora that never sleeps (0.5 units)", hours * 0.5 * prices.usd("aurora_acu_hour")],
        ["one g4dn.xlarge for the GPU variant", hours * prices.usd("g4dn_xlarge_hour")],
        ["a key of your own (KMS), each", 1.0],
    ]
    return _table(["Choice", "USD a month"], [[str(name), f"{float(usd):.2f}"] for name, usd in rows])


def inputs(prices: Prices) -> str:
    """Every price with its date."""
    told = prices._told["prices"]
    rows = [[name, f"{one['usd']:g}", str(one["as_of"]), one["source"]] for name, one in told.items()]
    return _table(["Price", "USD", "As of", "Read at"], rows)


def assumptions(prices: Prices) -> str:
    """What the sums rest on besides prices."""
    told = prices._told["load"]
    rows = [
        [name, f"{one['value']:g}", one.get("measured") or one.get("note", "")] for name, one in told.items()
    ]
    return _table(["Load", "Value", "From"], rows)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES: dict[str, Callable[[Prices], str]] = {
    "topologies": topologies,
    "small_sites": small_sites,
    "options": options,
    "inputs": inputs,
    "assumptions": assumptions,
}


def rendered(document: str, prices: Prices) -> str:
    """*document* with its tables as they are now."""
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]](prices)}\n{found[3]}", document)


def main(arguments: list[str]) -> int:
    """See the module."""
    if arguments == ["--write"]:
        DOCUMENT.write_text(rendered(DOCUMENT.read_text("utf-8"), Prices()), "utf-8")
        return 0
    sys.stdout.write("\n\n".join(table(Prices()) for table in TABLES.values()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
