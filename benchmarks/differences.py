"""By how much one scheme beats another on each network and on all that lose, paired by clip, with 95 % intervals.

    python benchmarks/differences.py OUT --ours dred --theirs lbrr [--metric plcmos]

OUT is the folder that `dred evaluate` wrote. Names are those of schemes or families; of families, each rate is compared
with the same rate of the other.
"""

import argparse
from pathlib import Path

from dred.evaluation.folder import read_evaluation
from dred.evaluation.records import Evaluation
from dred.evaluation.statistics import paired_difference


def members(evaluation: Evaluation, name: str) -> dict[str, str]:
    """Find schemes by what stands behind the @ of their names."""
    named = [scheme.name for scheme in evaluation.schemes if name in (scheme.name, scheme.family)]
    return {scheme.partition("@")[2]: scheme for scheme in named}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--theirs", required=True)
    parser.add_argument("--metric", default="plcmos")
    arguments = parser.parse_args()
    evaluation = read_evaluation(arguments.folder)
    ours, theirs = members(evaluation, arguments.ours), members(evaluation, arguments.theirs)
    rates = [rate for rate in ours if rate in theirs]
    print(f"| network | {' | '.join(rate or arguments.metric for rate in rates)} |")
    print("|---" * (1 + len(rates)) + "|")
    each = [(f"`{network.name}`", [network.name]) for network in evaluation.networks]
    for title, networks in [*each, ("all lossy", evaluation.lossy_networks)]:
        cells = []
        for rate in rates:
            found = paired_difference(
                evaluation.clip_scores(arguments.metric, ours[rate], networks),
                evaluation.clip_scores(arguments.metric, theirs[rate], networks),
                seed=evaluation.seed,
            )
            cells.append(f"{found.mean:+.2f} ({found.low:.2f} to {found.high:.2f})")
        print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
