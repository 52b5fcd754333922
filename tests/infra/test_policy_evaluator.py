"""The evaluator that the policies are tested with."""

import pytest

from tests.infra.policies import allows

READ = {
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::b/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/*"},
    ]
}


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/a", True),
        ("S3:getobject", "arn:aws:s3:::b/a", True),
        ("s3:PutObject", "arn:aws:s3:::b/a", False),
        ("s3:GetObject", "arn:aws:s3:::c/a", False),
        ("s3:GetObject", "arn:aws:s3:::b", False),
        ("s3:GetObject", "arn:aws:s3:::b/secret/a", False),
    ],
)
def test_a_deny_wins_and_what_nobody_allows_is_refused(action: str, resource: str, expected: bool) -> None:
    assert allows([READ], action, resource) is expected


def test_a_condition_needs_the_key_and_the_value() -> None:
    policy = {
        "Statement": {
            "Effect": "Allow",
            "Action": "x:Y",
            "Resource": "*",
            "Condition": {"StringEquals": {"k": ["a", "b"]}},
        }
    }
    assert allows([policy], "x:Y", "r", {"k": "b"})
    assert not allows([policy], "x:Y", "r", {"k": "c"})
    assert not allows([policy], "x:Y", "r")


def test_what_it_does_not_know_is_no_answer() -> None:
    with pytest.raises(NotImplementedError):
        allows([{"Statement": {"Effect": "Allow", "NotAction": "x:Y", "Resource": "*"}}], "x:Z", "r")
