"""Why a plan is as it is, in a sentence."""

from dred.sender.config import DredConfig
from dred.sender.controller.losses import LossPicture
from dred.sender.controller.protections import latent_levels
from dred.sender.plan import RedundancyPlan

__all__ = ["give_reason"]

_QUANTILE = 0.95


def give_reason(
    plan: RedundancyPlan,
    losses: LossPicture,
    *,
    is_heard: bool,
    total_bps: float,
    budget_bps: int,
    opinion: float,
) -> str:
    """Say what is known, what is done about it, what it takes and what is expected of it."""
    parts = [f"{plan.bitrate_bps / 1000:.1f} kb/s of Opus"]
    if plan.in_band_fec:
        parts[0] += " with LBRR"
    if plan.num_red_copies:
        parts.append(f"{plan.num_red_copies} RED")
    if plan.dred is not None:
        parts.append(_describe(plan.dred))
    taken = f"{total_bps / 1000:.1f} of {budget_bps / 1000:.1f} kb/s"
    return f"{_describe_losses(losses, is_heard)}: {' + '.join(parts)}; {taken}, PLCMOS {opinion:.2f} expected"


def _describe_losses(losses: LossPicture, is_heard: bool) -> str:
    if not is_heard:
        return "nobody has reported yet" if losses.heard_from == "nobody" else "nobody reports any more"
    seen = f"{100 * losses.loss_rate:.1f} % lost"
    if losses.loss_rate > 0:
        seen += f" in bursts of {losses.mean_burst:.1f}, {losses.age_quantile(_QUANTILE)} back at the 95th percentile"
    if losses.heard_from == "reports":
        seen += " (bursts guessed from reports)"
    return seen


def _describe(dred: DredConfig) -> str:
    levels = latent_levels(dred)[: dred.num_latents]
    span = f"level {levels[0]}" if levels[0] == levels[-1] else f"levels {levels[0]} to {levels[-1]}"
    return f"DRED of {dred.duration_ms} ms at {span}"
