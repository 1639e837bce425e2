"""RUBY: its formulas by hand on each level, which level a pair has, and what holds for any pair."""

from __future__ import annotations

import pickle
import random
import re
from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError
from barograph.text import ruby as module
from barograph.text.code.dependence import Dependence, dependence_graph
from barograph.text.code.languages import LANGUAGES, language_named
from barograph.text.code.tree import parsed
from barograph.text.ruby import LEVELS, Ruby, ruby
from barograph.text.score import Pair

pytest.importorskip("tree_sitter")
pytest.importorskip("rapidfuzz")
for one in LANGUAGES.values():
    pytest.importorskip(one.module)

ADD, RENAMED = "def add(a, b): return a + b", "def add(x, y): return x + y"
TOTAL = (
    "def total(values):\n    result = 0\n    for value in values:\n        if value > 0:\n"
    "            result += value\n    return result"
)


def level_of(score: object) -> list[str]:
    return [level for level in LEVELS if score.parts[level] is not None]  # type: ignore[attr-defined]


def test_a_pair_of_trees_by_hand() -> None:
    # module, function, its name, two parameters, return, sum, two operands: nine nodes each, of which four are renamed.
    found = ruby(RENAMED, [ADD])
    assert found.value == pytest.approx(1 - 4 / (9 + 9))
    assert level_of(found) == ["tree"]
    # One call more around a name: two nodes, the call and what it calls, among four and six.
    assert ruby("f(g(x))", ["f(x)"]).value == pytest.approx(1 - 2 / (4 + 6))


def test_a_pair_of_strings_by_hand() -> None:
    # Of `def add ( a , b ) : return a + b`, twelve tokens, four others; the colon is missing, so nothing parses.
    found = ruby("def add(x, y) return x + y", ["def add(a, b) return a + b"])
    assert found.value == pytest.approx(1 - 4 / 11)
    assert level_of(found) == ["string"]
    assert found.notes == (module.UNSOUND,)
    assert ruby("a (", ["a ( b c"]).value == pytest.approx(1 - 2 / 4)


def test_a_pair_of_graphs_by_hand() -> None:
    # Statements: def, assignment, return; two edges of control, one of data from def to the assignment, and from that
    # to the return. The other has one statement more, its control, and the data it reads from the first.
    one = "def f(a):\n    b = a + 1\n    return b"
    other = "def f(a):\n    b = a + 1\n    print(b)\n    return b"
    found = ruby(other, [one], graphs=True)
    assert level_of(found) == ["graph"]
    assert found.value == pytest.approx(1 - 3 / ((3 + 4) + (4 + 6)))
    assert ruby(RENAMED, [ADD], graphs=True).value == 1


def graph_of(code: str, language: str = "python") -> tuple[list[str], set[tuple[str, int, int]]]:
    tree = parsed(code, language_named(language))
    assert tree is not None
    graph = dependence_graph(tree)
    assert graph is not None
    return list(graph.labels), {(str(kind), on, to) for on, to, kind in graph.edges}


def test_a_dependence_graph_by_hand() -> None:
    labels, edges = graph_of(TOTAL)
    assert labels == [
        "function_definition def total ( _ ) :",
        "expression_statement _ = 0",
        "for_statement for _ in _ :",
        "if_statement if _ > 0 :",
        "expression_statement _ += _",
        "return_statement return _",
    ]
    assert {edge for edge in edges if edge[0] == Dependence.CONTROL} == {
        ("control", 0, 1),
        ("control", 0, 2),
        ("control", 2, 3),
        ("control", 3, 4),
        ("control", 0, 5),
    }
    data = {edge for edge in edges if edge[0] == Dependence.DATA}
    # The loop reads the parameter, the branch the loop's variable, as does the sum; the return reads the sum.
    assert {("data", 0, 2), ("data", 2, 3), ("data", 2, 4), ("data", 4, 5)} <= data


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", "int f(int a) { int b = a; if (b > 0) { b = 1; } return b; }"),
        ("javascript", "function f(a) { let b = a; if (b > 0) { b = 1; } return b; }"),
        ("go", "func f(a int) int { b := a; if b > 0 { b = 1 }; return b }"),
        ("c", "int f(int a) { int b = a; if (b > 0) { b = 1; } return b; }"),
        ("cpp", "int f(int a) { int b = a; if (b > 0) { b = 1; } return b; }"),
        ("python", "def f(a):\n    b = a\n    if b > 0:\n        b = 1\n    return b"),
    ],
)
def test_languages_agree_on_the_dependences_of_the_same_function(language: str, code: str) -> None:
    _, edges = graph_of(code, language)
    assert edges == {
        *(("control", 0, to) for to in (1, 2, 4)),
        ("control", 2, 3),
        *{("data", 0, 1), ("data", 1, 2), ("data", 1, 4), ("data", 3, 4)},
    }


def test_independent_statements_and_names_are_no_matter_for_graphs() -> None:
    one = "def f(a, b):\n    c = g(a)\n    d = h(b)\n    return c + d"
    moved = "def f(a, b):\n    d = h(b)\n    c = g(a)\n    return c + d"
    renamed = "def f(x, y):\n    z = g(x)\n    w = h(y)\n    return z + w"
    assert ruby(moved, [one], graphs=True).value == ruby(renamed, [one], graphs=True).value == 1
    assert (ruby(moved, [one]).value or 0) < 1
    other_function = one.replace("h(", "sum(")
    assert (ruby(other_function, [one], graphs=True).value or 0) < 1


def test_each_pair_has_the_highest_level_that_it_reaches() -> None:
    assert level_of(ruby(TOTAL, [TOTAL], graphs=True)) == ["graph"]
    assert level_of(ruby(TOTAL, [TOTAL])) == ["tree"]
    assert level_of(ruby("def f(", [TOTAL], graphs=True)) == ["string"]
    reference = ruby(TOTAL, ["def f("])
    assert level_of(reference) == ["string"]
    assert reference.notes == (module.UNSOUND_REFERENCE,)


def test_what_is_too_large_falls_back_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "graph_distance", lambda *_: None)
    found = ruby(RENAMED, [ADD], graphs=True)
    assert (level_of(found), found.notes) == (["tree"], (module.TOO_INTRICATE,))
    monkeypatch.setattr(module, "tree_distance", lambda *_: None)
    found = ruby(RENAMED, [ADD])
    assert (level_of(found), found.notes) == (["string"], (module.TOO_LARGE,))
    monkeypatch.setattr(module, "MOST_TOKEN_PAIRS", 16)
    found = ruby(RENAMED, [ADD])
    assert found.notes == (module.TOO_LARGE, module.CUT)
    # Of `def add ( x` one token is another, and nothing is known of the eight behind.
    assert found.value == pytest.approx(1 - (1 + 8) / 12)
    assert ruby(ADD, [ADD]).value == 1


def test_large_texts_end() -> None:
    rng = random.Random(0)
    long, other = (
        "def f(a):\n" + "".join(f"    a = g(a, {rng.randrange(10**6)})\n" for _ in range(3_000)) for _ in range(2)
    )
    found = ruby(long, [other])
    assert level_of(found) == ["string"]
    assert 0 < (found.value or 0) < 1
    deep = "x = " + "(" * 5_000 + "1" + ")" * 5_000
    assert ruby(deep, [deep]).value == 1
    assert ruby("x = " + "-" * 3_000 + "1", ["x = " + "-" * 3_100 + "1"]).value == pytest.approx(1, abs=0.05)


def test_nothing_is_worth_nothing() -> None:
    for nothing in ("", " \n", "# no code, only words"):
        for graphs in (False, True):
            assert ruby(nothing, [TOTAL], graphs=graphs).value == 0
            assert ruby(TOTAL, [nothing], graphs=graphs).value == 0
    assert ruby("", [" "]).value is None
    assert ruby("# one", ["# one"]).value == 1
    assert 0 < (ruby("# one", ["# other"]).value or 0) < 1


def test_of_several_references_the_nearest_counts() -> None:
    assert ruby(ADD, [TOTAL, RENAMED, "def f("]) == ruby(ADD, [RENAMED])
    assert ruby(ADD, [TOTAL, ADD]).value == 1


def test_a_corpus_counts_the_levels() -> None:
    metric = Ruby(graphs=True)
    pairs = [Pair(RENAMED, (ADD,)), Pair("def f(", (ADD,)), Pair("", ("",)), Pair(TOTAL, (TOTAL,))]
    scores = metric.scores(pairs)
    found = metric.corpus(pairs)
    known = [score.value for score in scores if score.value is not None]
    assert found.value == pytest.approx(fmean(known))
    assert found.parts["graph_pairs"] == 2
    assert found.parts["tree_pairs"] == 0
    assert found.parts["string_pairs"] == 1
    assert found.parts["graph"] == 1
    assert found.parts["tree"] is None
    assert f"{module.UNSOUND} (1 of 4 pairs)" in found.notes
    assert metric.value_of([sum(column) for column in zip(*map(metric.counts_of, scores), strict=True)]) == found.value


WORDS = ["a", "b", "f(a)", "1", "'s'", "a + b", "b[1]", "not a"]
SIMPLE = st.builds("{} = {}".format, st.sampled_from("abc"), st.sampled_from(WORDS))
BLOCKS = st.recursive(
    SIMPLE.map(lambda line: [line]),
    lambda blocks: st.one_of(
        st.lists(blocks, min_size=1, max_size=3).map(lambda several: [line for lines in several for line in lines]),
        st.builds(
            lambda head, lines: [head, *(f"  {line}" for line in lines)],
            st.sampled_from(["if a:", "for b in c:", "while c > b:", "def g(a):"]),
            blocks,
        ),
    ),
    max_leaves=6,
)
CODE = BLOCKS.map("\n".join)


@given(CODE, CODE, st.booleans())
@settings(max_examples=80)
def test_it_is_the_same_from_either_side_from_0_to_1_and_1_for_the_same(one: str, other: str, graphs: bool) -> None:
    found = ruby(one, [other], graphs=graphs)
    back = ruby(other, [one], graphs=graphs)
    assert (found.value, found.parts) == (back.value, back.parts)
    assert 0 <= (found.value or 0) <= 1
    assert ruby(one, [one], graphs=graphs).value == 1
    assert ruby("", [one], graphs=graphs).value == 0


@given(st.text(st.characters()))
def test_any_text_beside_itself_is_right(text: str) -> None:
    assert ruby(text, [text]).value == (1 if module.TOKEN.findall(text) else None)


@given(st.lists(st.sampled_from(["(", "a", "b", "def", "]"]), max_size=8), st.lists(st.sampled_from("(ab"), max_size=8))
def test_strings_are_the_same_from_either_side(one: list[str], other: list[str]) -> None:
    assert ruby(" ".join(one), [" ".join(other)]).value == ruby(" ".join(other), [" ".join(one)]).value


def test_the_more_is_wrong_the_lower_the_score() -> None:
    rng = random.Random(0)
    names = re.findall(r"\w+", TOTAL)
    means = []
    for times in (0, 1, 2, 4, 8):
        values = []
        for _ in range(40):
            code = TOTAL
            for place in sorted(rng.sample(range(len(names)), times), reverse=True):
                found = list(re.finditer(r"\w+", TOTAL))[place]
                code = code[: found.start()] + rng.choice(["zz", "q(1)", "0"]) + code[found.end() :]
            values.append(ruby(code, [TOTAL]).value or 0)
        means.append(fmean(values))
    assert means[0] == 1
    assert all(before > after for before, after in pairwise(means))


def test_the_metric_goes_to_other_processes_and_signs() -> None:
    metric = Ruby("c++", graphs=True)
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert re.fullmatch(r"lang:cpp\|levels:graph,tree,string\|grammar:[\d.]+\|version:1", metric.signature)
    assert "levels:tree,string" in Ruby().signature
    assert metric.name == "ruby"
    with pytest.raises(ConfigurationError, match="reads the language 'ruby on rails'"):
        Ruby("ruby on rails")
