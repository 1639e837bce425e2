"""The programming languages that can be read: what the metrics must know of each, as data.

To add one: an entry here, and its grammar's package. Node kinds and fields are those of the language's tree-sitter
grammar; the keywords are those of the published CodeBLEU script, oddities included, since they enter its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from barograph.core.errors import ConfigurationError, suggest

__all__ = ["LANGUAGES", "Binding", "FlowTable", "Language", "Relation", "language_named"]


class Relation(StrEnum):
    """How a variable has come to its value, as GraphCodeBERT calls it."""

    COMES = "comesFrom"
    COMPUTED = "computedFrom"


@dataclass(frozen=True, slots=True)
class Binding:
    """A kind of node that gives variables their values: which of its fields is which."""

    target: str
    value: str
    relation: Relation = Relation.COMPUTED


@dataclass(frozen=True, slots=True)
class FlowTable:
    """Which kinds of nodes move values, and how."""

    bindings: Mapping[str, Binding]
    #: Kinds that change a variable by itself: `i++`.
    updates: frozenset[str] = frozenset()
    #: Kinds of which only one way is taken; the other ways are their field `alternative`.
    branches: frozenset[str] = frozenset({"if_statement"})
    #: Kinds that are gone through twice, so that what the body leaves behind reaches its beginning.
    loops: frozenset[str] = frozenset({"for_statement", "while_statement", "do_statement"})
    #: Fields of a loop that are gone through once.
    once: frozenset[str] = frozenset({"init", "initializer"})
    #: Kinds inside a loop that only hold its parts.
    clauses: frozenset[str] = frozenset()
    #: Kinds that are read before what stands left of them: the `for` of a comprehension.
    first: frozenset[str] = frozenset()
    #: Whether both sides of a binding are taken child by child where they have as many: `a, b = b, a`.
    paired: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One programming language."""

    name: str
    #: The package of its tree-sitter grammar, and the module in it.
    package: str
    aliases: tuple[str, ...]
    keywords: frozenset[str]
    flow: FlowTable
    #: Kinds of which the text counts as one token.
    whole: frozenset[str]
    #: Kinds that only hold other nodes: an abstract tree has their children in their place.
    folded: frozenset[str]
    #: Kinds of statements that the nodes of a dependence graph are made from: simple ones, and heads of others.
    statements: frozenset[str]
    #: Kinds that hold the parameters of a function.
    parameters: frozenset[str]
    #: Statements that are a text alone, such as Python's docstrings: left out like comments.
    prose: str | None = None
    comments: frozenset[str] = field(default=frozenset({"comment", "line_comment", "block_comment", "html_comment"}))

    @property
    def module(self) -> str:
        return self.package.replace("-", "_")


def _kinds(words: str) -> frozenset[str]:
    return frozenset(words.split())


COMES = Relation.COMES

PYTHON = Language(
    name="python",
    package="tree-sitter-python",
    aliases=("py", "python3"),
    keywords=_kinds("""
        False None True and as assert async await break case class continue def del elif else except finally for from
        global if import in is lambda match nonlocal not or pass raise return try type while with yield
    """),
    flow=FlowTable(
        bindings={
            "assignment": Binding("left", "right"),
            "augmented_assignment": Binding("left", "right"),
            "for_statement": Binding("left", "right"),
            "for_in_clause": Binding("left", "right"),
            "default_parameter": Binding("name", "value", COMES),
        },
        loops=_kinds("for_statement while_statement"),
        first=_kinds("for_in_clause"),
        paired=True,
    ),
    whole=_kinds("string"),
    folded=_kinds("block argument_list parameters expression_statement parenthesized_expression"),
    parameters=_kinds("parameters lambda_parameters"),
    statements=_kinds("""
        assert_statement break_statement case_clause class_definition continue_statement decorator delete_statement
        elif_clause else_clause except_clause expression_statement finally_clause for_statement function_definition
        future_import_statement global_statement if_statement import_from_statement import_statement match_statement
        nonlocal_statement pass_statement raise_statement return_statement try_statement type_alias_statement
        while_statement with_statement
    """),
    prose="expression_statement",
)

JAVA = Language(
    name="java",
    package="tree-sitter-java",
    aliases=(),
    keywords=_kinds("""
        abstract assert boolean break byte case catch char class const continue default do double else enum extends
        final finally float for goto if implements import instanceof int interface long native new package private
        protected public return short static strictfp super switch synchronized this throw throws transient try void
        volatile while
    """),
    flow=FlowTable(
        bindings={
            "variable_declarator": Binding("name", "value", COMES),
            "assignment_expression": Binding("left", "right"),
            "enhanced_for_statement": Binding("name", "value"),
        },
        updates=_kinds("update_expression"),
        loops=_kinds("for_statement while_statement do_statement enhanced_for_statement"),
    ),
    whole=_kinds("string_literal character_literal"),
    folded=_kinds("block argument_list formal_parameters expression_statement parenthesized_expression"),
    parameters=_kinds("formal_parameters inferred_parameters"),
    statements=_kinds("""
        assert_statement break_statement catch_clause class_declaration continue_statement do_statement
        enhanced_for_statement explicit_constructor_invocation expression_statement field_declaration finally_clause
        for_statement if_statement import_declaration local_variable_declaration method_declaration
        constructor_declaration return_statement switch_block_statement_group switch_expression switch_rule
        synchronized_statement throw_statement try_statement try_with_resources_statement while_statement
        yield_statement
    """),
)

JAVASCRIPT = Language(
    name="javascript",
    package="tree-sitter-javascript",
    aliases=("js", "node", "ecmascript"),
    keywords=_kinds("""
        True await break case catch class const continue debugger default delete do else enum export extends false
        finally for function if implements import in instanceof interface let new null package private protected public
        return static super switch this throw try typeof var void while with yield
    """),
    flow=FlowTable(
        bindings={
            "variable_declarator": Binding("name", "value", COMES),
            "assignment_expression": Binding("left", "right"),
            "augmented_assignment_expression": Binding("left", "right"),
            "assignment_pattern": Binding("left", "right"),
            "for_in_statement": Binding("left", "right"),
        },
        updates=_kinds("update_expression"),
        loops=_kinds("for_statement while_statement do_statement for_in_statement"),
    ),
    whole=_kinds("string"),
    folded=_kinds("statement_block arguments formal_parameters expression_statement parenthesized_expression"),
    parameters=_kinds("formal_parameters"),
    statements=_kinds("""
        break_statement catch_clause class_declaration continue_statement debugger_statement do_statement
        export_statement expression_statement finally_clause for_in_statement for_statement function_declaration
        generator_function_declaration if_statement import_statement lexical_declaration method_definition
        return_statement switch_case switch_default switch_statement throw_statement try_statement
        variable_declaration while_statement
    """),
)

GO = Language(
    name="go",
    package="tree-sitter-go",
    aliases=("golang",),
    keywords=_kinds("""
        break case chan const continue default defer else fallthrough false for func go goto if import interface map
        package range return select struct switch true type var
    """),
    flow=FlowTable(
        bindings={
            "var_spec": Binding("name", "value", COMES),
            "const_spec": Binding("name", "value", COMES),
            "short_var_declaration": Binding("left", "right"),
            "assignment_statement": Binding("left", "right"),
            "range_clause": Binding("left", "right"),
        },
        updates=_kinds("inc_statement dec_statement"),
        loops=_kinds("for_statement"),
        clauses=_kinds("for_clause"),
    ),
    whole=_kinds("interpreted_string_literal raw_string_literal rune_literal"),
    folded=_kinds(
        "block statement_list argument_list parameter_list expression_list expression_statement "
        "parenthesized_expression"
    ),
    parameters=_kinds("parameter_list"),
    statements=_kinds("""
        assignment_statement break_statement communication_case const_declaration continue_statement dec_statement
        default_case defer_statement expression_case expression_statement expression_switch_statement for_statement
        function_declaration go_statement if_statement import_declaration inc_statement method_declaration
        return_statement select_statement send_statement short_var_declaration type_case type_declaration
        type_switch_statement var_declaration
    """),
)

C = Language(
    name="c",
    package="tree-sitter-c",
    aliases=(),
    keywords=_kinds("""
        _Packed auto break case char const continue default do double else enum extern float for goto if int long
        register return short signed sizeof static struct switch typedef union unsigned void volatile while
    """),
    flow=FlowTable(
        bindings={
            "init_declarator": Binding("declarator", "value", COMES),
            "assignment_expression": Binding("left", "right"),
        },
        updates=_kinds("update_expression"),
    ),
    whole=_kinds("string_literal char_literal"),
    folded=_kinds("compound_statement argument_list parameter_list expression_statement parenthesized_expression"),
    parameters=_kinds("parameter_list"),
    statements=_kinds("""
        break_statement case_statement continue_statement declaration do_statement expression_statement for_statement
        function_definition goto_statement if_statement labeled_statement preproc_def preproc_include return_statement
        switch_statement while_statement
    """),
)

CPP = Language(
    name="cpp",
    package="tree-sitter-cpp",
    aliases=("c++", "cxx", "cc"),
    keywords=_kinds("""
        INT_MAX INT_MIN MAX_RAND NULL and and_eq asm auto bitand bitor bool break case catch char cin class compl const
        const_cast continue cout default delete do double dynamic_cast else endl enum explicit extern false float for
        friend goto if include inline int iomanip iostream long main mutable namespace new not not_eq npos operator or
        or_eq private protected public register reinterpret_cast return short signed sizeof static static_cast std
        string struct switch template this throw true try typedef typeid typename union unsigned using virtual void
        volatile wchar_t while xor xor_eq
    """),
    flow=FlowTable(
        bindings={**C.flow.bindings, "for_range_loop": Binding("declarator", "right")},
        updates=C.flow.updates,
        loops=_kinds("for_statement while_statement do_statement for_range_loop"),
    ),
    whole=C.whole | _kinds("raw_string_literal"),
    folded=C.folded | _kinds("condition_clause"),
    parameters=C.parameters,
    statements=C.statements
    | _kinds("""
        catch_clause class_specifier for_range_loop throw_statement try_statement using_declaration
    """),
)

#: By their names, in the order in which help lists them.
LANGUAGES: Mapping[str, Language] = {one.name: one for one in (PYTHON, JAVA, JAVASCRIPT, GO, C, CPP)}


def language_named(name: str) -> Language:
    """The language of this name, in whatever way it is written.

    >>> language_named("C++").name, language_named("js").name
    ('cpp', 'javascript')
    """
    spoken = {**{alias: one for one in LANGUAGES.values() for alias in one.aliases}, **LANGUAGES}
    found = spoken.get(name.strip().lower())
    if found is None:
        near = suggest(name.strip().lower(), LANGUAGES) or f"; there are {', '.join(LANGUAGES)}"
        raise ConfigurationError(f"no code metric reads the language {name!r}{near}")
    return found
