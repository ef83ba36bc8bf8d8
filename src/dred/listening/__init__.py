"""A listening test from an evaluation's recordings: P.800-style ACR, or CCR against the original.

```
 Evaluation --make_plan--> Plan --make_steps--> one listener's steps --server--> browser
                                                                         |
 tables, CSV, JSON <--analyse-- Ballots <--join-- Votes (SQLite) <-------+
```

Everything but `serving` is without a socket, a clock or chance of its own. `docs/listening.md` tells what is done and
why. Votes stay in the evaluation's folder; nothing is sent anywhere.
"""

from dred.listening.ballots import Ballot, join
from dred.listening.config import ListeningConfig, Method
from dred.listening.plan import Item, Plan, Role
from dred.listening.planning import make_plan
from dred.listening.results import Results, analyse, results_csv, votes_csv
from dred.listening.screening import ScreeningConfig
from dred.listening.steps import Step, make_steps
from dred.listening.votes import CastVote, Votes

__all__ = [
    "Ballot",
    "CastVote",
    "Item",
    "ListeningConfig",
    "Method",
    "Plan",
    "Results",
    "Role",
    "ScreeningConfig",
    "Step",
    "Votes",
    "analyse",
    "join",
    "make_plan",
    "make_steps",
    "results_csv",
    "votes_csv",
]
