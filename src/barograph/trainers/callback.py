"""One line in a trainer of transformers or TRL, and the run is recorded, judged and, if its owner allows it, rescued.

>>> trainer = KTOTrainer(..., callbacks=[BarographCallback(guard="rescue")])  # doctest: +SKIP
>>> trainer.train()  # doctest: +SKIP
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from barograph.core.decision import Decision, Deed
from barograph.core.errors import MissingExtra
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.monitor.live import Monitor
from barograph.trainers import rescue, trl_compat
from barograph.trainers.before import look_before
from barograph.trainers.consoles import Console, asked_console, consoles
from barograph.trainers.examples import ExampleWatch, has_labels
from barograph.trainers.forward import Forward
from barograph.trainers.views import views

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtra("BarographCallback", "transformers", "train") from error

__all__ = ["BarographCallback"]

Event = TypeVar("Event", bound=Callable[..., None])
Known = TypeVar("Known")


def _never_raising(event: Event) -> Event:
    """What goes wrong in an event is told once, and the training goes on."""

    @functools.wraps(event)
    def guarded(self: BarographCallback, *arguments: Any, **named: Any) -> None:
        try:
            event(self, *arguments, **named)
        except Exception as problem:  # noqa: BLE001 - a monitor never stops a training
            self.tell(f"barograph made a mistake in {event.__name__} ({type(problem).__name__}: {problem})")

    return guarded  # type: ignore[return-value]


class BarographCallback(TrainerCallback):  # type: ignore[misc]
    """Keeps the trace of a trainer's run, and acts on it as far as it may.

    Args:
        folder: where the record goes; the trainer's `output_dir` if left out.
        method: `kto`, `dpo` ...; recognised by the trainer if left out.
        guard: `advise` only says what to do; `stop` ends a run that has gone wrong, with a checkpoint; `rescue` goes
            back to the last checkpoint from before the trouble, at half the learning rate.
        most_rescues: after so many, the run is stopped; three, or what the settings say, if left out.
        dry_run: say what would have been done, and do nothing.
        console: show the run, in place of the rows that the trainer prints itself: in a notebook as a block that is
            drawn anew, elsewhere in lines; with "text" in lines everywhere.
        examples: keep by how much the model holds with the label of each training example, so that `barograph data
            RUN` can tell which labels are likely wrong. It costs next to nothing.
        check_settings: judge the settings before the first step, as `barograph config` does.
        check_data: judge a sample of the data before the first step, as `barograph data` does; a second or two.
        listeners: who else is to hear of it.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that a caller may choose by its name
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        method: Method | str | None = None,
        guard: Deed | str = Deed.ADVISE,
        most_rescues: int | None = None,
        dry_run: bool = False,
        console: Console = True,
        examples: bool = True,
        check_settings: bool = True,
        check_data: bool = True,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self.folder = folder
        self.method = method
        self.guard = Deed.of(guard)
        self.most_rescues = most_rescues
        self.dry_run = dry_run
        self.monitor: Monitor | None = None
        #: The step that is being made; None between two of them, as while the model is evaluated.
        self.step: int | None = None
        #: What the learning rate has been multiplied by so far.
        self.rate = 1.0
        self._rate_before = 1.0
        self.rescues = 0
        self._console = asked_console(console)
        self._keeps_examples = examples
        self._examples: ExampleWatch | None = None
        self._checks = (check_settings, check_data)
        self._unhush: Callable[[], None] = _nothing_to_undo
        self._listeners = list(listeners)
        self._trainer: Any = None
        self._is_wrapped = False
        self._has_stopped = False
        self._asked: Decision | None = None
        self._resuming: Decision | None = None
        #: The checkpoints of this run: the step of each, and the rate it was saved under.
        self._saved: dict[str, tuple[int, float]] = {}
        self._expects_row = False
        self._told: set[str] = set()

    # Getting hold of the trainer

    def attach(self, trainer: Any) -> None:
        """Take a trainer in charge. Only needed where the callback was added after the trainer had been made."""
        self._trainer = trainer
        rescue.wrap(trainer, self)
        self._is_wrapped = True

    @_never_raising
    def on_init_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        trainer = trl_compat.trainer_of_caller(sys._getframe(1))  # noqa: SLF001 - the only way to the trainer
        if trainer is not None:
            self.attach(trainer)

    # The run

    @_never_raising
    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._trainer is None:
            self._trainer = trl_compat.trainer_of_caller(sys._getframe(1))  # noqa: SLF001 - as above
        # The trainer replaces a loss that is not finite by an average: then nobody would ever see it.
        args.logging_nan_inf_filter = False
        resuming, self._resuming = self._resuming, None
        if resuming is not None:
            had = self._saved.get(resuming.path, (0, 1.0))[1]
            if not rescue.has_optimizer(resuming.path):
                had = self._rate_before
            rescue.scale_rate(kwargs.get("optimizer"), kwargs.get("lr_scheduler"), self.rate / had)
        else:
            self._asked, self._has_stopped, self._saved, self.rate, self.rescues = None, False, {}, 1.0, 0
        if state.is_world_process_zero:
            self._open(args, state, kwargs, goes_on=resuming is not None)
            if resuming is None and state.global_step == 0:
                self._look_before(kwargs.get("model"))
        if trl_compat.is_distributed(args):
            # Settings in a file may allow more than the code asked for, and only the first process has read them.
            self.guard, self.dry_run = _shared((self.guard, self.dry_run), args)
        if resuming is None and self._may_rescue():
            self._prepare_rescue(args, state)
        if self._keeps_examples and self._trainer is not None:
            self._watch_examples(args, state, kwargs)

    @_never_raising
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.step = state.global_step + 1

    @_never_raising
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.step = None
        self._expects_row = control.should_log
        if self._examples is not None:
            self._examples.step(state.global_step)

    @_never_raising
    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._expects_row = self._expects_row or control.should_log

    @_never_raising
    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, object] | None = None, **_: Any) -> None:
        if not logs or trl_compat.is_closing_row(logs) or self._asked is not None:
            return
        if self.monitor is not None:
            self.monitor.log(state.global_step, logs)
        if not trl_compat.is_distributed(args):
            decision = self.monitor.take_decision() if self.monitor is not None else None
        elif self._expects_row:
            # Every process gets here once for each row of the trainer's own, so none waits for another in vain.
            self._expects_row = False
            decision = _shared(self.monitor.take_decision() if self.monitor is not None else None, args)
        else:
            return
        if decision is not None:
            self._carry_out(decision, control)

    @_never_raising
    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._write_examples()

    @_never_raising
    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._note_checkpoint(state.global_step, str(Path(args.output_dir) / f"checkpoint-{state.global_step}"))
        self._write_examples()

    @_never_raising
    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._examples is not None:
            self._examples.fetch(together=True)
        if not self._is_wrapped:
            self.finish("finished")

    def samples(self, rows: Iterable[Mapping[str, object]], step: int | None = None) -> None:
        """Keep what the model said, as from a reward function: by default in the step that is being made.

        See `Tracker.samples` for what a row is and how many are kept.
        """
        if self.monitor is not None:
            self.monitor.samples(self.step if step is None else step, rows)

    def finish(self, state: str = "finished") -> None:
        """Close the record. The trainer does this by itself."""
        self._close_examples()
        monitor = self.monitor
        if monitor is None or monitor.state != "running":
            return
        atexit.unregister(self._died)
        self._unhush()
        if state == "finished" and self._has_stopped:
            state = "stopped"
        try:
            monitor.finish(state)
        except Exception as problem:  # noqa: BLE001 - the training is over and its result must not be lost
            self.tell(f"barograph could not close its record ({type(problem).__name__}: {problem})")

    def tell(self, sentence: str) -> None:
        """Say something once, wherever it can be heard."""
        if sentence in self._told:
            return
        self._told.add(sentence)
        if self.monitor is not None:
            self.monitor.tell(sentence)
        else:
            warnings.warn(sentence, stacklevel=2)

    # Going back

    def take_rescue(self) -> Decision | None:
        """The rescue that is due now that the trainer has come to rest. Abandoned checkpoints are set aside."""
        asked, self._asked = self._asked, None
        if asked is None:
            return None
        self._resuming = asked
        gone = [path for path, (step, _) in self._saved.items() if step > (asked.checkpoint or 0)]
        if self.monitor is not None:
            rescue.set_aside(gone, drop=bool(self._trainer.args.save_total_limit))
        for path in gone:
            del self._saved[path]
        return asked

    def _may_rescue(self) -> bool:
        return self.guard is Deed.RESCUE and not self.dry_run and not self._why_no_rescue()

    def _why_no_rescue(self) -> str:
        if not self._is_wrapped:
            return "the callback was added after the trainer had been made; call its attach(trainer) before train()"
        return trl_compat.can_go_back(self._trainer)

    def _prepare_rescue(self, args: Any, state: Any) -> None:
        if changed := rescue.keep_enough(args):
            self.tell(changed)
        first = rescue.save_first(self._trainer, state.global_step)
        if first is not None:
            self._note_checkpoint(state.global_step, first)

    def _note_checkpoint(self, step: int, path: str) -> None:
        self._saved[path] = (step, self.rate)
        if self.monitor is None or self._asked is not None:
            return
        self.monitor.saved(step, path)
        for known in list(self.monitor.guard.checkpoints):
            if not Path(known.path).is_dir():  # The trainer keeps the newest few.
                self.monitor.guard.removed(known.path)

    def _carry_out(self, decision: Decision, control: Any) -> None:
        if decision.deed is Deed.ADVISE or decision.is_dry:
            self._tell_how(decision)
            return
        why_not = self._why_no_rescue() if decision.deed is Deed.RESCUE else ""
        control.should_training_stop = True
        if decision.deed is Deed.RESCUE and not why_not:
            self._asked = decision
            self.rescues += 1
            self._rate_before, self.rate = self.rate, decision.rate
            control.should_save = control.should_evaluate = False
            return
        self._has_stopped = True
        control.should_save = True
        if why_not:
            self.tell(f"stopped instead of going back: {why_not}")
        if not trl_compat.can_be_stopped(self._trainer):
            self.tell(f"{type(self._trainer).__name__} has a loop that no callback can stop: stop it by hand")
        self._tell_how(decision)

    def _tell_how(self, decision: Decision) -> None:
        """The exact command to go back by hand."""
        if decision.path:
            rate = decision.rate if decision.rate < 1.0 else 0.5
            self.tell(
                f"to go on from step {decision.checkpoint:,} at a lower rate, optimizer and schedule included: "
                f'barograph.trainers.resume(trainer, "{decision.path}", rate={rate:g})'
            )

    # The record

    def _open(self, args: Any, state: Any, kwargs: Mapping[str, Any], *, goes_on: bool) -> None:
        monitor = self.monitor
        if monitor is None or monitor.state != "running":
            monitor = self.monitor = self._new_monitor(args, state, kwargs)
            atexit.register(self._died)
            goes_on = state.global_step > 0
        else:
            monitor.config.update(rescues=self.rescues, rate_after_rescues=self.rate)
        if goes_on or state.global_step < monitor.last_step:
            monitor.went_back(state.global_step)

    def _new_monitor(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> Monitor:
        model = kwargs.get("model")
        listeners = [*self._listeners, Forward(self._trainer), *views(), *consoles(self._console)]
        if self._console:
            self._unhush = trl_compat.hush(self._trainer)
        monitor = Monitor(
            self.folder or args.output_dir,
            method=self.method or trl_compat.method_of(self._trainer, model),
            config=trl_compat.config_of(args, state, self._trainer, model, kwargs.get("train_dataloader")),
            guard=self.guard,
            dry_run=self.dry_run,
            listeners=listeners,
        )
        if self.most_rescues is not None:
            monitor.guard.most_rescues = self.most_rescues
        self.guard, self.dry_run = monitor.guard.allowed, monitor.guard.is_dry
        return monitor

    @_never_raising
    def _look_before(self, model: Any) -> None:
        """Judge settings and data before the first step."""
        at_settings, at_data = self._checks
        if self._trainer is not None and self.monitor is not None and any(self._checks):
            look_before(self._trainer, model, self.monitor, at_settings=at_settings, at_data=at_data)

    # The examples

    def _watch_examples(self, args: Any, state: Any, kwargs: Mapping[str, Any]) -> None:
        """Keep margins of examples, where all processes can."""
        method = Method(self.method) if self.method else trl_compat.method_of(self._trainer, kwargs.get("model"))
        loader = kwargs.get("train_dataloader")
        if method is None or not has_labels(method):
            return
        if self._examples is None:
            dataset = getattr(loader, "dataset", None)
            count = len(dataset) if dataset is not None and hasattr(dataset, "__len__") else 0
            folder = str(self.monitor.folder) if self.monitor is not None else None
            self._examples = ExampleWatch(self._trainer, method, count, folder)
            if state.global_step > 0:
                self._examples.take_up()
        if not self._examples.attach(loader):
            self._examples = None
            self.tell("margins of single examples are not kept: the data come as a stream, or by a loader of one's own")

    def _write_examples(self) -> None:
        if self._examples is not None:
            self._examples.write()

    @_never_raising
    def _close_examples(self) -> None:
        examples, self._examples = self._examples, None
        if examples is not None:
            examples.close()
            if examples.problem:
                self.tell(f"margins of single examples were not kept to the end ({examples.problem})")

    def _died(self) -> None:
        self.finish("crashed")


def _nothing_to_undo() -> None:
    """While the trainer prints as it always does."""


def _shared(known: Known, args: Any) -> Known:
    """What the first process knows, in every process."""
    import torch.distributed

    box = [known]
    torch.distributed.broadcast_object_list(box, src=0, device=args.device)
    return box[0]
