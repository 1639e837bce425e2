"""Prompts that stand nowhere by themselves: what both answers begin with."""

from __future__ import annotations

from collections.abc import Sequence

from barograph.data.example import Message

__all__ = ["parted", "parted_talk", "shared_length"]

#: What stands at the end of a prompt in texts that hold a whole conversation.
MARKS = (
    "\n\nAssistant:",
    "<|im_start|>assistant\n",
    "<|assistant|>\n",
    "[/INST]",
    "<start_of_turn>model\n",
    "### Response:\n",
)


def parted(chosen: str, rejected: str) -> tuple[str, str, str]:
    r"""The prompt that two texts share, and what is left of each.

    It ends behind the last mark of an answer that both have, or else between two words.

    >>> parted("\n\nHuman: Why?\n\nAssistant: So.", "\n\nHuman: Why?\n\nAssistant: Since.")
    ('\n\nHuman: Why?\n\nAssistant:', ' So.', ' Since.')
    >>> parted("the sky is blue", "the sky is black")
    ('the sky is', ' blue', ' black')
    >>> parted("same", "same")
    ('', 'same', 'same')
    """
    shared = chosen[: shared_length(chosen, rejected)]
    for mark in MARKS:
        place = shared.rfind(mark)
        if place >= 0:
            end = place + len(mark)
            return chosen[:end], chosen[end:], rejected[end:]
    if chosen == rejected:
        return "", chosen, rejected
    end = len(shared)
    while end and not shared[end - 1].isspace():
        end -= 1
    end -= 1 if end else 0
    return chosen[:end], chosen[end:], rejected[end:]


def shared_length(one: str, other: str) -> int:
    """So many characters are the same at the beginning of two texts.

    >>> shared_length("the sky", "the sea"), shared_length("a", "a"), shared_length("", "a")
    (5, 1, 0)
    """
    low, high = 0, min(len(one), len(other))
    while low < high:  # Slices are compared much faster than letters one by one.
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def parted_talk(
    chosen: Sequence[Message], rejected: Sequence[Message]
) -> tuple[Sequence[Message], Sequence[Message], Sequence[Message]]:
    """The turns that two conversations share at their beginning, and the rest of each; never their last turns."""
    end = 0
    while end < min(len(chosen), len(rejected)) - 1 and chosen[end] == rejected[end]:
        end += 1
    return chosen[:end], chosen[end:], rejected[end:]
