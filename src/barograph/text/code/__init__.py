"""Source code taken apart, for the metrics that read it: CodeBLEU and RUBY.

languages.py   what is to be known of each language, as data
grammar.py     the grammar of a language, loaded when it is asked for
tree.py        a text as a syntax tree laid flat
flow.py        where the value of each variable comes from
ngrams.py      the two n-gram matches of CodeBLEU
abstract.py    the syntax tree without what only writes it down
tree_distance.py     how many edits lead from one tree to another
dependence.py        the program dependence graph of a text
graph_distance.py    how many edits lead from one graph to another
"""
