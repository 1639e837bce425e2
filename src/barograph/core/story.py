"""The findings of a run in the order in which they are told: under their cause, each with what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from barograph.core.cause import Ground, GroundKind
from barograph.core.finding import Diagnosis, Finding, Severity

__all__ = ["Chapter", "Episode", "Story", "folded", "ground_words", "story_of"]


class Episode(NamedTuple):
    """A rule's gravest finding, and how many it had."""

    finding: Finding
    times: int


class Chapter(NamedTuple):
    """A finding that nothing else explains, and its consequences."""

    lead: Episode
    consequences: tuple[Episode, ...]


class Story(NamedTuple):
    """All that was found: what the likeliest cause explains, what stands apart from it, and remarks."""

    explained: tuple[Chapter, ...]
    apart: tuple[Chapter, ...]
    remarks: tuple[Episode, ...]


def story_of(diagnosis: Diagnosis) -> Story:
    """The findings folded under what explains them."""
    loud = folded([finding for finding in diagnosis.findings if finding.severity > Severity.INFO])
    follows = {episode.finding.code: episode.finding.follows for episode in loud}
    told: dict[str, list[Episode]] = {}
    for episode in loud:
        told.setdefault(_root(episode.finding.code, follows), []).append(episode)
    explains = diagnosis.causes[0].explains if diagnosis.causes else ()
    chapters = [(root, chapter) for root, episodes in told.items() for chapter in _chapters(root, episodes)]
    quiet = folded([finding for finding in diagnosis.findings if finding.severity is Severity.INFO])
    return Story(
        tuple(chapter for root, chapter in chapters if root in explains),
        tuple(chapter for root, chapter in chapters if root not in explains),
        tuple(quiet),
    )


def _chapters(root: str, episodes: Sequence[Episode]) -> Iterator[Chapter]:
    """One for each series that the rule points at; what follows is told with the first."""
    leads = [episode for episode in episodes if episode.finding.code == root]
    consequences = tuple(episode for episode in episodes if episode.finding.code != root)
    for place, lead in enumerate(leads):
        yield Chapter(lead, consequences if place == 0 else ())


def _root(code: str, follows: dict[str, str | None]) -> str:
    """What a finding goes back to. Of those that name each other it is the first by name."""
    path = [code]
    while (before := follows.get(path[-1])) is not None and before in follows:
        if before in path:
            return min(path[path.index(before) :])
        path.append(before)
    return path[-1]


def folded(findings: Sequence[Finding]) -> list[Episode]:
    """The gravest episode of each rule and series, and how many there were."""
    times = Counter((finding.code, finding.metric) for finding in findings)
    gravest: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        best = gravest.get((finding.code, finding.metric))
        if best is None or finding.severity > best.severity:
            gravest[finding.code, finding.metric] = finding
    return [Episode(finding, times[key]) for key, finding in gravest.items()]


def ground_words(ground: Ground) -> str:
    """A ground in a few words.

    >>> ground_words(Ground(GroundKind.SILENCE, "loss-rising", "LOSS02"))
    'LOSS02 loss-rising stays silent'
    """
    named = f"{ground.code} {ground.says}" if ground.code else ground.says
    return f"{named} stays silent" if ground.kind is GroundKind.SILENCE else named
