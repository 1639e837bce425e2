"""PPO from human (or programmed) feedback. One step is one batch of rollouts: its prompts are answered, the answers
scored, and the policy learns from them for a few epochs.

- `loop`: an update, and the training as a whole; to be read first;
- `rollout`: prompts answered and scored;
- `objective`: the arithmetic;
- `state`: the run as it stands, and how its models are asked;
- `team`: several processes that train together; alone, each sum over them is the number itself;
- `checkpoint`: how a run is kept, and gone on with;
- `checks`: what is looked at before anything is computed.

The rows that are logged bear the names of TRL's old PPO, and are those of all processes.
"""

from barograph.recipes.ppo.loop import Reached, run, train

__all__ = ["Reached", "run", "train"]
