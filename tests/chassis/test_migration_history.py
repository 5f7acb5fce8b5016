"""One history a service: two migrations that both follow the same one would start nothing any more."""

import pytest
from alembic.script import ScriptDirectory

from chassis.migrate import history_of
from local.environment import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_migrations_follow_each_other_in_one_line(service: str) -> None:
    assert len(ScriptDirectory.from_config(history_of(service)).get_heads()) == 1
