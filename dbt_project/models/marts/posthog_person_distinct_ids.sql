{#-
    The person of every distinct_id, as of its newest version.

    1. One row per (team_id, distinct_id). A row changes only when a version grows: that of the mapping or, where the
       mapping is the same, that of its person.
    2. Older exports have no is_deleted. Of equal versions, a delivery that has it completes one that has not.
    3. A deleted mapping keeps its row, with is_deleted. If the distinct_id is used again, its version grows.

    So hours may be merged in any order and again, and the rows are the same. dbt's own merge is enough: it is handed
    only rows that are newer than the stored ones.
-#}
{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        alias='person_distinct_ids',
        unique_key=['team_id', 'distinct_id'],
        full_refresh=false,
        cluster_by=['team_id', 'distinct_id'] if target.type == 'bigquery' else none,
    )
}}

with

delivered as (
    select *
    from {{ source('posthog', 'raw_persons') }}
    where {{ in_merge_window({'window': 'window_start', 'loaded_at': 'bq_ingested_timestamp'}) }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by team_id, distinct_id
            order by
                person_distinct_id_version desc,
                person_version desc,
                is_deleted is null asc,
                window_start asc,
                source_file asc
        ) as age
    from delivered
),

final as (
    select
        ranked.team_id,
        ranked.distinct_id,
        ranked.person_id,
        ranked.properties,
        ranked.person_distinct_id_version,
        ranked.person_version,
        ranked.created_at,
        ranked.is_deleted,
        ranked.bq_ingested_timestamp
    from ranked
    {% if is_incremental() %}
    left join {{ this }} as stored
        on ranked.team_id = stored.team_id and ranked.distinct_id = stored.distinct_id
    {% endif %}
    where
        ranked.age = 1
        {% if is_incremental() %}
        and case
            when stored.distinct_id is null then true
            when ranked.person_distinct_id_version != stored.person_distinct_id_version
                then ranked.person_distinct_id_version > stored.person_distinct_id_version
            when ranked.person_version != stored.person_version
                then ranked.person_version > stored.person_version
            else ranked.is_deleted is not null and stored.is_deleted is null
        end
        {% endif %}
)

select * from final
