"""What Crisp told, until it is understood."""

import threading

from connector.ledger import Ledger, hooks
from tests.building import NOW
from tests.ledger.test_erasing_news import add_hook


def test_of_two_processes_one_understands_after_the_other(shop: Ledger) -> None:
    """So that what came first is gathered first, and nothing twice."""
    first, second = add_hook(shop, people_id="p1"), list[str]()

    def understands() -> None:
        with shop.write() as connection:
            second.extend(each.id for each in hooks.due(connection, NOW, 10))

    thread = threading.Thread(target=understands)
    with shop.write() as connection:
        due = [each.id for each in hooks.due(connection, NOW, 10)]
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "it understands what another has in hand"
        hooks.finish(connection, {first: "told"})
    thread.join(10)
    assert (due, second) == ([first], [])
