"""What can be said of the Terraform files without an AWS: format, validity, descriptions, checkov, and the logic."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.installation import ROOT, SOURCE, copied, terraform

pytestmark = pytest.mark.timeout(600)

MODULES = sorted(path.name for path in (SOURCE / "modules").iterdir())
FILES = sorted(path for path in SOURCE.rglob("*.tf") if ".terraform" not in path.parts)
VALIDATED_BELOW = {
    "agent_backlog_per_task": "ecs-service.scaling",
    "agent_environment": "ecs-service.environment",
    "agent_idle_minutes": "ecs-service.scaling",
    "agent_round": "ecs-service.scaling",
    "agent_size": "ecs-service.size",
    "agent_tasks": "ecs-service.scaling",
    "alert_addresses": "messaging.alert_addresses",
    "database_instance_class": "database.instance_class",
    "database_password_version": "database.password_version",
    "database_version": "database.engine_version",
    "detection_environment": "ecs-service.environment",
    "detection_size": "ecs-service.size",
    "edge_ca_certificate_file": "edge-access.ca_certificate",
    "evidence_lock": "storage.object_lock",
    "github_repository": "github-oidc.repository",
    "gpu_instance_type": "gpu-capacity.instance_type",
    "log_days": "ecs-service.log_days",
    "mail_identity": "mail.identity",
    "monthly_budget_usd": "budget.monthly_usd",
    "network_cidr": "network.cidr",
    "retention_days": "storage.retention_days",
    "zones": "network.zones",
}
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def variables_of(folder: Path) -> list[tuple[str, str]]:
    """Name and body of each."""
    found = BLOCK.findall((folder / "variables.tf").read_text())
    return [(name, body) for kind, name, body in found if kind == "variable"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("files") / "terraform")


def test_is_formatted() -> None:
    done = terraform(SOURCE, "fmt", "-check", "-recursive", "-list=true")
    assert done.returncode == 0, f"terraform fmt -recursive infra/terraform:\n{done.stdout}"


def test_is_valid(copy: Path) -> None:
    done = terraform(copy, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_bootstrap_is_valid(copy: Path) -> None:
    folder = copy / "bootstrap"
    assert terraform(folder, "init", "-backend=false").returncode == 0
    done = terraform(folder, "validate", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_logic_holds(copy: Path) -> None:
    done = terraform(copy, "test", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_its_four_files(module: str) -> None:
    names = {path.name for path in (SOURCE / "modules" / module).glob("*.tf")}
    assert names >= {"main.tf", "variables.tf", "outputs.tf", "versions.tf"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_variables_and_outputs_are_described(path: Path) -> None:
    for kind, name, body in BLOCK.findall(path.read_text()):
        assert re.search(r"^  description\s+= \"\S", body, re.MULTILINE), f"{kind} {name} has no description"
        if kind == "variable":
            assert re.search(r"^  type\s+= ", body, re.MULTILINE), f"variable {name} has no type"


@pytest.mark.parametrize("name", [name for name, _ in variables_of(SOURCE)])
def test_what_a_user_sets_is_validated(name: str) -> None:
    """A switch needs no validation; some are validated in the module that they are handed to."""
    body = dict(variables_of(SOURCE))[name]
    if name in VALIDATED_BELOW:
        module, _, inner = VALIDATED_BELOW[name].partition(".")
        body = dict(variables_of(SOURCE / "modules" / module))[inner]
    assert "validation {" in body or re.search(r"type\s+= bool", body)


def test_the_provider_is_pinned_and_locked() -> None:
    lock = (SOURCE / ".terraform.lock.hcl").read_text()
    assert re.search(r'version\s+= "5\.\d+\.\d+"', lock)
    assert 'constraints = "~> 5.100"' in lock


def test_checkov_finds_nothing_that_is_not_explained() -> None:
    done = subprocess.run(
        [
            *(ROOT / ".venv-infra" / "bin" / "checkov", "--directory", SOURCE, "--framework", "terraform"),
            *("--skip-download", "--download-external-modules", "false", "--compact"),
            *("--output", "json", "--skip-path", ".terraform"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout)
    failed = [
        f"{one['check_id']} {one['resource']}: {one['check_name']}"
        for one in told["results"]["failed_checks"]
    ]
    assert failed == []
    assert told["summary"]["passed"] > 200
    used = {(one["check_id"], one["file_path"].lstrip("/")) for one in told["results"]["skipped_checks"]}
    assert {(check, path) for check, path in skips() if (check, path) not in used} == set()


def skips() -> list[tuple[str, str]]:
    """Checks that are skipped, each with the file; whoever skips one says why."""
    found = []
    for path in FILES:
        for line in path.read_text().splitlines():
            if "checkov:skip" in line:
                told = re.fullmatch(r"\s*#checkov:skip=(CKV2?_AWS_\d+):.{20,}", line)
                assert told, f"{path.name}: {line.strip()} gives no reason"
                found.append((told[1], str(path.relative_to(SOURCE))))
    return found


def test_no_two_installations_share_a_state_by_default() -> None:
    assert not re.search(r"^\s*key\s*=", (SOURCE / "versions.tf").read_text("utf-8"), re.MULTILINE)
