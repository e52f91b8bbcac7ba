"""What Crisp was last told about each person."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from connector.contact import Contact
from connector.ledger import Ledger, people
from connector.ledger.people import Person
from connector.ledger.tables import people as table
from tests.building import NOW, add_tenant

KNOWN = Contact({"email": "ada@example.com", "nickname": "Ada", "phone": None}, ("vip",), {"plan": "pro", "old": None})
ADA = Person("ada@example.com", "p-1", KNOWN, {"nickname": 5}, complete=True)


def save(ledger: Ledger, *persons: Person, connection_id: str = "W") -> None:
    with ledger.write() as connection:
        people.save(connection, connection_id, persons, NOW)


def find(ledger: Ledger, *whos: str, connection_id: str = "W") -> dict[str, Person]:
    with ledger.read() as connection:
        return people.by_who(connection, connection_id, whos)


def test_a_person_comes_back_as_it_was_by_each_of_its_names(shop: Ledger) -> None:
    save(shop, ADA)
    found = find(shop, "ada@example.com", "p-1", "nobody@example.com")
    assert set(found) == {"ada@example.com", "p-1"}
    assert replace(found["p-1"], id=None) == ADA
    assert list(found["p-1"].known.fields) == list(KNOWN.fields)


def test_a_new_person_of_a_known_address_replaces_it(shop: Ledger) -> None:
    save(shop, ADA)
    save(shop, replace(ADA, people_id="p-2"))
    assert find(shop, "p-1") == {}
    assert find(shop, "ada@example.com")["p-2"].people_id == "p-2"


def test_a_known_person_may_get_another_address(shop: Ledger) -> None:
    save(shop, ADA)
    ada = find(shop, "p-1")["p-1"]
    save(shop, replace(ada, email="ada@example.org"))
    assert find(shop, "ada@example.com") == {}
    assert find(shop, "ada@example.org")["p-1"].id == ada.id


def test_an_address_that_was_another_persons_is_taken_over(shop: Ledger) -> None:
    save(shop, ADA, Person("bob@example.com", "p-2"))
    ada = replace(find(shop, "p-1")["p-1"], email="bob@example.com")
    with shop.write() as connection:
        people.save(connection, "W", [ada], NOW)
    assert find(shop, "bob@example.com", "p-2").keys() == {"bob@example.com", "p-1"}


def test_two_rows_of_one_person_become_one(shop: Ledger) -> None:
    """First met by each name alone, then by both; the times of both stay."""
    save(shop, replace(ADA, people_id=None), Person(None, "p-1", times={"city": 3, "nickname": 4}))
    save(shop, ADA)
    found = find(shop, "ada@example.com", "p-1")
    assert found["ada@example.com"] == found["p-1"]
    assert found["p-1"].times == {"city": 3, "nickname": 5}


def test_somebody_without_an_address_is_one_row_however_often_saved(shop: Ledger) -> None:
    save(shop, Person(None, "p-1"))
    save(shop, Person(None, "p-1", complete=True))
    with shop.read() as connection:
        [found] = connection.execute(table.select()).all()
    assert found.complete


def test_people_without_an_address_are_kept_apart(shop: Ledger) -> None:
    save(shop, Person(None, "p-1"), Person(None, "p-2"))
    assert find(shop, "p-1", "p-2").keys() == {"p-1", "p-2"}


def test_connections_do_not_see_each_others_people(shop: Ledger) -> None:
    add_tenant(shop, "V")
    save(shop, ADA)
    save(shop, replace(ADA, people_id="p-9"), connection_id="V")
    assert find(shop, "ada@example.com")["ada@example.com"].people_id == "p-1"
    assert find(shop, "ada@example.com", connection_id="V")["ada@example.com"].people_id == "p-9"


def test_a_forgotten_person_is_gone_under_every_name(shop: Ledger) -> None:
    save(shop, ADA)
    with shop.write() as connection:
        people.forget(connection, "W", {"p-1"})
    assert find(shop, "ada@example.com", "p-1") == {}


def test_who_was_erased_after_being_read_and_told_anew_is_known(shop: Ledger) -> None:
    """The row that was read is gone when what Crisp was told is saved."""
    save(shop, ADA, Person("bob@example.com", "p-2"))
    ada, bob = find(shop, "p-1")["p-1"], find(shop, "p-2")["p-2"]
    with shop.write() as connection:
        people.forget(connection, "W", ["p-1"])
    save(shop, replace(ada, people_id="p-3"), bob)
    assert find(shop, "ada@example.com")["p-3"].known == ada.known
    assert find(shop, "bob@example.com")["p-2"].id == bob.id


def test_times_alone_leave_what_is_known(shop: Ledger) -> None:
    save(shop, ADA)
    ada = find(shop, "p-1")["p-1"]
    with shop.write() as connection:
        people.save_times(connection, [replace(ada, known=Contact(), times={"nickname": 9})])
    assert find(shop, "p-1")["p-1"] == replace(ada, times={"nickname": 9})


def test_newer_times_that_were_written_meanwhile_stay(shop: Ledger) -> None:
    save(shop, replace(ADA, times={"nickname": 5, "city": 5}))
    early = find(shop, "p-1")["p-1"]
    with shop.write() as connection:
        people.save_times(connection, [replace(early, times={"nickname": 9})])
        people.save_times(connection, [replace(early, times={"nickname": 7, "city": 8})])
    assert find(shop, "p-1")["p-1"].times == {"nickname": 9, "city": 8}


def test_links_say_which_person_a_sources_record_is(shop: Ledger) -> None:
    with shop.write() as connection:
        people.link(connection, "W", "notion", {"n1": "ada@example.com", "n2": "bob@example.com"})
        people.link(connection, "W", "notion", {"n1": "ada@example.org"})
        people.link(connection, "W", "dynamics", {"n1": "eve@example.com"})
        found = people.linked(connection, "W", "notion", ["n1", "n2", "n3"])
    assert found == {"n1": "ada@example.org", "n2": "bob@example.com"}


def test_two_rows_that_become_one_do_not_lock_out_who_saves_times(shop: Ledger) -> None:
    """What is spare comes after what stays, and is deleted before that is saved."""
    many = range(200)
    first = [Person(f"p{n}@example.com", times={"city": 3}) for n in many]

    def joined() -> None:
        for _ in range(6):
            save(shop, *(Person(None, f"p-{n}") for n in many))
            save(shop, *(replace(each, people_id=f"p-{n}") for n, each in zip(many, first, strict=True)))
            save(shop, *(replace(each, people_id=f"x-{n}") for n, each in zip(many, first, strict=True)))

    def told() -> None:
        for _ in range(30):
            found = find(shop, *(f"p-{n}" for n in many), *(each.email or "" for each in first))
            with shop.write() as connection:
                people.save_times(connection, found.values())

    save(shop, *first)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(each) for each in (joined, told, told)]
        for each in running:
            each.result()
    assert len(find(shop, *(person.email or "" for person in first))) == 2 * len(first)


def test_batches_that_link_the_same_rows_in_other_orders_do_not_lock_each_other_out(shop: Ledger) -> None:
    """Sent at once by two senders, as a webhook and a nightly export are."""
    emails = {f"n{n:04}": f"p{n}@example.com" for n in range(300)}
    save(shop, *(Person(email) for email in emails.values()))
    known = list(find(shop, *emails.values()).values())

    def told(way: int) -> None:
        for _ in range(4):
            with shop.write() as connection:
                people.save_times(connection, known[::way])
                people.link(connection, "W", "notion", dict(list(emails.items())[::way]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(told, (1, -1, 1, -1)))
    with shop.read() as connection:
        assert people.linked(connection, "W", "notion", emails) == emails
