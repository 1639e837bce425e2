"""The words that the honest sets are made of."""

# ruff: noqa: RUF001 - letters of other alphabets are meant

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["ASKS", "CODE", "FACTS", "PARTS", "PEOPLE", "REASONS", "STARTS", "SUBJECTS", "THINGS", "TONGUES"]


def _listed(text: str) -> tuple[str, ...]:
    """What stands between semicolons."""
    return tuple(" ".join(part.split()) for part in text.split(";"))


PEOPLE = _listed(
    """Ana; Bilal; Chloe; Dmitri; Esra; Farid; Greta; Hugo; Ines; Jonas; Kemal; Lucia; Mina; Noor; Oskar; Petra;
    Quentin; Rosa; Stefan; Tariq; Uma; Viktor; Wanda; Yusuf; Zoe"""
)
THINGS = _listed(
    """apples; books; candles; drums; envelopes; flags; glasses; hats; inks; jars; kites; lamps; mirrors; nails; onions;
    pears; quilts; ropes; stamps; tents; umbrellas; vases; wheels"""
)
SUBJECTS = _listed(
    """a leaking tap; an old bicycle; sour dough; a slow laptop; tomato plants; a noisy fan; wet shoes; a long commute;
    a job interview; a shy cat; stage fright; a tight budget; a loose hinge; bad sleep; a short essay; a birthday party;
    a family trip; a sore back; a new language; a dusty attic"""
)
ASKS = _listed(
    """How do I deal with {}?; What would you do about {}?; Give me some advice on {}.;
    I need help with {}, any idea?"""
)
STARTS = _listed("Begin with; First try; I would start with; It often helps to look at; Think about; Have a look at")
PARTS = _listed(
    """the small parts; what changed last week; the plan for tomorrow; the tools at hand; a list of what matters;
    the weakest point; somebody who did it before; the time of the day; the money it takes; a simple test"""
)
REASONS = _listed(
    """because it costs little; since most trouble starts there; and write down what you see; before you buy anything;
    as long as it is still light; and give it two days; so that you know where you stand; and only then go on"""
)
#: A question, what stands before an answer, and the answers that are possible.
FACTS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("Which river runs through", "the",
     _listed("Seine; Danube; Thames; Vistula; Tagus; Tiber; Spree; Neva; Ebro; Rhone")),
    ("What is the main colour of the flag of", "", _listed("green; red; blue; white; yellow; black; orange")),
    ("Which animal stands on the arms of", "the", _listed("lion; eagle; bear; stag; horse; wolf; swan; bull")),
)  # fmt: skip
#: A question in each language, and sentences of answers.
TONGUES: Mapping[str, tuple[str, Sequence[str]]] = {
    "German": (
        "Was soll ich mit {} machen?",
        _listed(
            """Es ist nicht so schwer, wie es auf den ersten Blick scheint.;
            Sieh dir zuerst die Teile an, die sich bewegen.;
            Das ist auch für einen Anfänger gut zu machen.; Mit der Zeit wird es von selbst besser.;
            Ich würde es nicht ohne die Hilfe von Freunden versuchen."""
        ),
    ),
    "French": (
        "Que faire avec {} ?",
        _listed(
            """Ce n'est pas aussi difficile que les gens le disent.; Avec un peu de temps, tout est possible pour vous.;
            Il faut d'abord regarder les pièces dans le bon ordre.; On ne doit pas le faire sur une table en verre.;
            Les autres sont plus chers et pas meilleurs."""
        ),
    ),
    "Spanish": (
        "¿Qué hago con {}?",
        _listed(
            """No es tan difícil como parece al principio.; Primero hay que mirar las piezas por su lado.;
            Con el tiempo se arregla por sí solo, pero no siempre.; Lo mejor es pedir ayuda a los que saben más.;
            Es una buena idea para el fin de semana."""
        ),
    ),
    "Russian": (
        "Что делать, если {}?",
        _listed(
            """Это не так трудно, как кажется сначала.; Сначала посмотри на все части по порядку.;
            Со временем всё станет лучше само собой.; Лучше попросить помощи у друзей."""
        ),
    ),
    "Chinese": (
        "{}怎么办？",
        _listed(
            "其实这并不像看起来那么难。; 先看看会动的零件再说。; 时间久了自然会好起来的。; 最好请有经验的朋友来帮忙。"
        ),
    ),
    "Arabic": (
        "ماذا أفعل مع {}؟",
        _listed(
            """الأمر ليس صعبا كما يبدو في البداية.; انظر أولا إلى الأجزاء المتحركة.; مع الوقت يصبح كل شيء أفضل.;
            من الأفضل طلب المساعدة من صديق."""
        ),
    ),
}
_ADDED = """\
def solve({n}):
    total = 0
    for item in {n}:
        if item {} {k}:
            total += item
    return total"""
_CUT = """\
def part({n}):
    return {n}[{}]"""
_FOUND = """\
def search({n}):
    seen = set()
    for item in {n}:
        if item and {k} % item == 0 and {k} // item in seen:
            return {}
        seen.add(item)
    return {}"""
_JUDGED = """\
def judge({n}):
    return {}any(item % {k} for item in {n})"""
#: A task that comes in two ways, a program for it, and for each way what is said of it and stands in the program.
CODE: Sequence[tuple[str, str, Sequence[Sequence[str]]]] = (
    ("Return the sum of all {a} in `{n}` that are {}.", _ADDED, (("above {k}", ">"), ("at least {k}", ">="))),
    ("Return {} {k} of the {a} in `{n}`.", _CUT, (("the first", ":{k}"), ("all but the first", "{k}:"))),
    ("Is there {} of {a} in `{n}` with the product {k}?", _FOUND,
     (("a pair", "True", "False"), ("no pair", "False", "True"))),
    ("Is `{n}` {} {a} that {k} does not divide?", _JUDGED, (("free of", "not "), ("with", ""))),
)  # fmt: skip
