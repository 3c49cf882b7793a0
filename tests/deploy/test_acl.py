"""The user of deploy/valkey-acl.conf may run every command of the Lua scripts."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_every_command_of_the_scripts_is_permitted() -> None:
    rules = (REPOSITORY / "deploy" / "valkey-acl.conf").read_text()
    permitted = set(re.findall(r"\+([a-z]+)", rules))
    used = {
        (command.lower(), path.name)
        for package in ("broker", "worker", "producer", "exporter")
        for path in (REPOSITORY / package).rglob("*.py")
        for command in re.findall(r"redis\.p?call\('(\w+)'", path.read_text())
    }
    assert len(used) > 50
    assert {one for one in used if one[0] not in permitted} == set()
