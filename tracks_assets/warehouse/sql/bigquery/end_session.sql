call bq.abort_session() -- noqa: LT01
