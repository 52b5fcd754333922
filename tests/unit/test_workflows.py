"""The workflows: actions pinned by commit, only the rights they need, and everything that they call is there."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.image_gate import accepted_names, findings
from tools.check_docs import check_line

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
FILES = sorted(WORKFLOWS.glob("*.yml"))
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
IMAGES = ("detection", "agent")


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        yield from job["steps"]


def commands(path: Path) -> Iterator[str]:
    for step in steps(path):
        yield from str(step.get("run", "")).splitlines()


def test_actions_are_pinned_by_commit_and_say_which_release_that_is(path: Path) -> None:
    for line in path.read_text().splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_each_workflow_names_its_rights(path: Path) -> None:
    told = yaml.safe_load(path.read_text())
    assert told["permissions"]["contents"] == "read"
    assert set(told["permissions"]) <= {"contents", "id-token"}
    assert "pull_request_target" not in path.read_text()


def test_no_text_of_strangers_gets_into_a_shell(path: Path) -> None:
    for command in commands(path):
        assert not re.search(r"\$\{\{\s*(github\.event|inputs\.|github\.head_ref)", command), command


def test_each_make_target_exists(path: Path) -> None:
    for command in commands(path):
        for target in re.findall(r"\bmake ([a-z-]+)", command):
            assert target in TARGETS, command


def test_each_file_and_module_exists(path: Path) -> None:
    for command in commands(path):
        for name in re.findall(r"(?<![\w/.])((?:infra|tests|tools|docker)/[\w./-]+)", command):
            assert (ROOT / name).exists(), command
        for name in re.findall(r"python\d? -m ([\w.]+)", command):
            assert importlib.util.find_spec(name), command


def test_each_command_of_ours_exists_with_its_options(path: Path) -> None:
    for command in commands(path):
        assert list(check_line(command)) == [], command


def test_a_deployment_is_taken_back_if_its_test_violation_gets_lost() -> None:
    (deployed,) = [command for command in commands(WORKFLOWS / "deploy.yml") if "infra/deploy.py" in command]
    assert deployed.endswith("--test")


def test_names_of_installations_begin_as_terraform_begins_them() -> None:
    """`name` of Terraform's variables, in one place to change: the variable NAME."""
    variables = (ROOT / "infra/terraform/variables.tf").read_text("utf-8")
    (name,) = re.findall(r'^variable "name" \{.*?default\s+= "(\w+)"', variables, re.MULTILINE | re.DOTALL)
    for path in FILES:
        text = path.read_text("utf-8")
        assert f"{name}-" not in text
        assert set(re.findall(r"vars\.NAME\b.*?\}\}", text)) <= {f"vars.NAME || '{name}' }}}}"}


def test_what_decides_whether_a_job_runs_is_known_before_it_has_its_environment(path: Path) -> None:
    """A variable of a GitHub environment is empty in a job's `if`."""
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        used = set(re.findall(r"vars\.(\w+)", str(job.get("if", ""))))
        assert used <= {"AWS_PLAN_ROLE", "BUILD_ENVIRONMENT"}


def test_dependabot_looks_after_every_folder_with_a_lock_of_terraform() -> None:
    told = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    (terraform,) = [one for one in told if one["package-ecosystem"] == "terraform"]
    locks = [path.parent for path in (ROOT / "infra").rglob(".terraform.lock.hcl")]
    assert {f"/{path.relative_to(ROOT)}" for path in locks} == set(terraform["directories"])


def test_each_image_has_its_dockerfile() -> None:
    told = yaml.safe_load((ROOT / ".github/workflows/build.yml").read_text())
    assert told["jobs"]["image"]["strategy"]["matrix"]["image"] == list(IMAGES)
    for image in IMAGES:
        assert (ROOT / "docker" / f"{image}.Dockerfile").is_file()


def test_each_variable_is_documented(path: Path) -> None:
    documented = (ROOT / "docs" / "deploy.md").read_text()
    for name in set(re.findall(r"\bvars\.(\w+)", path.read_text())):
        assert f"`{name}`" in documented, name


def test_dependabot_waits_and_looks_where_something_is() -> None:
    told = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    assert {one["package-ecosystem"] for one in told["updates"]} >= {
        "github-actions",
        "pip",
        "docker",
        "terraform",
    }
    for update in told["updates"]:
        assert update["cooldown"]["default-days"] >= 7
        for folder in update.get("directories") or [update["directory"]]:
            assert (ROOT / folder.strip("/")).is_dir()


def test_the_gate_tells_the_gravest_first_and_wants_reasons() -> None:
    listed = [
        {"severity": "LOW", "name": "CVE-1"},
        {"severity": "HIGH", "name": "CVE-2", "attributes": [{"key": "package_name", "value": "zlib"}]},
        {"severity": "CRITICAL", "name": "CVE-3"},
    ]
    told = findings({"imageScanFindings": {"findings": listed}})
    assert told == [("CRITICAL", "CVE-3", "?"), ("HIGH", "CVE-2", "zlib")]
    assert accepted_names("# heading\nCVE-3 not reachable\n") == {"CVE-3"}
    with pytest.raises(SystemExit, match="CVE-4 without a reason"):
        accepted_names("CVE-4\n")
