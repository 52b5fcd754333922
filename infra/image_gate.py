"""Refuses an image in which the registry found grave vulnerabilities: python3 infra/image_gate.py REPOSITORY TAG

Waits for the scan that ECR makes at each push. Exit code 1: something critical was found, or there was no scan. High
ones are listed. What cannot be mended yet is let through by its name, with its reason, in
infra/accepted_vulnerabilities.txt.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("accepted_vulnerabilities.txt")
REFUSED, TOLD = {"CRITICAL"}, {"CRITICAL", "HIGH"}
LIMIT_S, POLL_S = 600, 10


def main(repository: str, tag: str) -> int:
    """See the module."""
    found = findings(scanned(repository, tag))
    accepted = accepted_names(ACCEPTED.read_text("utf-8"))
    for severity, name, package in found:
        note = " (accepted)" if name in accepted else ""
        sys.stdout.write(f"{severity:9} {name} {package}{note}\n")
    return int(any(severity in REFUSED and name not in accepted for severity, name, _ in found))


def scanned(repository: str, tag: str) -> dict[str, Any]:
    """What ECR found, as soon as it has looked.

    Raises:
        SystemExit: there is no scan within ten minutes.
    """
    for _ in range(LIMIT_S // POLL_S):
        command = ["aws", "ecr", "describe-image-scan-findings", "--repository-name", repository]
        done = subprocess.run(  # noqa: S603 - a list, no shell; the workflow names image and tag
            [*command, "--image-id", f"imageTag={tag}"],
            capture_output=True,
            text=True,
            check=False,
        )
        told: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        if told.get("imageScanStatus", {}).get("status") == "COMPLETE":
            return told
        time.sleep(POLL_S)
    sys.exit(f"no scan of {repository}:{tag} within {LIMIT_S} s")


def findings(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Severity, name and package of what is worth telling, the gravest first."""
    listed = told.get("imageScanFindings", {}).get("findings", [])
    found = [(one["severity"], one["name"], _package(one)) for one in listed if one["severity"] in TOLD]
    return sorted(found)


def accepted_names(text: str) -> set[str]:
    """Names in lines of the form ``CVE-2026-1234 reason``.

    Raises:
        SystemExit: a line gives no reason.
    """
    lines = [
        line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")
    ]
    if bare := [words[0] for words in lines if len(words) == 1]:
        sys.exit(f"{ACCEPTED.name}: {', '.join(bare)} without a reason")
    return {name for name, _ in lines}


def _package(finding: dict[str, Any]) -> str:
    told = {one["key"]: one["value"] for one in finding.get("attributes", [])}
    return f"{told.get('package_name', '?')} {told.get('package_version', '')}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
