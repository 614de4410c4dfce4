"""The benchmark of persons, small: every way answers, and one with another answer stops it."""

from pathlib import Path

import pytest

from benchmarks import persons

pytestmark = [pytest.mark.slow, pytest.mark.thorough]


def test_every_way_is_measured(capfd: pytest.CaptureFixture[str]) -> None:
    persons.main(["--mappings", "0.001", "--events", "0.002", "--runs", "1"])
    head, *lines = capfd.readouterr().out.splitlines()
    assert head == "1,000 mappings (50 % moved once, 1 % deleted), 2,000 events"
    assert [line.split("  ")[2] for line in lines] == list(persons.WAYS)
    assert all("memory" in line for line in lines)


def test_a_way_with_other_answers_stops_it(tmp_path: Path) -> None:
    file = tmp_path / "built.duckdb"
    persons.build(file, 1_000, 2_000, 50)
    with persons.opened(file) as connection:
        connection.execute("update versions set person_id = 'other' where version = 1")
    with pytest.raises(RuntimeError, match=r"argMax\(version\) has other answers"):
        persons.compare(file, runs=1)


def test_the_history_has_what_makes_the_ways_differ(tmp_path: Path) -> None:
    """Mappings that moved, deleted ones, and events of users without a mapping."""
    file = tmp_path / "built.duckdb"
    persons.build(file, 1_000, 2_000, 50)
    with persons.opened(file) as connection:

        def count(text: str) -> int:
            (found,) = connection.sql(text).fetchall()
            return int(found[0])

        assert count("select count(*) from person_distinct_ids") == 1_000
        assert 400 < count("select count(*) from versions where version = 1") < 600
        assert 0 < count("select count(*) from person_distinct_ids where is_deleted") < 30
        assert count("select count(*) from signs where sign < 0") > 400
        assert 0 < count("select count(*) from events where person_id = current_person_id") < 600
