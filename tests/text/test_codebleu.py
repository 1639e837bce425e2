"""CodeBLEU: beside the numbers of the published script where that is steady, and where it is meant to differ, by hand.

The numbers under LIBRARY are those of codebleu 0.7.0 with tree-sitter 0.22.3, tree-sitter-python 0.21.0 and
tree-sitter-java 0.21.0: `calc_codebleu([reference], [prediction], lang)`, the same for PYTHONHASHSEED 0 to 9.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import subprocess
import sys
from functools import partial
from itertools import pairwise
from math import exp, isclose
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError
from barograph.text import codebleu as module
from barograph.text.code.languages import LANGUAGES
from barograph.text.codebleu import PARTS, CodeBleu, Weights, codebleu
from barograph.text.score import Pair

pytest.importorskip("tree_sitter")
for one in LANGUAGES.values():
    pytest.importorskip(one.module)

TOTAL = (
    "def total(values):\n    result = 0\n    for value in values:\n        if value > 0:\n"
    "            result += value\n    return result"
)
WHILE = (
    "def total(values):\n    result = 0\n    while values:\n        value = values.pop()\n        if value > 0:\n"
    "            result += value\n    return result"
)
DOCUMENTED = TOTAL.replace("    result = 0", '    """The sum."""\n    result = 0  # so far', 1)
READ = (
    "def read(path):\n    try:\n        with open(path) as file:\n            return file.read()\n"
    "    except OSError as error:\n        return None"
)
LOAD = "def load(name):\n    with open(name) as stream:\n        text = stream.read()\n    return text"
SQUARES = "def squares(n):\n    return [i * i for i in range(n) if i % 2]"
LONGER_SQUARES = (
    "def squares(n):\n    found = []\n    for i in range(n):\n        if i % 2:\n            found.append(i * i)\n"
    "    return found"
)
BRANCHES = "void g(int n) {{ while (n > 0) {{ n = next(n); {} }} if ({}) b = 1; else {} b = 3; use(b); }}"
ANY_LOOP = "int sum(int[] values) {{ int sum = 0; for ({}) {{ sum = sum + {}; }} return sum; }}"
BY_INDEX = ANY_LOOP.format("int i = 0; i < values.length; i++", "values[i]")
BY_VALUE = ANY_LOOP.format("int value : values", "value")
#: The prediction, the reference, and n-grams, weighted n-grams, syntax, data flow of the library.
LIBRARY = {
    "renamed": (
        *("def add(x, y): return x + y", "def add(a, b): return a + b"),
        *(0.0434720872, 0.0497198769, 1.0, 1.0),
    ),
    "another operator": (TOTAL.replace("> 0", ">= 0"), TOTAL, 0.8394327084, 0.8458557681, 1.0, 1.0),
    "every name renamed": (
        TOTAL.replace("values", "xs").replace("value", "x").replace("result", "r").replace("total", "f"),
        *(TOTAL, 0.0799460750, 0.0872870241, 1.0, 1.0),
    ),
    "a line missing": (
        TOTAL.replace("        if value > 0:\n            result += value", "        result += value"),
        *(TOTAL, 0.6499116915, 0.6565037059, 0.5, 0.8888888889),
    ),
    "another loop": (WHILE, TOTAL, 0.6374542947, 0.6452772832, 0.6428571429, 0.6666666667),
    "short": ("def total(values): pass", TOTAL, 0.0016190016, 0.0249417472, 0.0714285714, 0.0),
    "documented": (DOCUMENTED, TOTAL, 0.6248651455, 0.8149915117, 1.0, 1.0),
    "try and with": (READ, LOAD, 0.0186930008, 0.0318480931, 0.5555555556, 0.7142857143),
    "comprehension": (SQUARES, LONGER_SQUARES, 0.1073382555, 0.1179422405, 0.25, 0.3636363636),
    "unpacking": (
        *("def swap(a, b):\n    b, a = a, b\n    return a, b", "def swap(a, b):\n    a, b = b, a\n    return a, b"),
        *(0.2020515505, 0.2020515505, 1.0, 1.0),
    ),
    "unlike": ("import os\nprint(os.getcwd())", TOTAL, 0.0, 0.0, 0.0, 0.2222222222),
    "java: another loop": (BY_INDEX, BY_VALUE, 0.5534547809, 0.6704226838, 0.5789473684, 0.7777777778),
    "java: other branches": (
        *(BRANCHES.format("", "n == 0", ""), BRANCHES.format("count++;", "a", "if (c) b = 2; else")),
        *(0.5928898472, 0.5899014872, 0.6206896552, 0.3846153846),
    ),
}
PYTHON_PAIRS = [
    Pair(said, (wanted,))
    for name, (said, wanted, *_) in LIBRARY.items()
    if not name.startswith("java") and name != "another loop"
]


@pytest.mark.parametrize("name", LIBRARY)
def test_parts_are_those_of_the_library(name: str) -> None:
    said, wanted, *expected = LIBRARY[name]
    found = codebleu(said, [wanted], "java" if name.startswith("java") else "python")
    assert list(found.parts) == list(PARTS)
    assert list(found.parts.values()) == pytest.approx(expected, abs=1e-9)
    assert found.value == pytest.approx(fmean(expected), abs=1e-9)


def test_a_corpus_is_that_of_the_library() -> None:
    # The same script over all pairs above in Python but one, where their data flow is not steady.
    found = CodeBleu().corpus(PYTHON_PAIRS)
    expected = [0.3524795518135155, 0.36761345242078675, 0.5869565217391305, 0.6904761904761905]
    assert list(found.parts.values()) == pytest.approx(expected, abs=1e-12)
    assert found.value == pytest.approx(0.4993814291124058, abs=1e-12)


def test_a_data_flow_that_shares_nothing_is_worth_nothing() -> None:
    # The library adds it as if all were shared: 0.2745 in place of 0.0245.
    found = codebleu("def total(values): pass", [TOTAL])
    assert found.parts["dataflow"] == 0
    assert found.value == pytest.approx(0.0244973301, abs=1e-9)


def test_an_empty_answer_is_worth_nothing() -> None:
    # The library: 0.25.
    for nothing in ("", " \n"):
        found = codebleu(nothing, [TOTAL])
        assert found.value == 0
        assert set(found.parts.values()) == {0}


def test_nothing_beside_nothing_is_no_score() -> None:
    found = codebleu(" ", [""])
    assert found.value is None
    assert found.notes == (module.NO_CODE,)


@pytest.mark.parametrize("code", ["x", "pass", "a b", "def f(:", "return (", "# only this", '"only this"', "x = ]] 1"])
def test_short_or_broken_code_beside_itself_is_right(code: str) -> None:
    # The library: 0.555 for "x", for it has no n-grams of two to four and its data flow counts as if it were one.
    assert codebleu(code, [code]).value == 1


def test_an_order_that_the_reference_lacks_is_not_judged() -> None:
    # Two of three tokens, no pair of two: a tenth in place of none. The reference is too short for more.
    assert codebleu("a b x", ["a c"]).parts["ngram"] == pytest.approx((1 / 3 * 0.1 / 2) ** 0.5)
    # A prediction that is too short for an order has missed it.
    shorter = codebleu("a b", ["a b c d"]).parts["ngram"]
    assert shorter == pytest.approx(exp(1 - 4 / 2) * (2 / 2 * 1 / 1 * 0.1 / 1 * 0.1 / 1) ** 0.25)


def test_keywords_weigh_five_times_as_much() -> None:
    # Of `if x : y`, one keyword and three others, the first is kept: 5 of 8; of longer ones none.
    found = codebleu("if a b c", ["if x : y"]).parts["weighted_ngram"]
    assert found == pytest.approx((5 / 8 * 0.1 / 3 * 0.1 / 2 * 0.1 / 1) ** 0.25)
    few = codebleu("x y", ["x z"]).parts["weighted_ngram"]  # no denominator is raised to 1, as the library has it
    assert few == pytest.approx((1 / 2 * 0.1 / 1) ** 0.5)


def test_weights_of_parts_that_do_not_apply_go_to_the_others() -> None:
    found = codebleu("pass", ["pass ; pass"])
    assert found.parts["dataflow"] is None
    assert module.NO_FLOW in found.notes
    kept = [part for part in found.parts.values() if part is not None]
    assert found.value == pytest.approx(fmean(kept))
    assert codebleu("pass", ["pass ; pass"], weights=Weights(1, 0, 0, 9)).value == found.parts["ngram"]
    alone = codebleu("pass", ["pass ; pass"], weights=Weights(0, 0, 0, 1))
    assert alone.value is None
    assert module.NO_WEIGHT in alone.notes


def test_weights_are_divided_by_their_sum() -> None:
    said, wanted, *_ = LIBRARY["a line missing"]
    parts = codebleu(said, [wanted]).parts
    assert codebleu(said, [wanted], weights=Weights(2, 0, 6, 0)).value == pytest.approx(
        (parts["ngram"] or 0) / 4 + 3 * (parts["syntax"] or 0) / 4
    )
    for wrong in ((0, 0, 0, 0), (1, -1, 1, 1), (1, 1, 1), (1, 1, 1, float("inf")), (1, 1, 1, float("nan"))):
        with pytest.raises(ConfigurationError, match=r"^CodeBLEU takes four weights of 0 or more, not all of them 0"):
            CodeBleu(weights=Weights._make(wrong) if len(wrong) == 4 else wrong)  # type: ignore[arg-type]


def test_of_several_references_the_best_one_counts() -> None:
    said, wanted, *_ = LIBRARY["a line missing"]
    assert codebleu(said, [WHILE, wanted, "pass"]) == codebleu(said, [wanted])
    assert codebleu(said, [WHILE, said]).value == 1


def test_tokens_may_be_those_of_the_language() -> None:
    tight, wide = "def add(a,b): return a+b", "def add( a, b ):\n    return a + b"
    assert CodeBleu(lexed=True).score(tight, [wide]).value == 1
    assert codebleu(tight, [wide]).value == pytest.approx(0.5, abs=0.1)
    assert "tok:language" in CodeBleu(lexed=True).signature


def test_what_was_not_judged_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codebleu("def f(:", [TOTAL]).notes == (module.UNSOUND,)
    assert codebleu(TOTAL, ["def f(x:\n    y = x"]).notes == (module.UNSOUND_REFERENCE,)
    monkeypatch.setattr(module, "flow_counts", partial(module.flow_counts, most_steps=5_000))
    loops = "".join("  " * depth + f"for i{depth} in x:\n" for depth in range(25)) + "  " * 25 + "y = 1"
    found = codebleu(loops, [loops])
    assert found.value == 1
    assert found.parts["dataflow"] is None
    assert found.notes == (module.TOO_LONG,)
    monkeypatch.setattr(module, "parsed", lambda *_: None)
    found = codebleu("x y", ["x y # anew"])
    assert found.parts["syntax"] is found.parts["dataflow"] is None
    assert found.notes == (module.TOO_LARGE,)


def test_names_and_comments_are_no_matter_for_syntax_and_data_flow() -> None:
    names = {"values": "xs", "value": "x", "result": "r", "total": "f"}
    renamed = re.sub(r"\b(values|value|result|total)\b", lambda found: names[found[0]], DOCUMENTED)
    found = codebleu(renamed, [TOTAL])
    assert found.parts["syntax"] == found.parts["dataflow"] == 1
    assert (found.parts["ngram"] or 0) < 0.2


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", "int {}(int {}, int b) {{ int {} = {} + b; {}++; return {}; }}"),
        ("javascript", "const {} = ({}) => {{ let {} = {}; {} += 1; return {}; }};"),
        ("go", "func {}({} int) int {{ {} := {}; {}++; return {} }}"),
        ("c", "int {}(int {}) {{ int {} = {}; {}++; return {}; }}"),
        ("cpp", "int {}(int {}) {{ auto {} = {}; for (int c : d) {} = c; return {}; }}"),
    ],
)
def test_names_are_no_matter_in_any_language(language: str, code: str) -> None:
    found = codebleu(code.format(*"fauauu"), [code.format(*"gxyxyy")], language)
    assert found.parts["syntax"] == found.parts["dataflow"] == 1
    assert 0 < (found.value or 0) < 1


def test_independent_statements_in_another_order_cost_ngrams_more_than_syntax() -> None:
    lines = [f"    {name} = load('{name}') + {number}" for number, name in enumerate("abcdef")]
    code = "\n".join(["def f():", *lines, "    return a"])
    moved = "\n".join(["def f():", *reversed(lines), "    return a"])
    parts = codebleu(moved, [code]).parts
    assert (parts["ngram"] or 0) < (parts["syntax"] or 0)


def functions(rng: random.Random) -> str:
    """A small function that makes sense to a parser."""
    names = rng.sample(["a", "b", "total", "rows", "name", "found", "limit"], 4)
    simple = [
        lambda: f"{rng.choice(names)} = {rng.choice(names)} + {rng.randrange(9)}",
        lambda: f"{rng.choice(names)} += f({rng.choice(names)}, {rng.choice(names)})",
        lambda: f"{rng.choice(names)}.append([{rng.choice(names)} for {rng.choice(names)} in {rng.choice(names)}])",
        lambda: f"{rng.choice(names)}, {rng.choice(names)} = {rng.choice(names)}, '{rng.choice(names)}'",
    ]
    lines = [f"def f({names[0]}, {names[1]}=1):"]
    for _ in range(rng.randint(1, 6)):
        heads = [f"if {rng.choice(names)} > {rng.choice(names)}:", f"for {rng.choice(names)} in {rng.choice(names)}:"]
        if rng.random() < 0.4:
            lines += [f"    {rng.choice(heads)}", f"        {rng.choice(simple)()}"]
        else:
            lines.append(f"    {rng.choice(simple)()}")
    return "\n".join([*lines, f"    return {rng.choice(names)}"])


CODE = st.integers(0, 10_000).map(lambda seed: functions(random.Random(seed)))


@given(CODE, CODE, st.sampled_from(["python", "java", "go"]))
@settings(max_examples=60)
def test_scores_run_from_0_to_1_and_are_1_for_the_same(said: str, wanted: str, language: str) -> None:
    found = codebleu(said, [wanted], language)
    for value in (found.value, *found.parts.values()):
        assert value is None or 0 <= value <= 1
    assert codebleu(wanted, [wanted], language).value == 1
    assert codebleu("", [wanted], language).value == 0


@given(st.text(st.characters(), min_size=1))
def test_any_text_beside_itself_is_right(text: str) -> None:
    assert codebleu(text, [text]).value == (1 if text.split() else None)


def worsened(code: str, times: int, rng: random.Random) -> str:
    words = re.split(r"(\s+)", code)
    for place in rng.sample(range(0, len(words), 2), min(times, len(words) // 2)):
        words[place] = rng.choice(["zz", "(", "0", "= q", ""])
    return "".join(words)


def test_the_more_is_wrong_the_lower_the_score() -> None:
    rng = random.Random(5)
    codes = [functions(rng) for _ in range(60)]
    means = [
        fmean(codebleu(worsened(code, times, rng), [code]).value or 0 for code in codes)
        for times in (0, 1, 2, 4, 8, 12)
    ]
    assert means[0] == 1
    assert all(before > after for before, after in pairwise(means))


SCORING = """
import json, sys
from barograph.text.codebleu import CodeBleu
from barograph.text.ruby import Ruby
from barograph.text.score import Pair
metrics = [CodeBleu(), CodeBleu(lexed=True), Ruby(), Ruby(graphs=True)]
pairs = [Pair(said, (wanted,)) for said, wanted in json.load(sys.stdin)]
print(json.dumps([[[score.value, dict(score.parts)] for score in metric.scores(pairs)] for metric in metrics]))
"""


@pytest.mark.slow
def test_every_process_finds_the_same_whatever_its_hash_seed() -> None:
    rng = random.Random(3)
    pairs = [(functions(rng), functions(rng)) for _ in range(12)] + [(WHILE, TOTAL), (TOTAL, WHILE), ("x (", TOTAL)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCORING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        for seed in range(10)
    ]
    found = {process.communicate(json.dumps(pairs))[0] for process in running}
    assert all(process.returncode == 0 for process in running)
    assert len(found) == 1
    here = [codebleu(said, [wanted]).value for said, wanted in pairs]
    assert here == [value for value, _ in json.loads(found.pop())[0]]


def test_a_corpus_sums_what_its_pairs_count() -> None:
    metric = CodeBleu()
    scores = metric.scores(PYTHON_PAIRS)
    sums = [sum(column) for column in zip(*map(metric.counts_of, scores), strict=True)]
    assert metric.value_of(sums) == metric.corpus(PYTHON_PAIRS).value
    for pair, score in zip(PYTHON_PAIRS, scores, strict=True):
        assert isclose(metric.corpus([pair]).value or 0, score.value or 0)
    assert metric.corpus([]).value is None
    assert metric.corpus([Pair("", ("",))]).value is None
    with_nothing = metric.corpus([*PYTHON_PAIRS, Pair("", ("",))])
    assert with_nothing.value == metric.corpus(PYTHON_PAIRS).value


def test_a_corpus_of_short_texts_beside_themselves_is_right() -> None:
    pairs = [Pair(text, (text,)) for text in ("x", "a b", "pass", TOTAL)]
    assert CodeBleu().corpus(pairs).value == 1


def test_the_metric_goes_to_other_processes_and_signs() -> None:
    metric = CodeBleu("js", Weights(1, 1, 2, 0))
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert re.fullmatch(
        r"lang:javascript\|weights:0\.25,0\.25,0\.5,0\|tok:spaces\|grammar:[\d.]+\|version:1", metric.signature
    )
    assert metric.name == "codebleu"
    with pytest.raises(ConfigurationError, match="reads the language 'brainfuck'"):
        CodeBleu("brainfuck")
