"""The same funnel in plain numpy: whole arrays, floating-point luck, tables looked up by stage."""

import numpy as np
from toy import Table


def simulate(table: Table, people: int, weeks: int, seed: int) -> tuple[np.ndarray, int]:
    """People by segment and stage at the end, and the number of further purchases."""
    luck = np.random.default_rng(seed)
    source, target = np.array(table.source), np.array(table.target)
    fixed, talk, share = np.array(table.fixed), np.array(table.talk), np.array(table.start)
    count = share.shape[1]
    crowds = [luck.choice(count, int(people * row.sum()), p=row / row.sum()).astype(np.uint8) for row in share]
    bought = 0
    for _ in range(weeks):
        held = np.array([np.bincount(crowd, minlength=count) for crowd in crowds])
        voice = held[:, table.customer].sum() + table.weight * held[:, table.advocate].sum()
        hazard = fixed + talk * voice / held.sum()
        for segment, stage in enumerate(crowds):
            edges, after = steps(hazard[segment], source, target, count)
            bought += sum(
                int(luck.poisson(factor * hazard[segment, -1], int(held[segment, buyer])).sum())
                for buyer, factor in ((table.customer, 1.0), (table.advocate, table.factor))
            )
            drawn = luck.random(stage.size, np.float32)
            move = sum((drawn >= edges[place][stage]).astype(np.uint8) for place in range(len(edges)))
            crowds[segment] = after[stage, move]
    return np.array([np.bincount(crowd, minlength=count) for crowd in crowds]), bought


def steps(hazard: np.ndarray, source: np.ndarray, target: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """By stage, the edges between its moves on [0, 1), and where each room between two edges leads."""
    most = np.bincount(source).max()
    edges = np.ones((most, count), np.float32)
    after = np.repeat(np.arange(count, dtype=np.uint8)[:, None], most + 1, axis=1)
    for stage in range(count):
        leaving = np.flatnonzero(source == stage)
        rates = hazard[leaving]
        total = rates.sum()
        chance = rates / total * -np.expm1(-total) if total > 0 else rates
        edges[: leaving.size, stage] = np.cumsum(chance)
        edges[leaving.size :, stage] = chance.sum()
        after[stage, : leaving.size] = target[leaving]
    return edges, after
