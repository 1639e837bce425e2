"""What had to be left out, in sentences."""

from __future__ import annotations

from barograph.sources.wording import visible

__all__ = ["Notes"]

#: A folder of a thousand broken files is described well enough by the first few.
MOST, LONGEST = 20, 400


class Notes(list[str]):
    """Sentences, each said once, and not without end. Reading on may bring more."""

    def say(self, sentence: str) -> None:
        shown = visible(sentence, LONGEST)  # Names of files stand in it.
        if shown not in self and len(self) < MOST:
            self.append(shown)
