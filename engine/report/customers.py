"""What a customer, or another unit that is counted, costs by channel, and what it is worth."""

from engine.finance import cac, clv_to_cac
from engine.optimize.plan import Plan
from engine.words import number, plain, table


def customers_text(plan: Plan) -> str:
    """The cost of a unit of outcome by channel, where the outcome is not money; else nothing."""
    if plan.in_money:
        return ""
    header = ["channel", "cac", "next cac", *(("clv", "clv/cac") if plan.lifetime else ())]
    rows = [_row(plan, at) for at in range(len(plan.lines))]
    total, won = plan.spend, plan.chosen.outcome.mean
    worth = sum(value * line.outcome.mean for value, line in zip(plan.lifetime, plan.lines, strict=False))
    whole = ["total", _cost(total, won), ""]
    if plan.lifetime:
        whole += [number(worth / won) if won > 0 else "-", _worth(worth, total)]
    notes = f"cac: {plan.currency} spent per unit of {plain(plan.counts or plan.measure)} that the money brings; "
    notes += "next cac: of the next one."
    if plan.lifetime:
        notes += f" clv: {plan.currency} that a customer is worth."
    return f"What one costs:\n{table(header, [*rows, whole])}\n{notes}"


def _row(plan: Plan, at: int) -> list[str]:
    line = plan.lines[at]
    row = [line.name, _cost(line.spend, line.outcome.mean), _cost(1.0, line.marginal or 0.0)]
    if plan.lifetime:
        row += [number(plan.lifetime[at]), _worth(plan.lifetime[at] * line.outcome.mean, line.spend)]
    return row


def _cost(spend: float, won: float) -> str:
    return number(float(cac(spend, won))) if spend > 0 and won > 0 else "-"


def _worth(value: float, spend: float) -> str:
    return f"{float(clv_to_cac(value, spend)):.2f}" if spend > 0 else "-"
