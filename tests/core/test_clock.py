"""The clock that all processes agree on."""

from sqlalchemy.exc import OperationalError

from connector.clock import Clock

NOON = 1_700_049_600_000


class Steady:
    """A clock that goes on only when told."""

    def __init__(self) -> None:
        self.now = 5_000.0

    def __call__(self) -> float:
        return self.now


def test_it_is_the_others_time_whatever_ours_says() -> None:
    steady = Steady()
    clock = Clock(lambda: NOON, steady)
    assert clock() == NOON
    steady.now += 1_500
    assert clock() == NOON + 1_500


def test_it_is_set_right_once_a_minute() -> None:
    steady, told = Steady(), [NOON]
    clock = Clock(lambda: told[0], steady)
    clock()
    told[0] = NOON + 3_600_000
    steady.now += 59_000
    assert clock() == NOON + 59_000
    steady.now += 2_000
    assert clock() == NOON + 3_600_000


def test_what_takes_long_to_answer_answers_for_the_middle() -> None:
    steady = Steady()

    def ask() -> int:
        steady.now += 400
        return NOON

    assert Clock(ask, steady)() == NOON + 200


def test_a_database_that_is_away_is_asked_again_later() -> None:
    steady, away, asked = Steady(), [False], [0]

    def ask() -> int:
        asked[0] += 1
        if away[0]:
            raise OperationalError("SELECT", {}, Exception())
        return NOON + int(steady.now)

    clock = Clock(ask, steady)
    clock()
    away[0] = True
    steady.now += 61_000
    assert clock() == NOON + 66_000
    clock()
    assert asked[0] == 2, "it is not asked at every call"
    away[0] = False
    steady.now += 61_000
    assert clock() == NOON + 127_000
    assert asked[0] == 3
