"""The whole graph on one screen: PostHog's hourly export -> raw_tracks -> tracks, where each event exists once."""

import dagster as dg

from tracks_assets.defs.alerts.sensor import alert_sensor
from tracks_assets.defs.consumers.models import consumer_assets, consumer_sensor
from tracks_assets.defs.mixpanel.checks import mixpanel_checks
from tracks_assets.defs.mixpanel.daily import mixpanel_job, mixpanel_schedule
from tracks_assets.defs.mixpanel.events import mixpanel_assets
from tracks_assets.defs.posthog.export_runs import PERSON_RUNS
from tracks_assets.defs.posthog.export_sensor import export_sensor, load_job, persons_job
from tracks_assets.defs.posthog.hourly import hourly_assets
from tracks_assets.defs.posthog.legacy import legacy_assets
from tracks_assets.defs.posthog.live import LIVE_KEY, live_asset
from tracks_assets.defs.posthog.persons import BY_PERSON_KEY, persons_assets
from tracks_assets.defs.posthog.tracks import tracks_assets
from tracks_assets.defs.posthog.views import views_job, views_schedule
from tracks_assets.defs.quality.anomalies import DAILY_METRICS_KEY, daily_metrics_asset
from tracks_assets.defs.quality.census import census_asset, checks_job, schedule
from tracks_assets.defs.quality.checks import batch_checks
from tracks_assets.defs.quality.freshness import freshness_check, freshness_job, freshness_schedule
from tracks_assets.defs.quality.persons import person_checks
from tracks_assets.defs.quality.status import PAGE_KEY, status_asset
from tracks_assets.defs.quality.trace import trace_job
from tracks_assets.defs.repairs.dedup import JOBS as DEDUP_JOBS
from tracks_assets.defs.repairs.restore import JOBS as RESTORE_JOBS
from tracks_assets.defs.repairs.squash import JOBS as SQUASH_JOBS
from tracks_assets.defs.shared.catalogue import catalogued
from tracks_assets.defs.shared.prune import prune_job, prune_schedule
from tracks_assets.defs.shared.resources import resources
from tracks_assets.settings import Settings, read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT


def build_definitions(settings: Settings) -> dg.Definitions:
    """The graph for given settings."""
    checks, load, fresh = checks_job(DAILY_METRICS_KEY, PAGE_KEY), load_job(), freshness_job()
    prune, persons, views = prune_job(settings), persons_job(), views_job(LIVE_KEY, BY_PERSON_KEY)
    mixpanel = mixpanel_job()
    assets = [
        *hourly_assets(settings),
        tracks_assets(settings, DBT_PROJECT),
        *legacy_assets(settings),
        live_asset(settings, DBT_PROJECT),
        *persons_assets(settings, DBT_PROJECT),
        *mixpanel_assets(settings, DBT_PROJECT),
        *consumer_assets(settings, DBT_PROJECT),
        census_asset(settings, DBT_PROJECT),
        daily_metrics_asset(settings),
        status_asset(settings),
    ]
    return dg.Definitions(
        assets=catalogued(assets, settings),
        asset_checks=[
            *(batch_checks(settings), freshness_check(settings)),
            *(person_checks(settings), mixpanel_checks(settings)),
        ],
        jobs=[
            *(load, persons, mixpanel, views, checks, fresh, trace_job(settings), prune),
            *(*DEDUP_JOBS, *RESTORE_JOBS, *SQUASH_JOBS),
        ],
        schedules=[
            *(schedule(settings, checks), freshness_schedule(settings, fresh)),
            *(views_schedule(settings, views), prune_schedule(settings, prune)),
            mixpanel_schedule(settings, mixpanel),
        ],
        sensors=[
            export_sensor(settings, load),
            export_sensor(settings, persons, of=PERSON_RUNS),
            consumer_sensor(settings),
            alert_sensor(settings),
        ],
        resources=resources(settings, DBT_PROJECT),
        # Steps share one process: starting another costs seconds, and the warehouse has one writer anyway.
        executor=dg.in_process_executor,
    )


defs = build_definitions(read_settings())
