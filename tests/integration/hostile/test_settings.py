"""No setting that goes into a statement holds anything that could end a name or a literal there."""

import pytest

from tracks_assets.settings import SettingsError, read_settings

HOSTILE = [
    "x`; drop table posthog.tracks; --",
    "x'; drop table posthog.tracks; --",
    'x"; drop table posthog.tracks; --',
    "x\\",
    "x\n",
    "x\ny",
    "x*/ drop table posthog.tracks; /*",
    "{{ 1 }}",
    "x.y",
    "プロジェクト",
    "\uff11\uff12",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "name",
    [
        "TRACKS_BQ_PROJECT",
        "TRACKS_BQ_DATASET_PREFIX",
        "TRACKS_BQ_LOCATION",
        "TRACKS_CUTOVER",
        "TRACKS_MEMORY_LIMIT",
        "TRACKS_EXPORT_START",
        "TRACKS_ENGINE",
    ],
)
def test_text_that_would_be_sql_is_refused(name: str, value: str) -> None:
    if value.strip() == "x" and name in ("TRACKS_BQ_DATASET_PREFIX", "TRACKS_BQ_LOCATION"):
        assert read_settings({name: value}).model_dump()[name.removeprefix("TRACKS_").lower()] == "x"
        return
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert str(caught.value).startswith(f"{name} is {value.strip()!r}, but it must be ")


@pytest.mark.parametrize("project", ["my-project", "example.com:my-project", "p1", "tracks-tests"])
def test_every_kind_of_project_id_is_taken(project: str) -> None:
    assert read_settings({"TRACKS_BQ_PROJECT": project}).bq_project == project
