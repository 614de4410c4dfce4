call bq.abort_session()
