"""The policy that deploy/ offers allows what the store calls, and no more."""

import json
from pathlib import Path

POLICY = Path(__file__).parents[2] / "deploy" / "s3-policy.json"


def test_the_policy_grants_each_action_where_it_is_needed() -> None:
    granted: dict[str, set[str]] = {}
    for statement in json.loads(POLICY.read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        actions, resources = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            places = [resources] if isinstance(resources, str) else resources
            granted.setdefault(action, set()).update(places)
    audio, results = "arn:aws:s3:::AUDIO-BUCKET", "arn:aws:s3:::RESULT-BUCKET"
    assert granted == {
        "s3:GetObject": {f"{audio}/*", f"{results}/*"},
        "s3:PutObject": {f"{results}/*"},
        "s3:DeleteObject": {f"{results}/*"},
        "s3:ListBucket": {audio, results},
    }
