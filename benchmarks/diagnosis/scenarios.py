"""What the diagnosis is measured on: healthy settings, and faults that are planted in them. Data alone.

A fault says what is planted and since which step, which causes are right and which rules name it, and from which step
a careful reader of the log could know. Some faults nobody can see in a log, and some have no word among the causes:
both are said, and the second kind counts as missed.

Half of the first lot was held out by lot before any run was recorded. When rules had been changed by looking at the
other half, it was opened, and a second lot was drawn up, none of which had been trained; and so on until the sixth.
What was measured on each while it was held out is kept. Rules, thresholds and causes may be changed by
looking at the lots before the last, never by looking at the last.
"""

from __future__ import annotations

import fifth_lot
import first_lot
import fourth_lot
import second_lot
import sixth_lot
import third_lot
from scenario import Fault, Scenario, Setting

__all__ = ["FAULTS", "HEALTHY", "SCENARIOS", "SEEDS", "SETTINGS", "Fault", "Scenario", "Setting"]

SEEDS = (1, 2, 3, 4, 5)
LOTS = (first_lot, second_lot, third_lot, fourth_lot, fifth_lot, sixth_lot)
SETTINGS = tuple(setting for lot in LOTS for setting in lot.SETTINGS)
FAULTS = tuple(fault for lot in LOTS for fault in lot.FAULTS)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
HEALTHY = tuple(
    Scenario(f"{setting.name}--healthy", setting, is_held_out=setting in LOTS[-1].SETTINGS) for setting in SETTINGS
)
SCENARIOS = (
    *HEALTHY,
    *(
        Scenario(f"{fault.setting}--{fault.kind}", _BY_NAME[fault.setting], fault, fault in LOTS[-1].FAULTS)
        for fault in FAULTS
    ),
)
