"""`barograph alerts`: who is told when a run goes wrong, and whether it gets there."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from barograph.sinks.alerts.channels import Channel

__all__ = ["alerts"]

#: Seconds after which a channel that is tried counts as dead; its helper gives up by itself a little earlier.
LONGEST = 45.0


@click.command(short_help="Show who is alerted, and try it.")
@click.option("--test", "is_test", is_flag=True, help="Send each of them an alert now, and say whether it arrived.")
@click.option("--config", metavar="FILE", help="Settings in TOML, with a table [alerts].")
def alerts(*, is_test: bool, config: str | None) -> None:
    """Show who is alerted when a run goes wrong: by the table [alerts] of the settings and by BAROGRAPH_ALERT.

    Addresses may hold secrets: of each only the host is shown.

    \b
      barograph alerts
      barograph alerts --test
    """  # noqa: D301 - click looks for the backspace itself
    from barograph.engine.settings import read_settings
    from barograph.sinks.alerts.channels import channels

    settings = read_settings(config).alerts
    found = channels(settings, os.environ)
    if not found:
        click.echo("Nobody is alerted: set desktop, webhooks or commands under [alerts], or BAROGRAPH_ALERT.", err=True)
        sys.exit(1 if is_test else 0)
    if not is_test:
        for channel in found:
            click.echo(channel.name)
        pause, most = settings.pause, settings.most_an_hour
        click.echo(f"of {settings.severity} findings, once in {pause:g} s for each code, {most} an hour", err=True)
        return
    failed = sum(not _arrives(channel) for channel in found)
    sys.exit(1 if failed else 0)


def _arrives(channel: Channel) -> bool:
    """Send a trial, wait for it, and say how it went."""
    from barograph.sinks.alerts.helper import Helper
    from barograph.sinks.alerts.message import trial

    try:
        problem = Helper(channel.parcel(trial())).problem(LONGEST)
    except (OSError, ValueError) as error:
        problem = type(error).__name__
    click.echo(f"{channel.name}: {problem or 'delivered' if problem is not None else 'no answer'}")
    return problem == ""
