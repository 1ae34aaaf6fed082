"""The JSON of fleet commands is as docs/json.md has it."""

import json

from tests.deploy.documented_json import validate
from tests.fleet.fleets import COMMAND, Fleet


def test_the_commands_that_look(fleet: Fleet) -> None:
    fleet.tenants(["acme", "globex"])
    fleet.ask("DROP INDEX acme.ix_orders_note")
    fleet.ask("CREATE TABLE globex.extra (id int)")
    fleet.revision("weight", "op.add_column('items', sa.Column('weight', sa.Integer()))")
    validate("fleet_status", fleet.json("status"))
    validate("fleet_plan", fleet.json("plan", code=3))
    found = fleet.json("verify", code=1)
    validate("fleet_verify", found)
    assert [len(each["wrong"]) for each in found["tenants"]] == [1, 0]


def test_a_deploy(fleet: Fleet) -> None:
    fleet.tenants(["acme", "globex"])
    fleet.ask("DROP INDEX acme.ix_orders_note")
    fleet.revision("weight", "op.add_column('items', sa.Column('weight', sa.Integer()))")
    fleet.snapshot()
    words = [*COMMAND, "deploy", "--json", "--no-backup", "--on-failure", "continue"]
    process = fleet.project.start(words, env=fleet.env())
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    lines = [json.loads(line) for line in said.splitlines()]
    for line in lines:
        validate("deploy_line", line)
    assert lines[-1]["exit_code"] == 1
    assert [each["name"] for each in lines[-1]["failures"]] == ["acme"]
