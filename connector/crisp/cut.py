"""Project selection: which projects are worth the tools that they need, when tools are shared. Pure.

Solved as a minimum cut (Picard 1976): every project sends its gain, unit by unit, into the prices of its tools, and
may push another project's units on to that one's other tools. Who cannot place all of its gain is worth its tools.
"""

from collections import deque
from collections.abc import Sequence


def worth(gains: Sequence[int], needs: Sequence[Sequence[int]], prices: Sequence[int]) -> set[int]:
    """The projects that together gain more than all the tools they need cost; none when none do.

    `gains`: of each project; `needs`: the tools of each; `prices`: of each tool, paid once. Exact.
    """
    market = _Market(needs, prices)
    for project, gain in enumerate(gains):
        for _ in range(gain):
            if project in market.closed or not market.place(project):
                market.close(project)
                break
    return market.closed


class _Market:
    """How much of each tool's price is paid for, and by whom."""

    def __init__(self, needs: Sequence[Sequence[int]], prices: Sequence[int]) -> None:
        self._needs = needs
        self._left = list(prices)
        self._paid: list[dict[int, int]] = [{} for _ in prices]
        self._full: set[int] = set()
        self.closed: set[int] = set()

    def place(self, project: int) -> bool:
        """Places one unit of the project's gain, moving units of others where that makes room."""
        came_from: dict[int, int] = {}
        asked: dict[int, int] = {}
        queue = deque([project])
        while queue:
            current = queue.popleft()
            for tool in self._needs[current]:
                if tool in asked or tool in self._full:
                    continue
                asked[tool] = current
                if self._left[tool]:
                    self._pay(tool, asked, came_from)
                    return True
                for other in self._paid[tool]:
                    if other != project and other not in came_from:
                        came_from[other] = tool
                        queue.append(other)
        return False

    def close(self, project: int) -> None:
        """What the project reaches is full for good: those who paid for it could not place more either."""
        queue = deque([project])
        while queue:
            current = queue.popleft()
            if current in self.closed:
                continue
            self.closed.add(current)
            for tool in self._needs[current]:
                if tool not in self._full:
                    self._full.add(tool)
                    queue.extend(self._paid[tool])

    def _pay(self, tool: int, asked: dict[int, int], came_from: dict[int, int]) -> None:
        """Pays for the tool; whoever had to make room elsewhere takes that payment back, and so on."""
        self._left[tool] -= 1
        while True:
            payer = asked[tool]
            self._paid[tool][payer] = self._paid[tool].get(payer, 0) + 1
            if payer not in came_from:
                return
            tool = came_from[payer]
            self._paid[tool][payer] -= 1
            if not self._paid[tool][payer]:
                del self._paid[tool][payer]
