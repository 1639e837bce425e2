"""The channels that an alert may take, and the parcel that each makes of a message.

A parcel is plain data: whoever delivers it knows no channel, and a channel touches no network.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from barograph.core.finding import Severity
from barograph.core.live_settings import ALERT_VARIABLE, AlertSettings
from barograph.sinks.alerts.message import Message

__all__ = ["Channel", "channels", "shape_of"]

#: What may stand in front of an address to name its shape, for servers of one's own: `ntfy+https://...`.
SHAPES = ("slack", "discord", "ntfy", "json")
#: Discord takes no longer text.
LONGEST = 1900
PRIORITIES = {Severity.INFO: "default", Severity.WARNING: "high", Severity.CRITICAL: "urgent"}
#: The text comes as arguments and as environment variables, never as part of a program.
OSASCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
POWERSHELL = """
$manager = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$toast = $manager::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$lines = $toast.GetElementsByTagName('text')
$lines.Item(0).AppendChild($toast.CreateTextNode($env:BAROGRAPH_TITLE)) > $null
$lines.Item(1).AppendChild($toast.CreateTextNode($env:BAROGRAPH_TEXT)) > $null
$manager::CreateToastNotifier('barograph').Show([Windows.UI.Notifications.ToastNotification]::new($toast))
"""


class Channel(NamedTuple):
    """One way to a person. `name` may be shown: it holds no secret."""

    kind: str
    name: str
    target: str = ""

    def parcel(self, message: Message) -> dict[str, object]:
        """What is to be delivered."""
        if self.kind == "webhook":
            return _request(self.target, message)
        environment = _environment(message)
        if self.kind == "command":
            return {"shell": self.target, "environment": environment, "input": _json(message.to_dict())}
        return {"program": _desktop(message), "environment": environment, "input": ""}


def channels(settings: AlertSettings, environment: Mapping[str, str]) -> list[Channel]:
    """Everybody who is to be alerted, by the settings and by the environment."""
    found = [Channel("desktop", "desktop")] if settings.desktop else []
    more = environment.get(ALERT_VARIABLE, "").strip()
    webhooks, commands = list(settings.webhooks), list(settings.commands)
    if more == "desktop":
        found = [Channel("desktop", "desktop")]
    elif "://" in more.split(" ", 1)[0]:
        webhooks.append(more)
    elif more:
        commands.append(more)
    found += [Channel("webhook", f"{shape_of(address)[0]} at {_host(address)}", address) for address in webhooks]
    found += [Channel("command", f"command {number}", line) for number, line in enumerate(commands, start=1)]
    return found


def shape_of(address: str) -> tuple[str, str]:
    """What an address expects, and the address without a shape in front of it.

    >>> shape_of("https://hooks.slack.com/services/T/B/x")[0], shape_of("ntfy+https://push.example.org/runs")
    ('slack', ('ntfy', 'https://push.example.org/runs'))
    """
    shape, plus, rest = address.partition("+")
    if plus and shape in SHAPES:
        return shape, rest
    host = _host(address)
    if host == "hooks.slack.com":
        return "slack", address
    if host in {"discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com"}:
        return "discord", address
    return ("ntfy" if host == "ntfy.sh" or host.startswith("ntfy.") else "json"), address


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "an address").lower()
    except ValueError:
        return "an address"


def _request(address: str, message: Message) -> dict[str, object]:
    shape, plain = shape_of(address)
    plain, headers = _without_password(plain)
    headers["User-Agent"] = "barograph"  # some servers turn away what names itself a library
    if shape == "ntfy":
        title = message.title.encode("ascii", "replace").decode()
        headers |= {"Title": title, "Priority": PRIORITIES[message.severity], "Tags": "chart_with_downwards_trend"}
        body = message.body
    else:
        headers["Content-Type"] = "application/json"
        body = _json(_content(shape, message))
    return {"address": plain, "headers": headers, "input": body}


def _content(shape: str, message: Message) -> dict[str, object]:
    if shape == "slack":
        text = f"{message.title}\n{message.body}"
        for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # so that nothing turns into a mention
            text = text.replace(sign, written)
        return {"text": text}
    if shape == "discord":
        text = f"**{message.title}**\n{message.body}"
        return {"content": text[:LONGEST], "allowed_mentions": {"parse": []}}
    return message.to_dict()


def _without_password(address: str) -> tuple[str, dict[str, str]]:
    """The address, and its user and password as a header."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return address, {}
    token = base64.b64encode(unquote(user).encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"Authorization": f"Basic {token}"}


def _environment(message: Message) -> dict[str, str]:
    values = {
        "KIND": message.kind,
        "TITLE": message.title,
        "TEXT": message.text,
        "SEVERITY": str(message.severity),
        "CODE": message.code,
        "STEP": str(message.step),
        "RUN": message.run,
    }
    return {f"BAROGRAPH_{key}": value.replace("\0", "")[:8000] for key, value in values.items()}


def _desktop(message: Message) -> Sequence[str]:
    if sys.platform == "darwin":
        return ["osascript", "-e", OSASCRIPT, message.title, message.body]
    if sys.platform == "win32":
        return ["powershell", "-NoProfile", "-NonInteractive", "-Command", POWERSHELL]
    urgency = "critical" if message.severity is Severity.CRITICAL else "normal"
    return ["notify-send", f"--urgency={urgency}", "--app-name=barograph", "--", message.title, message.body]


def _json(data: object) -> str:
    return json.dumps(data, allow_nan=False)
