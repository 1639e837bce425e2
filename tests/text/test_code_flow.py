"""Where values come from: by hand, for each language, and within a number of steps."""

from __future__ import annotations

import pytest

from barograph.text.code.flow import data_flow, flow_counts
from barograph.text.code.languages import LANGUAGES, language_named
from barograph.text.code.tree import parsed

pytest.importorskip("tree_sitter")
for one in LANGUAGES.values():
    pytest.importorskip(one.module)


def links(code: str, language: str = "python") -> list[str]:
    """Each token that has its value from others, with the lines of those."""
    tree = parsed(code, language_named(language))
    assert tree is not None
    edges = data_flow(tree)
    assert edges is not None
    line = [tree.source[: tree._start[node]].count(b"\n") for node in tree.tokens]
    found = {
        f"{tree.words[edge.token]}{line[edge.token]} <- {tree.words[source]}{line[source]}"
        for edge in edges
        for source in edge.sources
    }
    return sorted(link for link in found if link.split(" <- ")[0] != link.split(" <- ")[1])


def test_an_assignment_and_a_use() -> None:
    assert links("x = a\ny = x") == ["x0 <- a0", "x1 <- x0", "y1 <- x1"]


def test_only_the_last_value_counts() -> None:
    assert links("x = 1\nx = 2\nf(x)") == ["x0 <- 10", "x1 <- 21", "x2 <- x1"]


def test_behind_a_branching_a_value_may_come_from_any_way() -> None:
    code = "if c:\n    x = 1\nelif d:\n    x = 2\nelse:\n    x = 3\nf(x)"
    assert [link for link in links(code) if link.startswith("x6")] == ["x6 <- x1", "x6 <- x3", "x6 <- x5"]
    open_end = "x = 0\nif c:\n    x = 1\nf(x)"
    assert [link for link in links(open_end) if link.startswith("x3")] == ["x3 <- x0", "x3 <- x2"]


def test_a_way_does_not_see_the_others() -> None:
    assert "x4 <- x2" not in links("x = 0\nif c:\n    x = 1\nelse:\n    f(x)")


def test_a_loop_reaches_its_own_beginning() -> None:
    assert "x2 <- x3" in links("x = 0\nwhile c:\n    f(x)\n    x = 1")
    assert "x2 <- x3" in links("x = 0\nfor i in y:\n    f(x)\n    x = i")


def test_the_else_of_a_loop_is_read_too() -> None:
    assert "x2 <- x0" in links("x = 0\nfor i in y: pass\nelse: f(x)")


def test_unpacking_goes_pair_by_pair() -> None:
    assert links("a, b = c, d") == ["a0 <- c0", "b0 <- d0"]
    assert links("a, b = c") == ["a0 <- c0", "b0 <- c0"]


def test_a_comprehension_is_read_from_its_loop_on() -> None:
    assert "i0 <- xs0" in links("y = [i for i in xs]")
    assert links("[i\n for i in xs]") == ["i0 <- i1", "i1 <- xs1"]


#: For each language `s = 0`, a loop over xs that adds to s, a branching, and a use of s: one thing on each line.
SAME_FUNCTION = {
    "python": "s = 0\nfor x in xs:\n if x:\n  s = s + x\n else:\n  s = 1\nf(s)",
    "java": "int g() { int s = 0;\nfor (int x : xs)\n{ if (x)\n s = s + x;\nelse\n s = 1; }\nf(s); }",
    "javascript": "let s = 0;\nfor (const x of xs)\n{ if (x)\n s = s + x;\nelse\n s = 1; }\nf(s);",
    "go": "func g() { s := 0\nfor _, x := range xs {\nif x {\n s = s + x\n } else {\n s = 1 } }\nf(s) }",
    "cpp": "int g() { int s = 0;\nfor (int x : xs)\n{ if (x)\n s = s + x;\nelse\n s = 1; }\nf(s); }",
}


@pytest.mark.parametrize("language", SAME_FUNCTION)
def test_languages_agree_on_the_same_function(language: str) -> None:
    found = set(links(SAME_FUNCTION[language], language))
    expected = {"x1 <- xs1", "x2 <- x1", "s3 <- x3", "s3 <- s0", "s3 <- s5", "s6 <- s3", "s6 <- s5", "s5 <- 15"}
    assert expected <= found
    assert "x1 <- x2" not in found
    # C has no loop over values: that it counts is the whole difference.


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", "void g() { for (int i = 0;\ni < n;\ni++) {\nf(i); } }"),
        ("javascript", "for (let i = 0;\ni < n;\ni++) {\nf(i); }"),
        ("go", "func g() { for i := 0;\ni < n;\ni++ {\nf(i) } }"),
        ("c", "void g() { for (int i = 0;\ni < n;\ni++) {\nf(i); } }"),
        ("cpp", "void g() { for (int i = 0;\ni < n;\ni++) {\nf(i); } }"),
    ],
)
def test_a_counting_loop(language: str, code: str) -> None:
    if language == "go":  # its clause stands on one line, or the lines end statements
        code = code.replace(";\n", "; /*\n*/ ")
    found = links(code, language)
    assert {"i0 <- 00", "i1 <- i0", "i1 <- i2", "i3 <- i2"} <= set(found)


def test_variables_are_called_by_their_order() -> None:
    first, second = (flow_counts(parsed(code, LANGUAGES["python"])) for code in ("a = b\nc = a", "x = y\nz = x"))  # type: ignore[arg-type]
    assert first == second
    assert first


def test_loops_in_loops_stop_at_the_number_of_steps() -> None:
    code = "".join("  " * depth + f"for i{depth} in x:\n" for depth in range(40)) + "  " * 40 + "y = 1"
    tree = parsed(code, LANGUAGES["python"])
    assert tree is not None
    assert data_flow(tree, most_steps=10_000) is None
    shallow = parsed("for a in b:\n  for c in d:\n    e = 1", LANGUAGES["python"])
    assert shallow is not None
    assert data_flow(shallow, most_steps=10_000)


def test_branches_in_thousands_need_no_recursion() -> None:
    chain = "if a: x = 0\n" + "".join(f"elif a{n}: x = {n}\n" for n in range(2_000)) + "f(x)"
    tree = parsed(chain, LANGUAGES["python"])
    assert tree is not None
    data_flow(tree)
    nested = "void f() { " + "if (a) x = 1; else " * 2_000 + "x = 2; }"
    tree = parsed(nested, LANGUAGES["c"])
    assert tree is not None
    data_flow(tree)
