"""The table of languages beside the grammars, and texts as trees: also texts that no grammar fits."""

from __future__ import annotations

import sys
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.text.code.abstract import abstract_tree
from barograph.text.code.grammar import grammar_edition, grammar_of
from barograph.text.code.languages import LANGUAGES, PYTHON, Language, language_named
from barograph.text.code.subtrees import subtree_counts
from barograph.text.code.tree import SyntaxTree, parsed

pytest.importorskip("tree_sitter")
for one in LANGUAGES.values():
    pytest.importorskip(one.module)

EVERY_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES.values(), ids=list(LANGUAGES))


def tree_of(code: str, language: Language = PYTHON) -> SyntaxTree:
    tree = parsed(code, language)
    assert tree is not None
    return tree


@EVERY_LANGUAGE
def test_every_kind_and_field_in_the_table_is_one_of_the_grammar(language: Language) -> None:
    grammar, flow = grammar_of(language.name), language.flow
    kinds = {*flow.bindings, *flow.updates, *flow.branches, *flow.loops, *flow.clauses, *flow.first}
    kinds |= language.whole | language.folded | language.statements | language.parameters
    kinds |= {language.prose} - {None}
    unknown = {kind for kind in kinds if grammar.language.id_for_node_kind(kind, True) is None}
    assert unknown == set()
    fields = {field for binding in flow.bindings.values() for field in (binding.target, binding.value)}
    assert fields <= set(grammar.fields.values())
    assert "alternative" in grammar.fields.values()
    assert language.comments & set(grammar.kinds.values())


@EVERY_LANGUAGE
def test_the_edition_of_a_grammar_is_that_of_its_package(language: Language) -> None:
    assert grammar_edition(language.name) == version(language.package)


def test_a_language_is_found_by_any_of_its_names() -> None:
    for language in LANGUAGES.values():
        for name in (language.name, language.name.upper(), f" {language.name} ", *language.aliases):
            assert language_named(name) is language


def test_an_unknown_language_is_one_sentence_with_the_nearest() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^no code metric reads the language 'pyton'; did you mean 'python'\?$"
    ):
        language_named("pyton")
    with pytest.raises(ConfigurationError, match=r"'cobol'; there are python, java, javascript, go, c, cpp$"):
        language_named("cobol")


@pytest.mark.parametrize(
    ("module", "package"), [("tree_sitter", "tree-sitter"), ("tree_sitter_java", "tree-sitter-java")]
)
def test_a_grammar_that_is_not_installed_is_named(module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grammar_of.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"^reading java needs {package}, which is not installed: pip install"):
        grammar_of("java")
    monkeypatch.undo()
    assert grammar_of("java").kinds


SAMPLES = {
    "python": 'def f(a):\n    """What it does."""\n    # why\n    return a + "x"  # how\n',
    "java": 'int f(int a) { // how\n /* why */ return g(a, "x"); }',
    "javascript": 'function f(a) { // how\n /* why */ return a + "x"; }',
    "go": 'func f(a int) string { // how\n /* why */ return g(a, "x") }',
    "c": 'int f(int a) { // how\n /* why */ return g(a, "x"); }',
    "cpp": 'int f(int a) { // how\n /* why */ return g(a, "x"); }',
}


@EVERY_LANGUAGE
def test_comments_are_left_out_and_a_string_is_one_token(language: Language) -> None:
    tree = tree_of(SAMPLES[language.name], language)
    assert tree.sound
    assert '"x"' in tree.words
    assert not {"how", "why", "does"} & set(" ".join(tree.words).split())
    assert tree.words[-1] in {'"x"', "}"}


@EVERY_LANGUAGE
def test_a_tree_laid_flat_is_the_tree(language: Language) -> None:
    tree = tree_of(SAMPLES[language.name], language)
    for node in range(1, len(tree)):
        parent = tree.parent[node]
        assert parent < node < tree.after[node] <= tree.after[parent]
        assert node in tree.children(parent)
    assert tree.after[0] == len(tree)


@EVERY_LANGUAGE
def test_an_abstract_tree_has_names_and_operators_but_no_brackets(language: Language) -> None:
    labels = abstract_tree(tree_of(SAMPLES[language.name], language)).labels
    assert any(label.endswith(" a") for label in labels)
    assert not any(label.endswith((")", "}", ";")) for label in labels)
    assert not {label.split()[0] for label in labels} & language.folded


def test_operators_tell_abstract_trees_apart() -> None:
    plus, minus = (abstract_tree(tree_of(f"a {sign} b")) for sign in "+-")
    assert plus.after == minus.after
    assert plus.labels != minus.labels
    assert abstract_tree(tree_of("f((a))")) == abstract_tree(tree_of("f( a )  # the same"))


def test_a_docstring_is_prose_and_another_string_is_not() -> None:
    assert tree_of('def f():\n    "doc"\n    return 1').words == tree_of("def f():\n    return 1").words
    assert '"a"' in tree_of('def f():\n    "a".join(x)\n    return 1').words


HARD = {
    "nothing": "",
    "blank": " \n\t ",
    "ten thousand brackets": "x = " + "(" * 10_000 + "1" + ")" * 10_000,
    "brackets that never close": "(" * 10_000,
    "a chain of calls": "x" + ".f()" * 10_000,
    "a long sum": "x = " + "+".join(["a"] * 10_000),
    "a long function": "def f(a):\n" + "    a = a + 1\n" * 5_000,
    "no UTF-8": "x = '\udcff\ud800' + \udcfe",
    "zeros": "a = \0 + b\0",
    "other scripts": "変数 = 'ñandú' + ß",
    "half a function": "def f(a, b:\n    return a +",
    "a stray end": "}}}} ]] )) end fi",
}


@EVERY_LANGUAGE
@pytest.mark.parametrize("code", HARD.values(), ids=list(HARD))
def test_no_text_is_too_hard(code: str, language: Language) -> None:
    tree = tree_of(code, language)
    assert subtree_counts(tree).total() >= 1
    assert abstract_tree(tree).size >= 1
    assert len(tree.words) == len(tree.tokens)


@pytest.mark.slow
def test_a_function_of_a_megabyte() -> None:
    tree = tree_of("def f(a):\n" + "    a = a + 1\n" * 70_000)
    assert len(tree.words) == 6 + 5 * 70_000
    assert subtree_counts(tree).total() == 4 + 3 * 70_000


def test_a_text_with_too_many_nodes_is_not_taken_apart() -> None:
    assert parsed("a = 1\n" * 10, PYTHON, most_nodes=20) is None
    assert parsed("#" * 1_000, PYTHON, most_nodes=20) is None
    assert parsed("a = 1", PYTHON, most_nodes=20) is not None


@given(st.text(st.characters()))
def test_any_text_becomes_a_tree(code: str) -> None:
    tree = tree_of(code)
    written = code.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    assert all(word in written for word in tree.words)
    assert subtree_counts(tree) == subtree_counts(tree_of(code))
