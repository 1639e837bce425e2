"""Near repeats by MinHash: a sketch of each example, in which alike texts are alike.

A text is cut into overlapping pieces of eight bytes. Each piece is hashed once; the hashes fall into bins, and the
smallest of each bin stays (one permutation hashing, Li, Owen and Zhang 2012; empty bins take from their neighbour,
Shrivastava and Li 2014). The share of bins that two sketches have in common estimates the share of pieces that the
texts have in common. Half of the bins sketch the prompt and half the answers, so that neither hides the other.
Candidates are those that agree in all bins of a band (locality-sensitive hashing).
"""

from __future__ import annotations

from barograph.data.example import Example

__all__ = ["Sketches"]


class Sketches:
    """The sketches of a split."""

    def add(self, example: Example) -> None:
        """Sketch one example."""
