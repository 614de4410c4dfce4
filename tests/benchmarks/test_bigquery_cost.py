"""The model of what an hour costs: its formula to the letter."""

from benchmarks.bigquery_cost import (
    NUMBERS_BYTES,
    PLAN_READS,
    Bill,
    Table,
    dollars,
    hour_load,
    key_table_merge,
    keys_bytes,
    live_name_query,
    marketing_rebuild,
    name_query,
    planned_merge,
    stock_merge,
    unique_batch_check,
    whole_hour,
)

SMALL = Table(rows=1_000, size=1_000_000, rows_an_hour=10, redeliveries=4, days=3)


def test_a_table() -> None:
    assert (SMALL.row_bytes, SMALL.hour_bytes, SMALL.day_bytes) == (1_000, 10_000, 240_000)
    assert keys_bytes(PLAN_READS) == 38 + 8 + 8 + 8


def test_the_stock_merge_is_billed_every_touched_day_whole() -> None:
    assert stock_merge(SMALL) == Bill(read=1_000 * 38 + 10_000, updated=3 * 240_000)


def test_the_planned_merge_is_billed_the_days_that_change() -> None:
    repeats = 4 * 100 * (38 + 5 * 8)
    reads = 1_000 * (62 + 8) + repeats + 10 * 62 + 4 * 10_000
    assert planned_merge(SMALL, changing=0) == Bill(read=reads, updated=0)
    assert planned_merge(SMALL, changing=2) == Bill(read=reads + 2 * 240 * 46, updated=2 * 240_000)
    assert planned_merge(SMALL, changing=4) == Bill(read=reads + 3 * 240 * 46, updated=3 * 240_000)


def test_a_query_of_the_view_is_billed_what_it_compares() -> None:
    assert name_query(SMALL) == Bill(read=1_000 * 14)
    assert live_name_query(SMALL) == Bill(read=1_000 * (62 + 14 + 38) + 10_000)


def test_the_marketing_table_is_billed_the_events_that_it_names() -> None:
    assert marketing_rebuild(SMALL, named=0.001) == Bill(read=1_000)


def test_load_check_and_a_price() -> None:
    assert hour_load(SMALL) == Bill(read=10_000 + 240 * 8)
    assert unique_batch_check(SMALL) == Bill(read=1_010 * 38)
    assert whole_hour(SMALL) == Bill(read=11_920 + planned_merge(SMALL, 0).read + 38_380)
    assert dollars(Bill(read=2**40) + Bill(read=0, updated=2**40)) == 12.5


def test_a_key_table_would_be_read_for_the_hours_of_redeliveries_and_the_hour_itself() -> None:
    assert key_table_merge(SMALL, key_bytes=16) == Bill(read=1_000 * 16 * 5 / 100 + 4 * 10_000)


def test_the_goals() -> None:
    """Thirty times less than the stock merge; a thousand would take a key table."""
    table = Table()
    stock = stock_merge(table).total
    assert stock / planned_merge(table, changing=0).total > 30
    assert stock / key_table_merge(table, key_bytes=NUMBERS_BYTES).total > 1_000
