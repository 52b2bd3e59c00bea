"""The scenarios of the drill, by name."""

from roseau.drill.running import Scenario
from roseau.drill.scenarios import (
    full_disk,
    host_loss,
    planned_switch,
    reeds_away,
    restart,
    store_loss,
    vault_restore,
    zombie,
)

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        restart.SCENARIO,
        host_loss.HOST_LOSS,
        host_loss.HOST_LOSS_ONE,
        host_loss.TWO_LOST,
        host_loss.AUTOMATIC,
        zombie.SCENARIO,
        reeds_away.SLOW_REED,
        reeds_away.REED_RETURNS,
        full_disk.SCENARIO,
        store_loss.SCENARIO,
        planned_switch.SCENARIO,
        vault_restore.SCENARIO,
    )
}
