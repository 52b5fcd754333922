"""The bucket of the states: made, refused to be destroyed, and used as docs/deploy.md says, one key an installation."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.infra.installation import REGION, SOURCE, Endpoint, running_endpoint, terraform

pytestmark = pytest.mark.timeout(600)

# moto does not give this back, and the provider waits for it in vain.
UNKNOWN_TO_MOTO = re.compile(r"^ *newer_noncurrent_versions *= .*\n", re.MULTILINE)
LOCAL = """
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true
}
"""
MAY_GO = """
resource "aws_s3_bucket" "state" {
  lifecycle {
    prevent_destroy = false
  }
}
"""
STATE = '{"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}'


@dataclass
class Bootstrap:
    """The applied bootstrap.

    Attributes:
        folder: copy of infra/terraform/bootstrap with its state.
        outputs: of Terraform, by name.
    """

    folder: Path
    endpoint: Endpoint
    outputs: dict[str, Any]

    def run(self, *arguments: str) -> str:
        """Run Terraform and return what it said, also if it failed."""
        done = terraform(self.folder, *arguments, "-no-color", **self.endpoint.environment)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bootstrap]:
    folder = tmp_path_factory.mktemp("states") / "bootstrap"
    shutil.copytree(SOURCE / "bootstrap", folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    (folder / "local_override.tf").write_text(LOCAL)
    text, left_out = UNKNOWN_TO_MOTO.subn("", (folder / "main.tf").read_text())
    assert left_out == 1
    (folder / "main.tf").write_text(text)
    with running_endpoint() as endpoint:
        made = Bootstrap(folder, endpoint, {})
        made.run("init")
        said = made.run("apply", "-auto-approve", f"-var=region={REGION}")
        assert "Apply complete!" in said, said
        told = json.loads(made.run("output", "-json"))
        made.outputs = {name: one["value"] for name, one in told.items()}
        yield made
        _emptied(endpoint, made.outputs["state_bucket"])
        (folder / "may_go_override.tf").write_text(MAY_GO)
        said = made.run("destroy", "-auto-approve", f"-var=region={REGION}")
        assert "Destroy complete!" in said, said
        assert endpoint.client("s3").list_buckets()["Buckets"] == []


def _emptied(endpoint: Endpoint, bucket: str) -> None:
    """AWS refuses to remove a bucket that still holds the versions of a state."""
    s3 = endpoint.client("s3")
    found = s3.list_object_versions(Bucket=bucket)
    for one in [
        *found.get("Versions", []),
        *found.get("DeleteMarkers", []),
    ]:  # markers of locks that were let go
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])


def test_the_bucket_keeps_old_states_and_is_nobody_elses(bootstrap: Bootstrap) -> None:
    s3, name = bootstrap.endpoint.client("s3"), bootstrap.outputs["state_bucket"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")


def test_the_bucket_is_not_destroyed(bootstrap: Bootstrap) -> None:
    said = bootstrap.run("destroy", "-auto-approve", f"-var=region={REGION}")
    assert "Instance cannot be destroyed" in said
    assert bootstrap.endpoint.client("s3").list_buckets()["Buckets"]


def test_each_installation_has_a_state_of_its_own(bootstrap: Bootstrap, tmp_path: Path) -> None:
    """`terraform init` with the file that the bootstrap hands out; a state is put there under S3's lock."""
    folder, environment = tmp_path / "terraform", bootstrap.endpoint.environment
    shutil.copytree(
        SOURCE, folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "*.backend.hcl")
    )
    (folder / "envs" / "dev.backend.hcl").write_text(bootstrap.outputs["backend"])
    (folder / "empty.tfstate").write_text(STATE)
    for name in ("dev", "prod"):
        told = [f"-backend-config=key=officer-{name}.tfstate", "-backend-config=use_path_style=true"]
        done = terraform(
            folder, "init", "-reconfigure", "-backend-config=envs/dev.backend.hcl", *told, **environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        done = terraform(folder, "state", "push", "empty.tfstate", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
    listed = bootstrap.endpoint.client("s3").list_objects_v2(Bucket=bootstrap.outputs["state_bucket"])
    assert [one["Key"] for one in listed["Contents"]] == ["officer-dev.tfstate", "officer-prod.tfstate"]
    assert not (folder / "terraform.tfstate").exists()
