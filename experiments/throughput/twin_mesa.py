"""The same funnel in mesa, one object a person; for an interpreter with mesa: twin_mesa.py TABLE PEOPLE WEEKS."""

import json
import math
import random
import sys
import time
from pathlib import Path
from typing import Any

import mesa


class Person(mesa.Agent):
    """One person: a segment and a stage."""

    def __init__(self, model: "Funnel", segment: int, stage: int) -> None:
        super().__init__(model)
        self.segment, self.stage = segment, stage

    def step(self) -> None:
        """A week: further purchases by inversion, then a move or none."""
        model: Any = self.model
        rate, edges = model.week[self.segment][self.stage]
        if rate > 0:
            drawn, chance, times = model.random.random(), math.exp(-rate), 0
            below = chance
            while drawn >= below:
                times += 1
                chance *= rate / times
                below += chance
            model.bought += times
        drawn = model.random.random()
        for edge, target in edges:
            if drawn < edge:
                self.stage = target
                return


class Funnel(mesa.Model):
    """Everybody, and the week's table, made once for all of them."""

    def __init__(self, table: dict[str, Any], people: int, seed: int) -> None:
        super().__init__(rng=seed)
        self.table, self.bought = table, 0
        luck = random.Random(seed)  # noqa: S311
        for segment, shares in enumerate(table["start"]):
            for stage in luck.choices(range(len(shares)), shares, k=int(people * sum(shares))):
                Person(self, segment, stage)

    def step(self) -> None:
        """A week: the table of it from everybody's stages, then everybody."""
        stages = [agent.stage for agent in self.agents]
        talk = stages.count(self.table["customer"]) + self.table["weight"] * stages.count(self.table["advocate"])
        voice = talk / len(stages)
        self.week = [
            self._rows([fixed + said * voice for fixed, said in zip(*rows, strict=True)])
            for rows in zip(self.table["fixed"], self.table["talk"], strict=True)
        ]
        self.agents.do("step")

    def _rows(self, hazard: list[float]) -> list[tuple[float, list[tuple[float, int]]]]:
        table, rows = self.table, []
        for stage in range(len(table["start"][0])):
            leaving = [move for move, source in enumerate(table["source"]) if source == stage]
            total, edge, edges = sum(hazard[move] for move in leaving), 0.0, []
            for move in leaving:
                edge += hazard[move] / total * -math.expm1(-total) if total > 0 else 0.0
                edges.append((edge, table["target"][move]))
            often = {table["customer"]: 1.0, table["advocate"]: table["factor"]}.get(stage, 0.0)
            rows.append((often * hazard[-1], edges))
        return rows


def main() -> None:
    """Run and print the seconds of the weeks alone, the people at the end, and the purchases."""
    table, people, weeks = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), int(sys.argv[3])
    model = Funnel(table, people, 1)
    begin = time.process_time()
    for _ in range(weeks):
        model.step()
    seconds = time.process_time() - begin
    held = [[0] * len(shares) for shares in table["start"]]
    for agent in model.agents:
        held[agent.segment][agent.stage] += 1
    print(json.dumps({"seconds": seconds, "people": held, "bought": model.bought, "mesa": mesa.__version__}))


if __name__ == "__main__":
    main()
