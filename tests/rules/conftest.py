"""Lets the test modules of this folder import their helpers, `rule_logs` and `rule_cases`, by plain name."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
