"""What one PC without a cloud has no use for costs it no start-up time."""

import subprocess
import sys


def test_the_sdk_of_aws_is_imported_only_where_it_is_used() -> None:
    program = (
        "import sys, services.agent.bootstrap, services.detection.bootstrap\n"
        "print([name for name in ('boto3', 'botocore', 'shared.aws') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
