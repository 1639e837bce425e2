"""Whether conversations are well formed, and texts free of the marks that a template puts around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from barograph.data.check import CRITICAL, WARNING, Check, EachExample, NotJudgeable, clipped, limit
from barograph.data.evidence import Circumstances, Evidence
from barograph.data.example import Example, Kind, Message
from barograph.data.finding import DataFinding

__all__ = ["CHECKS"]

_MARK = re.compile(
    r"<\|[a-zA-Z0-9_]{2,30}\|>|</?s>|<(?:bos|eos|pad|unk|mask)>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|\[(?:PAD|CLS|SEP|MASK|UNK|BOS|EOS)\]|<\uff5c[^<>]{2,30}\uff5c>"
)
_START = re.compile(
    r"\s*(<s>|<bos>|<\|begin_of_text\|>|<\|startoftext\|>|\[BOS\]|<\uff5cbegin\u2581of\u2581sentence\uff5c>)"
)
_SIGNS = frozenset("<[")
ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant", "chatgpt": "assistant"}
KNOWN = {"user", "assistant", "system", "developer", "tool", "function", "ipython"}


class SpecialToken(EachExample):
    """Texts with the marks of a chat template or a tokenizer in them, such as `<|im_start|>`, `</s>` or `[INST]`.

    Why: a tokenizer turns them into control tokens in the middle of a text. An end mark within an answer teaches to
    stop there; a mark of another model's template is noise that the policy learns to write.
    False alarm: texts that were put through the template of this very model on purpose, and are trained on as they are.
    """

    code, name = "DATA19", "special-token"
    says = "{count:,} of {of:,} examples have marks of a template or tokenizer in their texts, most often {most}"
    do = (
        "Give conversations as messages and let the trainer apply the template of the model",
        "If the texts are templated on purpose, see that it is the template of this very model, and once",
    )
    warns_from = limit(0.001, "share of examples from which it is more than a remark")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.met: dict[str, int] = {}
        marks = map(str, getattr(circumstances.tokenizer, "all_special_tokens", ()))
        #: Those of the tokenizer that look like none.
        self.own = tuple(mark for mark in marks if not _MARK.fullmatch(mark))

    def shows(self, example: Example) -> bool:
        text = example.whole
        mark = next((mark for mark in self.own if mark in text), "")
        if not mark and ("<" in text or "[" in text) and (found := _MARK.search(text)):
            mark = found[0]
        if mark:
            if mark in self.met or len(self.met) < 1000:
                self.met[mark] = self.met.get(mark, 0) + 1
            return True
        return False

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if self.rows:
            most = max(self.met, key=self.met.__getitem__)
            grade = self.grade(len(self.rows) / self.looked_at)
            yield self.found(grade, rows=self.rows, of=self.looked_at, told={"most": most})

    def quote(self, example: Example) -> str:
        """The marks with what stands around them."""
        lines = []
        for name, text in example.sides():
            found = _MARK.search(text)
            place = found.start() if found else next((text.find(mark) for mark in self.own if mark in text), -1)
            if place >= 0:
                around = text[max(0, place - 30) : place + 50]
                lines.append(f"{name}: … {clipped(around)} …")
        return "\n".join(lines)


class DoubledStart(EachExample):
    """Texts that begin with a start mark, to which the tokenizer adds its own, or that hold two of them.

    Why: a model never saw two start marks in its training; what it says after them is slightly, and silently, worse.
    Sources: the warnings of llama.cpp and of transformers' Llama models about a doubled BOS token [I].
    False alarm: a trainer that adds no start mark by itself. With `--tokenizer` that is looked at.
    """

    code, name = "DATA20", "doubled-start"
    says = "{count:,} of {of:,} examples begin with a start mark, to which the tokenizer adds another"
    do = ("Take the mark off the texts",)
    warns_from = limit(0.001, "share of examples from which it is more than a remark")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        words = circumstances.tokenizer
        self.adds = words is None or _adds_start(words)
        self.mark = str(getattr(words, "bos_token", None) or "")

    def shows(self, example: Example) -> bool:
        if not self.adds:
            return False
        first = example.prompt or next(iter(example.answers()), "")
        return bool((self.mark and first.startswith(self.mark)) or (first[:1] in "<[ \n" and _START.match(first)))


def _adds_start(words: object) -> bool:
    identifier = getattr(words, "bos_token_id", None)
    if identifier is None:
        return False
    return list(words("a")["input_ids"])[:1] == [identifier]  # type: ignore[operator]


class BrokenTurns(EachExample):
    """Conversations that are not well formed: a role twice in a row, an unknown role, a system turn that is not the
    first, a turn without content, or an answer that does not end with the assistant.

    Why: strict templates refuse them in the middle of the preparation; the others build a text that the model never
    saw.
    Sources: the templates of Llama and Mistral raise an error unless user and assistant alternate [S].
    False alarm: tools that answer several at once, and templates that allow it.
    """

    code, name = "DATA21", "broken-turns"
    says = "{count:,} of {of:,} conversations are not well formed, most often: {most}"
    do = ("Join turns of the same role, drop empty ones, and end each answer with the assistant",)
    cleans = True
    warns_from = limit(0.001, "share of conversations from which it is more than a remark")
    grave_from = limit(0.05, "share of conversations from which it is critical")

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.met: dict[str, int] = {}

    def see(self, example: Example) -> None:
        if example.talks:
            super().see(example)

    def shows(self, example: Example) -> bool:
        problem = _problem(example)
        if problem:
            self.met[problem] = self.met.get(problem, 0) + 1
        return bool(problem)

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        if not self.looked_at:
            raise NotJudgeable("there are no conversations")
        if self.rows:
            most = max(self.met, key=self.met.__getitem__)
            grade = self.grade(len(self.rows) / self.looked_at)
            yield self.found(grade, rows=self.rows, of=self.looked_at, told={"most": most})

    def quote(self, example: Example) -> str:
        roles = "; ".join(f"{side}: {', '.join(turn.role for turn in talk)}" for side, talk in example.talks.items())
        return f"{_problem(example)} ({clipped(roles)})"


def _problem(example: Example) -> str:
    """What is wrong with the conversations of an example, in a few words."""
    talks = dict(example.talks)
    prompt = talks.pop("prompt", ())
    if prompt and not talks and example.kind is not Kind.PROMPTS:
        talks[""] = ()
    for side, talk in talks.items() or [("", ())]:
        whole = [*prompt, *talk] if not _begins_with(talk, prompt) else list(talk)
        if found := _problem_of(whole):
            return found
        if side and whole and _role(whole[-1]) != "assistant":
            return "the answer does not end with the assistant"
    if example.kind is Kind.PROMPTS and prompt and _role(prompt[-1]) == "assistant":
        return "the prompt ends with the assistant"
    return ""


def _begins_with(talk: Sequence[Message], prompt: Sequence[Message]) -> bool:
    return bool(prompt) and list(talk[: len(prompt)]) == list(prompt)


def _problem_of(talk: Sequence[Message]) -> str:
    before = ""
    for place, turn in enumerate(talk):
        role = _role(turn)
        if role not in KNOWN:
            return "an unknown role"
        if role in {"system", "developer"} and place:
            return "a system turn that is not the first"
        if role == before and role in {"user", "assistant"}:
            return f"two turns of the {role} in a row"
        if not turn.content.strip() and role != "assistant":
            return "a turn without content"
        before = role
    return ""


def _role(turn: Message) -> str:
    role = turn.role.strip().lower()
    return ROLES.get(role, role)


class NoEnd(Check):
    """A tokenizer without an end mark, or a chat template that puts none behind the answer.

    Why: a model that never sees an end learns never to stop; in KTO and DPO the end mark is part of the answer.
    Sources: TRL adds the end mark itself for plain texts, and leaves it to the template for conversations [S].
    False alarm: a trainer that adds the mark behind what the template makes.
    """

    code, name = "DATA22", "no-end"
    says = "the tokenizer does not fit the data: {what}"
    do = ("Take the tokenizer of the chat model, or mend its template so that an answer ends with the end mark",)

    def __init__(self, circumstances: Circumstances) -> None:
        super().__init__(circumstances)
        self.talk: Sequence[Message] = ()

    def see(self, example: Example) -> None:
        if not self.talk and example.talks:
            self.talk = [*example.talks.get("prompt", ()), *next(reversed(list(example.talks.values())))]

    def findings(self, evidence: Evidence) -> Iterator[DataFinding]:
        words = self.circumstances.tokenizer
        if words is None:
            raise NotJudgeable("it needs --tokenizer")
        if words.eos_token is None:
            yield self.found(CRITICAL, told={"what": "the tokenizer has no end mark"})
        elif self.talk and words.chat_template is None:
            told = "the examples are conversations, and the tokenizer has no chat template"
            yield self.found(CRITICAL, told={"what": told})
        elif self.talk:
            try:
                text = words.apply_chat_template([turn._asdict() for turn in self.talk], tokenize=False)
            except Exception as error:  # noqa: BLE001 - a template may raise whatever its writer liked
                said = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
                yield self.found(CRITICAL, told={"what": f"the chat template refuses the first conversation ({said})"})
                return
            if words.eos_token not in text[-(len(words.eos_token) + 8) :]:
                told = f"the chat template puts no end mark ({words.eos_token}) behind an answer"
                yield self.found(WARNING, told={"what": told})


CHECKS: tuple[type[Check], ...] = (SpecialToken, DoubledStart, BrokenTurns, NoEnd)
