"""PPO: its arithmetic against naive versions and numbers worked out by hand, and real runs of the tiny model."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as some

import barograph
from barograph.core.decision import Decision, Deed
from barograph.core.errors import BarographError, ConfigurationError
from barograph.recipes import tasks
from barograph.recipes.options import PPOOptions

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from barograph.recipes import ppo  # noqa: E402 - it needs both
from barograph.recipes.ppo import checks, objective, rollout, state  # noqa: E402 - they need both
from barograph.recipes.score import of_each  # noqa: E402
from barograph.recipes.weights import TINY_FOLDER  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    """So that sums are taken in one order, and no core is fought for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# The arithmetic. ---------------------------------------------------------------------------------------------------- #

numbers = some.floats(-5, 5, width=32)


@some.composite
def answers(draw: Any, columns: int) -> tuple[list[list[list[float]]], list[int]]:
    """For each of a few answers of different lengths, so many columns of numbers; and their lengths."""
    lengths = draw(some.lists(some.integers(1, 6), min_size=1, max_size=4))
    return [[draw(some.lists(numbers, min_size=n, max_size=n)) for n in lengths] for _ in range(columns)], lengths


def padded(rows: list[list[float]], filling: float = 77.0) -> Any:
    """A tensor with rubbish where an answer has ended."""
    width = max(map(len, rows)) + 1
    return torch.tensor([row + [filling] * (width - len(row)) for row in rows], dtype=torch.float64)


def mask_of(lengths: list[int]) -> Any:
    return torch.arange(max(lengths) + 1)[None, :] < torch.tensor(lengths)[:, None]


def within(tensor: Any, lengths: list[int]) -> list[list[float]]:
    """The numbers of each answer; beyond it there must be zero."""
    rows = tensor.tolist()
    assert all(value == 0 for row, length in zip(rows, lengths, strict=True) for value in row[length:])
    return [row[:length] for row, length in zip(rows, lengths, strict=True)]


def near(rows: list[list[float]]) -> list[Any]:
    return [pytest.approx(row, rel=1e-6, abs=1e-7) for row in rows]


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]


class TestAdvantages:
    @hypothesis.given(answers(2), some.floats(0, 1), some.floats(0, 1))
    def test_they_are_the_discounted_sums_of_surprises(self, drawn: Any, gamma: float, lam: float) -> None:
        (rewards, values), lengths = drawn
        expected = []
        for reward, value in zip(rewards, values, strict=True):
            after = [*value[1:], 0.0]
            surprise = [r + gamma * v1 - v0 for r, v0, v1 in zip(reward, value, after, strict=True)]
            count = len(reward)
            expected.append(
                [math.fsum((gamma * lam) ** (k - t) * surprise[k] for k in range(t, count)) for t in range(count)]
            )
        advantages, returns = objective.gae(padded(rewards), padded(values), mask_of(lengths), gamma, lam)
        assert within(advantages, lengths) == near(expected)
        assert within(returns, lengths) == near(
            [[a + v for a, v in zip(*pair, strict=True)] for pair in zip(expected, values, strict=True)]
        )

    def test_by_hand(self) -> None:
        # surprises: 0 + 0.5 * 2 - 1 = 0, 3 - 2 = 1; first advantage: 0 + 0.5 * 0.5 * 1
        advantages, returns = objective.gae(
            torch.tensor([[0.0, 3.0]]), torch.tensor([[1.0, 2.0]]), torch.ones(1, 2).bool(), gamma=0.5, lam=0.5
        )
        assert advantages.tolist() == [[0.25, 1.0]]
        assert returns.tolist() == [[1.25, 3.0]]

    def test_nan_beyond_an_answer_stays_there(self) -> None:
        rewards = torch.tensor([[1.0, math.nan]])
        advantages, _ = objective.gae(rewards, rewards, torch.tensor([[True, False]]), 1.0, 0.95)
        assert advantages.tolist() == [[0.0, 0.0]]


class TestWhitening:
    @hypothesis.given(answers(1), some.booleans())
    def test_to_variance_one(self, drawn: Any, shift: bool) -> None:
        (rows,), lengths = drawn
        middle = mean(flat(rows))
        deviation = math.sqrt(mean([(value - middle) ** 2 for value in flat(rows)]) + 1e-8)
        expected = [[(value - middle) / deviation + (0.0 if shift else middle) for value in row] for row in rows]
        assert within(objective.whiten(padded(rows), mask_of(lengths), shift), lengths) == near(expected)

    def test_a_single_value(self) -> None:
        assert objective.whiten(torch.tensor([[3.0]]), torch.tensor([[True]])).tolist() == [[0.0]]


class TestKL:
    @hypothesis.given(some.lists(some.tuples(numbers, numbers), min_size=1, max_size=9))
    def test_estimators(self, pairs: list[tuple[float, float]]) -> None:
        mine, its = (torch.tensor(column, dtype=torch.float64) for column in zip(*pairs, strict=True))
        k3 = objective.kl_of(mine, its, "k3").tolist()
        assert objective.kl_of(mine, its).tolist() == pytest.approx([p - q for p, q in pairs])
        assert k3 == pytest.approx([math.exp(q - p) - 1 - (q - p) for p, q in pairs], rel=1e-6, abs=1e-9)
        assert min(k3) >= 0

    @pytest.mark.parametrize("estimator", ["k1", "k3"])
    def test_the_mean_over_all_tokens_is_the_true_kl(self, estimator: str) -> None:
        p, q = [0.7, 0.2, 0.1], [0.3, 0.3, 0.4]
        estimates = objective.kl_of(torch.tensor(p).log(), torch.tensor(q).log(), estimator).tolist()
        true = math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        assert math.fsum(a * e for a, e in zip(p, estimates, strict=True)) == pytest.approx(true, rel=1e-5)

    @hypothesis.given(answers(1), some.lists(numbers, min_size=4, max_size=4), some.floats(0, 1))
    def test_the_score_stands_at_the_last_token(self, drawn: Any, scores: list[float], beta: float) -> None:
        (kl,), lengths = drawn
        expected = [[-beta * one for one in row] for row in kl]
        for row, score in zip(expected, scores, strict=False):
            row[-1] += score
        given = torch.tensor(scores[: len(lengths)], dtype=torch.float64)
        assert within(objective.token_rewards(given, padded(kl), mask_of(lengths), beta), lengths) == near(expected)

    def test_adaptive_weight_by_the_published_formula(self) -> None:
        # Ziegler et al. 2019, 2.2: e = clip((KL - target) / target, -0.2, 0.2), beta *= 1 + K e; K = n / horizon
        for kl, error in [(6.0, 0.0), (6.6, 0.1), (60.0, 0.2), (5.4, -0.1), (0.0, -0.2), (-3.0, -0.2)]:
            weight = objective.AdaptiveKL(0.5, target=6.0, horizon=1_000)
            weight.update(kl, answers=64)
            assert weight.coefficient == pytest.approx(0.5 * (1 + error * 64 / 1_000))

    def test_weight_that_stays(self) -> None:
        weight = objective.AdaptiveKL(0.5)
        weight.update(60.0, answers=64)
        assert weight.coefficient == 0.5


class TestPolicyLoss:
    @hypothesis.given(answers(3), some.sampled_from([0.1, 0.2, 0.5]))
    def test_against_plain_python(self, drawn: Any, clip: float) -> None:
        (new, old, advantages), lengths = drawn
        losses, ratios, clipped, squares = [], [], [], []
        for n, o, a in zip(flat(new), flat(old), flat(advantages), strict=True):
            ratio = math.exp(n - o)
            held = max(1 - clip, min(1 + clip, ratio))
            losses.append(-min(ratio * a, held * a))
            clipped.append(float(held * a < ratio * a))
            ratios.append(ratio)
            squares.append((n - o) ** 2)
        hypothesis.assume(all(abs(ratio - edge) > 1e-9 for ratio in ratios for edge in (1 - clip, 1 + clip)))
        seen = objective.policy_loss(padded(new), padded(old), padded(advantages), mask_of(lengths), clip)
        assert seen.loss.item() == pytest.approx(mean(losses), rel=1e-6, abs=1e-7)
        assert seen.clip_fraction.item() == pytest.approx(mean(clipped), abs=1e-6)
        assert seen.ratio_mean.item() == pytest.approx(mean(ratios))
        spread = mean([(ratio - mean(ratios)) ** 2 for ratio in ratios])
        assert seen.ratio_variance.item() == pytest.approx(spread, rel=1e-6, abs=1e-7)
        assert seen.approx_kl.item() == pytest.approx(mean(squares) / 2, abs=1e-9)

    def test_gradient_against_finite_differences(self) -> None:
        torch.manual_seed(3)
        logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
        tokens, advantages = torch.randint(4, (2, 3)), torch.randn(2, 3, dtype=torch.float64)
        old, mask = torch.randn(2, 3, dtype=torch.float64) * 0.3 - 1.4, mask_of([2, 1])

        def loss_of(given: Any) -> Any:
            logp = given.log_softmax(-1).gather(-1, tokens[..., None]).squeeze(-1)
            return objective.policy_loss(logp, old, advantages, mask, 0.2).loss

        loss_of(logits).backward()
        step = 1e-6
        for place in range(logits.numel()):
            shift = torch.zeros(24, dtype=torch.float64)
            shift[place] = step
            shift = shift.view_as(logits)
            slope = (loss_of(logits.detach() + shift) - loss_of(logits.detach() - shift)).item() / (2 * step)
            assert logits.grad.flatten()[place].item() == pytest.approx(slope, abs=1e-7)
        assert logits.grad[~mask].abs().max() == 0
        assert logits.grad[mask].abs().max() > 0.01

    def test_at_the_old_policy_it_is_the_plain_policy_gradient(self) -> None:
        logp, advantages = torch.tensor([[-1.0, -2.0]], requires_grad=True), torch.tensor([[3.0, -4.0]])
        objective.policy_loss(logp, logp.detach(), advantages, torch.ones(1, 2).bool(), 0.2).loss.backward()
        assert logp.grad.tolist() == [[-1.5, 2.0]]  # minus the advantage, over two tokens


class TestValueLoss:
    @hypothesis.given(answers(3), some.sampled_from([0.1, 0.2, 0.5]))
    def test_against_plain_python(self, drawn: Any, clip: float) -> None:
        (values, old, returns), lengths = drawn
        losses, clipped = [], []
        for v, o, r in zip(flat(values), flat(old), flat(returns), strict=True):
            held = o + max(-clip, min(clip, v - o))
            losses.append(max((v - r) ** 2, (held - r) ** 2) / 2)
            clipped.append((held - r) ** 2 - (v - r) ** 2)
        seen = objective.value_loss(padded(values), padded(old), padded(returns), mask_of(lengths), clip)
        assert seen.loss.item() == pytest.approx(mean(losses), rel=1e-6, abs=1e-7)
        hypothesis.assume(all(gain == 0 or abs(gain) > 1e-9 for gain in clipped))
        assert seen.clip_fraction.item() == pytest.approx(mean([float(gain > 0) for gain in clipped]), abs=1e-6)


class TestTheRest:
    @hypothesis.given(some.lists(numbers, min_size=2, max_size=6))
    def test_entropy(self, logits: list[float]) -> None:
        whole = math.fsum(math.exp(one) for one in logits)
        shares = [math.exp(one) / whole for one in logits]
        expected = -math.fsum(share * math.log(share) for share in shares)
        assert objective.entropy(torch.tensor(logits, dtype=torch.float64)).item() == pytest.approx(expected, abs=1e-9)

    def test_explained_variance(self) -> None:
        returns, mask = torch.tensor([[0.0, 2.0, 9.0]]), mask_of([2])
        assert objective.explained_variance(returns, returns, mask) == 1.0
        assert objective.explained_variance(torch.zeros(1, 3), returns, mask) == 0.0
        assert objective.explained_variance(torch.tensor([[2.0, 0.0, 9.0]]), returns, mask) == -3.0  # 1 - 4 / 1
        assert objective.explained_variance(returns, torch.ones(1, 3), mask) is None

    def test_schedules(self) -> None:
        for schedule in ("linear", "cosine", "constant", "constant_with_warmup"):
            shares = [objective.rate_share(schedule, step, 20, 0.1) for step in range(1, 21)]
            assert max(shares) == 1.0
            assert min(shares) > 0
            assert (shares[0] == 0.5) == (schedule != "constant")
            assert (shares[-1] < 0.1) == (schedule in {"linear", "cosine"})
        assert objective.rate_share("cosine", 11, 20, 0.0) == pytest.approx(0.5)

    def test_each_epoch_has_every_prompt_once_in_an_order_of_its_own(self) -> None:
        rows = [{"prompt": str(number)} for number in range(10)]
        drawn = [row["prompt"] for step in range(5) for row in rollout.batch(rows, 4 * step, 4, seed=1)]
        assert sorted(drawn[:10]) == sorted(drawn[10:]) == [str(number) for number in range(10)]
        assert drawn[:10] != drawn[10:]

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ({}, []),
            ({"top_k": 0, "top_p": 1.0, "temperature": 1.0}, []),
            ({"top_k": 50}, ["top_k 50"]),
            ({"top_p": 0.9}, ["top_p 0.9"]),
            ({"top_k": 5, "top_p": 0.9, "temperature": 0.7}, ["top_k 5", "top_p 0.9", "temperature 0.7"]),
            ({"temperature": 0.7}, ["temperature 0.7"]),
        ],
    )
    def test_sampling_warning(self, options: dict[str, Any], names: list[str]) -> None:
        says = checks.sampling_warning(PPOOptions(**options))
        assert bool(says) == bool(names)
        assert all(name in says for name in names)
        assert ("below zero" in says) == ("top" in says)
        assert says.count(".") == sum(name.count(".") for name in names), "one sentence"


# Runs. -------------------------------------------------------------------------------------------------------------- #


class Record:
    """As much of a tracker as a loop sees."""

    def __init__(self, decisions: dict[int, Decision] | None = None, stop_at: int = 0) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.kept: list[tuple[int, Path]] = []
        self.back: list[int] = []
        self.said: dict[int, list[dict[str, Any]]] = {}
        self._decisions, self._stop_at = dict(decisions or {}), stop_at

    def log(self, step: int, row: dict[str, float]) -> None:
        self.rows.append((step, row))

    def saved(self, step: int, path: Path) -> None:
        self.kept.append((step, Path(path)))

    def went_back(self, step: int) -> None:
        self.back.append(step)

    def take_decision(self) -> Decision | None:
        return self._decisions.pop(self.rows[-1][0], None)

    @property
    def should_stop(self) -> bool:
        return self.rows[-1][0] == self._stop_at

    def samples(self, step: int, rows: list[dict[str, Any]]) -> None:
        self.said[step] = rows

    def column(self, name: str) -> list[float]:
        return [row[name] for _, row in self.rows]

    def exact(self, since: int = 0) -> list[tuple[int, dict[str, float]]]:
        """All but the time it took."""
        return [(step, {k: v for k, v in row.items() if k != "eps"}) for step, row in self.rows if step > since]


def model() -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(TINY_FOLDER, dtype=torch.float32)


def tokenizer() -> Any:
    return transformers.AutoTokenizer.from_pretrained(TINY_FOLDER)


def trained(folder: Path, tracker: Any, /, **named: Any) -> ppo.Reached:
    """A run of the tiny model; small unless told otherwise. Options and arguments of `train` by their names."""
    parts = {
        "policy": model, "reference": model, "tokenizer": tokenizer, "prompts": lambda: tasks.prompts(1, 256),
        "reward": lambda: tasks.reward, "on_checkpoint": lambda: None, "resume": lambda: None,
    }  # fmt: skip
    given = {name: named.pop(name) if name in named else make() for name, make in parts.items()}
    small = {"max_steps": 4, "batch_size": 8, "minibatches": 2, "ppo_epochs": 2, "save_steps": 0, "guard": "advise"}
    options = PPOOptions(**{"output_dir": str(folder), "accumulate": 1, **small, **named})
    return ppo.train(options, tracker=tracker, score=of_each(given.pop("reward")), **given)


def rescue(step: int, checkpoint: Path, **more: Any) -> Decision:
    number = int(checkpoint.name.rpartition("-")[2])
    return Decision(Deed.RESCUE, step, ("NUM01",), "went back", number, str(checkpoint), **{"rate": 0.5, **more})


def test_before_the_first_update_nothing_has_moved(tmp_path: Path) -> None:
    record = Record()
    trained(tmp_path, record, max_steps=1, batch_size=64, minibatches=1, ppo_epochs=1)
    (_, row), = record.rows  # fmt: skip
    assert len(record.said[1]) == 8
    asked = {row.pop("prompt"): row for row in tasks.prompts(1, 256)}
    for said in record.said[1]:
        penalty = tasks.reward(said["completion"], **asked[said["prompt"]]) - said["score"]
        assert penalty in {0.0, PPOOptions().missing_eos_penalty}
    assert row["val/ratio"] == 1.0
    assert row["val/ratio_var"] == row["policy/approxkl_avg"] == row["policy/clipfrac_avg"] == 0.0
    assert row["objective/kl"] == row["objective/non_score_reward"] == row["val/clipfrac_avg"] == 0.0
    assert row["objective/rlhf_reward"] == row["objective/scores"]
    # Advantages are whitened, and the ratio is one: the mean of minus the advantages.
    assert row["loss/policy_avg"] == pytest.approx(0.0, abs=1e-6)
    # The head starts at zero, and with gamma 1 and lambda 0.95 the return n tokens before the end is score x 0.95^n.
    assert 0 < row["loss/value_avg"] < 0.5


def test_the_keys_are_those_of_the_old_trl(tmp_path: Path) -> None:
    record = Record()
    trained(tmp_path, record, max_steps=2)
    old = """
        objective/kl objective/scores objective/rlhf_reward objective/non_score_reward objective/entropy
        policy/approxkl_avg policy/clipfrac_avg policy/entropy_avg loss/policy_avg loss/value_avg val/clipfrac_avg
        val/ratio val/ratio_var val/num_eos_tokens lr episode eps grad_norm epoch
    """.split()  # noqa: SIM905 - a list of words
    assert set(old) <= set(record.rows[0][1])
    for _, row in record.rows:
        assert all(type(value) is float and math.isfinite(value) for value in row.values())
        assert row["objective/rlhf_reward"] == pytest.approx(
            row["objective/scores"] + row["objective/non_score_reward"]
        )
        assert row["objective/non_score_reward"] == pytest.approx(-0.05 * row["objective/kl"])
        # The tiny model's usual weight of the values is a half.
        assert row["loss"] == pytest.approx(row["loss/policy_avg"] + 0.5 * row["loss/value_avg"])
    assert record.column("episode") == [16, 32]
    assert record.column("epoch") == [16 / 256, 32 / 256]


def with_absolute_positions() -> Any:
    """Rotary embeddings know distances alone: only a model of this kind minds where a padded prompt begins."""
    torch.manual_seed(2)
    config = transformers.GPT2Config(
        vocab_size=36, n_positions=64, n_embd=32, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1, pad_token_id=0,
        initializer_range=0.4,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config).eval()


@pytest.mark.parametrize("made", [model, with_absolute_positions])
def test_a_rollout_against_the_model_asked_row_by_row(made: Callable[[], Any]) -> None:
    """Left padding, positions, the end token, scores and penalties: all again, without a batch."""
    rows = [{"prompt": "i think 3 ?", "n": 1}, *({"prompt": row["prompt"], "n": 2} for row in tasks.prompts(2, 15))]
    options = checks.whole(
        PPOOptions(response_length=7, temperature=1.5, batch_size=8, minibatches=2, missing_eos_penalty=2.0)
    )
    policy, reference, words = made(), made(), tokenizer()
    heard: list[tuple[str, int]] = []

    def reward(completion: str, n: int) -> float:
        heard.append((completion, n))
        return float(n)

    run = state.Run(
        options=options, policy=policy, reference=reference, tokenizer=words, prompts=rows, step=1,
        score=of_each(reward),
    )  # fmt: skip
    torch.nn.init.normal_(run.head.weight)
    torch.manual_seed(5)
    seen = rollout.roll_out(run)
    asked = rollout.batch(rows, 0, run.size, seed=1)
    assert sorted(len(words(row["prompt"])["input_ids"]) for row in asked)[:3] == [4, 8, 8]
    widest, unfinished = 8, 0
    for place, row in enumerate(asked):
        ids = words(row["prompt"])["input_ids"]
        answer = seen.tokens[place, widest:].tolist()
        answer = answer[: answer.index(1) + 1] if 1 in answer else answer
        count = len(answer)
        assert seen.tokens[place, widest - len(ids) : widest].tolist() == ids
        assert seen.mask[place].tolist() == [number < count for number in range(seen.mask.shape[1])]
        # As it goes on after the prompt; the first three tokens are special.
        text = "".join(f" {tasks.WORDS[token]}" for token in answer if token > 2)
        assert heard[place] == (text, row["n"])
        unfinished += answer[-1] != 1
        assert seen.scores[place].item() == row["n"] - 2.0 * (answer[-1] != 1)
        with torch.no_grad():
            out = policy(torch.tensor([ids + answer]), output_hidden_states=True)
        before = slice(len(ids) - 1, len(ids) + count - 1)
        shares = (out.logits[0, before] / 1.5).softmax(-1)
        assert seen.logp[place, :count].tolist() == pytest.approx(
            [math.log(shares[number, token].item()) for number, token in enumerate(answer)], abs=1e-4
        )
        assert seen.entropy[place, :count].tolist() == pytest.approx(
            [-math.fsum(s * math.log(s) for s in one if s > 0) for one in shares.tolist()], abs=1e-4
        )
        weight = run.head.weight[0].tolist()
        values = [
            math.fsum(w * h for w, h in zip(weight, state, strict=True))
            for state in out.hidden_states[-1][0, before].tolist()
        ]
        assert seen.values[place, :count].tolist() == pytest.approx(values, abs=1e-3)
    assert seen.ended == len(asked) - unfinished
    assert 0 < unfinished < len(asked)
    assert torch.equal(seen.logp, seen.reference_logp)


CHAT = [{"role": "user", "content": "i think 3 + 4 = 9 ?"}]


def test_computing_again_saves_memory_and_changes_nothing(tmp_path: Path) -> None:
    saved, rows = list[int](), list[list[dict[str, float]]]()
    for again in (False, True):
        held = list[int]()

        def keep(tensor: Any, held: list[int] = held) -> Any:
            held.append(tensor.nbytes)
            return tensor

        record = Record()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            trained(tmp_path / str(again), record, max_steps=2, recompute=again)
        saved.append(sum(held))
        rows.append([{name: value for name, value in row.items() if name != "eps"} for _, row in record.rows])
    assert saved[1] < saved[0] / 2
    for kept, computed in zip(*rows, strict=True):
        assert computed == pytest.approx(kept, rel=1e-5, abs=1e-6)


def chatting(template: str = "{% for one in messages %}<unk> {{ one['content'] }}{% endfor %}") -> Any:
    """A tokenizer for chats, with a word of the model where a turn begins."""
    words = tokenizer()
    words.chat_template = template + "{% if add_generation_prompt %} ;{% endif %}"
    return words


def test_the_prompt_of_a_chat_is_what_the_template_makes_of_it(tmp_path: Path) -> None:
    words, told = chatting(), list[tuple[str, Any]]()

    def reward(completion: str, prompt: Any, n: int) -> float:
        told.append((completion, prompt))
        return float(n)

    rows = [{"prompt": CHAT, "n": 3}, {"prompt": [*CHAT, {"role": "assistant", "content": "no"}], "n": 3}]
    options = checks.whole(PPOOptions(batch_size=2, minibatches=1))
    run = state.Run(
        options=options, policy=model(), reference=model(), tokenizer=words, prompts=rows, step=1, score=of_each(reward)
    )
    seen, asked = rollout.roll_out(run), rollout.batch(rows, 0, 2, seed=1)
    texts = ["".join(f"<unk> {one['content']}" for one in row["prompt"]) + " ;" for row in asked]
    for place, text in enumerate(texts):
        ids = words(text)["input_ids"]
        held = seen.attention[place, : seen.tokens.shape[1] - seen.mask.shape[1]].bool()
        assert seen.tokens[place, : len(held)][held].tolist() == ids
        assert words.decode(ids[-1:]) == ";"
    assert [prompt for _, prompt in told] == [row["prompt"] for row in asked]
    record = Record()
    trained(tmp_path, record, prompts=[{"prompt": CHAT}], tokenizer=words, reward=lambda answer: 1.0, max_steps=1)
    assert record.column("objective/scores")[0] <= 1.0


@pytest.mark.parametrize(
    ("prompt", "words", "says"),
    [
        (CHAT, tokenizer, "row 0: the prompt is a list of messages, and the tokenizer has no chat template"),
        ([{"role": "user"}], chatting, "row 0: the prompt .* is neither a text nor a list of messages with role and"),
        ([], chatting, "row 0: the prompt .* is neither a text nor a list"),
        (3, chatting, "row 0: the prompt 3 is neither a text nor a list"),
        (CHAT, lambda: chatting("{{ raise_exception('no users') }}"), r"does not take the prompt .*\(no users\)"),
    ],
    ids=["no-template", "no-content", "empty", "number", "refused"],
)
def test_a_chat_that_cannot_be_asked_is_one_clear_error(tmp_path: Path, prompt: Any, words: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        trained(tmp_path, Record(), prompts=[{"prompt": prompt}], tokenizer=words(), reward=lambda answer: 1.0)


def test_accumulation_only_saves_memory(tmp_path: Path) -> None:
    whole, parts = Record(), Record()
    trained(tmp_path / "whole", whole, batch_size=16, accumulate=1, max_steps=3)
    trained(tmp_path / "parts", parts, batch_size=4, accumulate=4, max_steps=3)
    for (_, one), (_, other) in zip(whole.exact(), parts.exact(), strict=True):
        assert one == pytest.approx(other, rel=2e-3, abs=2e-4)


#: The usual settings of the tiny model, in half of its usual steps.
USUAL = {"max_steps": 30, "batch_size": None, "minibatches": None, "ppo_epochs": None, "save_steps": None}


@pytest.mark.parametrize("seed", [1, 2])
def test_it_learns(tmp_path: Path, seed: int) -> None:
    """From a reward of about 0.6 to more than 0.85, near the reference, and not sick in barograph's own eyes."""
    with barograph.start(tmp_path, method="ppo", config={"beta": 0.05, "max_steps": 30}, console=False) as tracker:
        reached = trained(tmp_path, tracker, seed=seed, **USUAL)
    rows = [json.loads(line) for line in (tmp_path / "logs/training_metrics.jsonl").read_text().splitlines()]
    scores, kl = ([row[name] for row in rows] for name in ("objective/scores", "objective/kl"))
    assert [row["step"] for row in rows] == list(range(1, 31))
    assert scores[0] < 0.7
    assert mean(scores[-5:]) > 0.85
    assert reached == ppo.Reached(30, scores[0], scores[-1], kl[-1], was_stopped=False)
    # The estimate of a KL of next to nothing may be below zero by chance, in the first steps.
    assert min(kl) > -0.05
    assert 0 < mean(kl[-5:]) < max(kl) < 10
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-20", "checkpoint-30"]
    diagnosis = barograph.check(tmp_path)
    assert diagnosis.method == "ppo"
    # A critic cannot foresee where the dice fall late, and a score all but reached leaves no variance to explain.
    assert {finding.code for finding in diagnosis.findings} <= {"VAL02", "RWD06"}


def sevens(completion: str, **columns: Any) -> float:
    """A reward that wants to be exploited."""
    return completion.split().count("7") / 2


def test_without_a_penalty_the_policy_runs_away(tmp_path: Path) -> None:
    end = {}
    for beta in (0.0, 0.05):
        record, fast = Record(), {"learning_rate": 1e-3, "schedule": "constant", "missing_eos_penalty": 0.0}
        trained(tmp_path / str(beta), record, reward=sevens, beta=beta, max_steps=20, batch_size=32, **fast)
        end[beta] = mean(record.column("objective/kl")[-5:])
    assert end[0.0] > 10 > 3 * end[0.05] / 2
    assert end[0.0] > 4 * end[0.05]


@pytest.mark.parametrize(("target", "is_more"), [(0.001, True), (50.0, False)])
def test_adaptive_weight_in_a_run(tmp_path: Path, target: float, is_more: bool) -> None:
    record = Record()
    trained(tmp_path, record, kl_target=target, horizon=100, learning_rate=1e-3, max_steps=5)
    weights, kl = record.column("objective/kl_coef"), record.column("objective/kl")
    expected = [0.05]
    for one in kl[:-1]:
        expected.append(expected[-1] * (1 + max(-0.2, min(0.2, one / target - 1)) * 16 / 100))
    assert weights == pytest.approx(expected)
    assert (weights[-1] > 0.05) == is_more


def flatter() -> Any:
    """The tiny model at twice the temperature, by its weights."""
    policy = model()
    with torch.no_grad():
        policy.model.norm.weight *= 0.5
    return policy


def test_top_k_makes_the_kl_negative(tmp_path: Path) -> None:
    """As seed guides tell: the likeliest tokens alone are sampled, and a flatter policy holds them for less likely."""
    record, once = Record(), {"max_steps": 1, "batch_size": 64, "learning_rate": 0.0}
    trained(tmp_path, record, policy=flatter(), **once)
    with pytest.warns(UserWarning, match="top_k 1 biases the KL"):
        trained(tmp_path, record, policy=flatter(), top_k=1, **once)
    pure, greedy = record.column("objective/kl")
    assert pure > 0.1
    assert greedy < -0.1
    assert record.column("objective/non_score_reward")[1] > 0, "the policy would be rewarded for it"


def test_settings_of_the_model_itself_do_not_bias_the_sampling(tmp_path: Path) -> None:
    plain, marked, policy = Record(), Record(), model()
    policy.generation_config.update(do_sample=True, top_k=1, repetition_penalty=3.0, min_length=30)
    trained(tmp_path, plain, max_steps=2)
    trained(tmp_path, marked, max_steps=2, policy=policy)
    assert plain.exact() == marked.exact()
    assert policy.generation_config.repetition_penalty == 3.0


class Interrupted(Exception):
    pass


def interrupt_at(step: int) -> Callable[[int, Path], None]:
    def interrupt(now: int, path: Path) -> None:
        if now == step:
            raise Interrupted

    return interrupt


def test_interrupted_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    options = {"max_steps": 6, "save_steps": 2, "kl_target": 1.0, "horizon": 200, "learning_rate": 1e-3}
    whole, first, second = Record(), Record(), Record()
    reached = trained(tmp_path / "whole", whole, **options)
    with pytest.raises(Interrupted):
        trained(tmp_path / "cut", first, on_checkpoint=interrupt_at(4), **options)
    torch.manual_seed(99)
    random.seed(99)
    again = trained(tmp_path / "cut", second, resume=tmp_path / "cut/checkpoint-4", **options)
    assert [step for step, _ in first.rows] == [1, 2, 3, 4]
    assert second.exact() == whole.exact(since=4)
    assert first.exact() == whole.exact()[:4]
    assert (again.steps, again.last_reward, again.last_kl) == (6, reached.last_reward, reached.last_kl)
    assert [(step, path.name) for step, path in second.kept] == [(6, "checkpoint-6")]
    ends = [torch.load(tmp_path / run / "checkpoint-6/ppo.pt")["head"]["weight"] for run in ("whole", "cut")]
    assert torch.equal(*ends)


def test_a_checkpoint_is_a_model_for_any_tool(tmp_path: Path) -> None:
    policy = model()
    trained(tmp_path, Record(), policy=policy, max_steps=2)
    folder = tmp_path / "checkpoint-2"
    saved = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert all(torch.equal(one, other) for one, other in zip(saved.parameters(), policy.parameters(), strict=True))
    assert transformers.AutoTokenizer.from_pretrained(folder)("3 + 4")["input_ids"] == [19, 5, 20]
    assert not list(tmp_path.glob("*.part"))


def test_stopped_by_the_guard(tmp_path: Path) -> None:
    record = Record(stop_at=3)
    reached = trained(tmp_path, record, max_steps=9)
    assert (reached.steps, reached.was_stopped) == (3, True)
    assert record.kept == [(3, tmp_path / "checkpoint-3")]


def test_rescued_by_the_guard(tmp_path: Path) -> None:
    back = tmp_path / "checkpoint-2"
    record = Record({5: rescue(5, back), 6: rescue(6, tmp_path / "checkpoint-4", rate=0.25)})
    trained(tmp_path, record, max_steps=6, save_steps=2, schedule="constant", learning_rate=1e-3, guard="rescue")
    assert [step for step, _ in record.rows] == [1, 2, 3, 4, 5, 3, 4, 5, 6, 5, 6]
    assert record.back == [2, 4]
    # Of the run's own rate, not of what the first rescue has left in the checkpoint of the second.
    assert record.column("lr") == pytest.approx([1e-3] * 5 + [5e-4] * 4 + [2.5e-4] * 2)
    assert record.kept[0] == (0, tmp_path / "checkpoint-0")
    aside = {path.name for path in tmp_path.glob("abandoned-*")}
    assert aside == {"abandoned-1-checkpoint-4"}
    # The first step after going back starts from the same weights and dice: its answers are the same.
    third = [row["objective/scores"] for step, row in record.rows if step == 3]
    assert third[0] == third[1]
    # What is resumed from the end keeps the cut, unless a rate is said anew.
    for rate, expected in [(1e-3, 2.5e-4), (4e-4, 4e-4)]:
        more = Record()
        end = tmp_path / "checkpoint-6"
        trained(tmp_path / "on", more, max_steps=7, schedule="constant", learning_rate=rate, resume=end)
        assert more.column("lr") == pytest.approx([expected])


def test_a_dry_rescue_and_advice_change_nothing(tmp_path: Path) -> None:
    record = Record({
        2: rescue(2, tmp_path / "checkpoint-1", is_dry=True),
        3: Decision(Deed.ADVISE, 3, (), "lower the rate"),
    })  # fmt: skip
    trained(tmp_path, record, max_steps=4)
    assert [step for step, _ in record.rows] == [1, 2, 3, 4]


def test_an_adapter_is_its_own_reference(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")

    def adapted() -> Any:
        torch.manual_seed(7)
        return peft.get_peft_model(model(), peft.LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))

    options = {"max_steps": 4, "save_steps": 2, "reference": None, "learning_rate": 1e-2}
    whole, cut, policy = Record(), Record(), adapted()
    trained(tmp_path / "whole", whole, policy=policy, **options)
    assert whole.column("objective/kl")[0] == 0.0
    assert max(map(abs, whole.column("objective/kl")[1:])) > 1e-3
    assert all("lora" in name for name, weight in policy.named_parameters() if weight.requires_grad)
    trained(tmp_path / "cut", cut, policy=adapted(), resume=tmp_path / "whole/checkpoint-2", **options)
    assert cut.exact() == whole.exact(since=2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompts": []}, "no prompts"),
        ({"prompts": [{"prompt": "i think 3 ?"}, {"question": "?"}]}, "row 1 has no column 'prompt'.*'question'"),
        ({"prompts": [{"prompt": "i think 3 ?"}], "reward": lambda text: math.nan}, "the reward of.*nan.*finite"),
        ({"prompts": [{"prompt": "i think 3 ?"}], "reward": lambda text: None}, "the reward of.*None.*finite"),
        ({"prompts": [{"prompt": " "}]}, "step 1: the prompt ' ' holds no token"),
        ({"reference": None}, "no reference"),
        ({"response_length": 64}, "max_length 64 leaves no room"),
        ({"temperature": 0.0}, "temperature = 0.0: a number above 0"),
        ({"beta": -1.0}, "beta = -1.0: a number from 0 on"),
        ({"kl_estimator": "k7"}, "one of k1, k3"),
        ({"precision": "fp16"}, "bf16 or fp32"),
        ({"output_dir": ""}, "output_dir"),
        ({"resume": "nowhere"}, "nowhere: is no checkpoint of a PPO run"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_cannot_work_is_one_clear_error(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        trained(tmp_path, Record(), **change)


def test_the_policy_is_no_reference_for_itself(tmp_path: Path) -> None:
    policy = model()
    with pytest.raises(ConfigurationError, match="the reference is the policy itself"):
        trained(tmp_path, Record(), policy=policy, reference=policy)


def test_a_gradient_that_is_no_number_is_logged_and_ends_the_run(tmp_path: Path) -> None:
    record = Record()
    with pytest.raises(BarographError, match="step 1: the gradient is no number"):
        trained(tmp_path, record, reward=lambda text, **columns: 1e38 * len(text), value_clip=1e38)
    assert math.isnan(record.rows[0][1]["grad_norm"]) or math.isinf(record.rows[0][1]["grad_norm"])
