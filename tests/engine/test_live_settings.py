"""The tables `[guard]` and `[alerts]`, and own rules that a guard may act on."""

from __future__ import annotations

import pytest

from barograph.core.decision import Deed
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Action, Severity
from barograph.core.live_settings import AlertSettings, GuardSettings
from barograph.engine.settings import settings_from

OWN = {"code": "MY01", "when": "loss > 3"}


def test_without_the_tables_everything_is_as_usual() -> None:
    settings = settings_from({}, "x.toml")
    assert (settings.guard, settings.alerts) == (GuardSettings(), AlertSettings())
    assert settings.guard.allowed is Deed.ADVISE
    assert not settings.alerts.is_any


def test_a_guard_as_it_is_written() -> None:
    table = {
        "allowed": "rescue",
        "most_rescues": 5,
        "rate": 0.1,
        "dry_run": True,
        "ignore": ["GRAD01", "margin-inverted"],
    }
    guard = settings_from({"guard": table}, "x.toml").guard
    assert (guard.allowed, guard.most_rescues, guard.rate, guard.dry_run) == (Deed.RESCUE, 5, 0.1, True)
    assert set(guard.ignore) == {"GRAD01", "PREF03"}


def test_alerts_as_they_are_written() -> None:
    table = {
        "desktop": True,
        "webhooks": ["ntfy+https://push.example.org/x"],
        "commands": ["say"],
        "severity": "warning",
    }
    alerts = settings_from({"alerts": {**table, "pause": 5, "most_an_hour": 2}}, "x.toml").alerts
    assert alerts.is_any
    assert (alerts.severity, alerts.pause, alerts.most_an_hour) == (Severity.WARNING, 5, 2)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"guard": "stop"}, r"\[guard\] must be a table"),
        ({"guard": {"allow": "stop"}}, "has no setting 'allow'; did you mean 'allowed'"),
        ({"guard": {"allowed": "rescu"}}, "'rescu' is none of advise, stop, rescue; did you mean 'rescue'"),
        ({"guard": {"rate": 1}}, "must lie between 0 and 1, not 1"),
        ({"guard": {"rate": 0}}, "must lie between 0 and 1, not 0"),
        ({"guard": {"most_rescues": -1}}, "must be a number, 0 or more"),
        ({"guard": {"most_rescues": True}}, "must be a number, 0 or more"),
        ({"guard": {"dry_run": "yes"}}, "must be true or false"),
        ({"guard": {"ignore": ["PREF99"]}}, "no rule is called 'PREF99'"),
        ({"alerts": {"severity": 2}}, "2 is none of info, warning, critical"),
        ({"alerts": {"commands": "say"}}, "must be a list of texts"),
        ({"alerts": {"pause": float("nan")}}, "must be a number, 0 or more"),
        ({"rule": [{**OWN, "act": "yes"}]}, "act must be true or false"),
        ({"rule": [{**OWN, "act": True}]}, 'needs severity = "critical"'),
    ],
)
def test_a_mistake_is_told_with_its_place(table: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as told:
        settings_from(table, "x.toml")
    assert str(told.value).startswith("x.toml: ")


def test_a_wrong_address_is_not_quoted() -> None:
    with pytest.raises(ConfigurationError, match="address 2 must begin with http") as told:
        settings_from({"alerts": {"webhooks": ["https://a.example", "file:///s3cret"]}}, "x.toml")
    assert "s3cret" not in str(told.value)


def test_an_own_rule_may_act_only_if_it_says_so() -> None:
    acting = settings_from({"rule": [{**OWN, "severity": "critical", "act": True, "advice": ["Look"]}]}, "x.toml")
    silent = settings_from({"rule": [{**OWN, "severity": "critical"}]}, "x.toml")
    rule, other = acting.rules[-1], silent.rules[-1]
    assert (rule.may_act, other.may_act) == (True, False)
    assert {advice.action for advice in rule.do} == {None, Action.STOP, Action.REVERT, Action.CUT_LR}
    assert {advice.action for advice in other.do} == set()
