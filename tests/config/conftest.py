"""Settings as a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from barograph.config.judge import ConfigReport, judge_settings
from barograph.config.reading import SettingsFile, plan_of
from barograph.core.methods import Method


@pytest.fixture
def judged() -> Callable[..., ConfigReport]:
    """What is said of settings, and of more that is known."""

    def say(
        settings: dict[str, Any], facts: dict[str, Any] | None = None, method: Method | None = None
    ) -> ConfigReport:
        known = {name: value for name, value in settings.items() if value is not None}
        return judge_settings(plan_of(SettingsFile("settings", known), method).knowing(**(facts or {})))

    return say
