-- What of the events is not known, not likely or not there, day by day. `unknown_*` says
-- what the roster does not know of what they name, and `completed_*` what they do not say
-- and the roster does; where there is no roster nothing is unknown, and a roster that comes
-- later changes the days of before. `share_rate` of `completed_section` is how often the
-- enrollment told the section of those that name none. A clock is judged by `sent_at`
-- where senders say that; of others only events from after their receipt tell that it is
-- wrong, and those that came late do not. A duration is missed in every event of a video
-- (how long the video is), in an answer to an item and in a lesson that was held (how long
-- that took). A check that was made of none of the day's events has no row.
--
-- kind: table
-- grain: term, day, family, check_name
-- slice: term, day
-- sources: clickstream, video, assessment, attendance, tutoring
-- visibility: tenant
-- minimum_cell: none
-- thresholds: clock_skew_seconds = 300
-- clock: none
--
-- columns:
--   term            text not null  the academic term
--   day             date           the day in the tenant's time zone
--   family          text           the family: each has a table of its own
--   check_name      text           unknown_student, unknown_section, unknown_enrollment, completed_course, completed_section, completed_school, outside_terms, clock_skew or missing_duration
--   events          bigint         events of which it is so
--   checked_events  bigint         events of which it could be so: those that name a section, for one
--   share_rate      double         the share of them of which it is so
WITH placed AS (
    SELECT
        'clickstream' AS family, term, day, course_id, section_id, school_id, completed, unknown,
        occurred_at, received_at, clock_correction_ms,
        CAST(NULL AS boolean) AS lacks_duration
    FROM clickstream
    UNION ALL
    SELECT
        'video', term, day, course_id, section_id, school_id, completed, unknown,
        occurred_at, received_at, clock_correction_ms,
        duration_seconds IS NULL
    FROM video
    UNION ALL
    SELECT
        'assessment', term, day, course_id, section_id, school_id, completed, unknown,
        occurred_at, received_at, clock_correction_ms,
        CASE WHEN event_type = 'item.answered' THEN duration_seconds IS NULL END
    FROM assessment
    UNION ALL
    SELECT
        'attendance', term, day, course_id, section_id, school_id, completed, unknown,
        occurred_at, received_at, clock_correction_ms,
        NULL
    FROM attendance
    UNION ALL
    SELECT
        'tutoring', term, day, course_id, section_id, school_id, completed, unknown,
        occurred_at, received_at, clock_correction_ms,
        CASE WHEN event_type = 'tutoring.held' THEN minutes IS NULL END
    FROM tutoring
),
-- Whether each check finds something, of the events of which it could; NULL of others.
-- What the roster has completed the event does not say itself.
judged AS (
    SELECT
        term, day, family, lacks_duration,
        coalesce(unknown, '') LIKE '%student%' AS unknown_student,
        CASE WHEN names_section THEN coalesce(unknown, '') LIKE '%section%' END AS unknown_section,
        CASE
            WHEN course_id IS NOT NULL AND NOT names_section AND coalesce(unknown, '') NOT LIKE '%student%'
            THEN coalesce(unknown, '') LIKE '%enrollment%'
        END AS unknown_enrollment,
        CASE WHEN NOT names_course THEN course_id IS NOT NULL END AS completed_course,
        CASE WHEN NOT names_section THEN section_id IS NOT NULL END AS completed_section,
        CASE WHEN NOT names_school THEN school_id IS NOT NULL END AS completed_school,
        coalesce(
            abs(clock_correction_ms),
            (CAST(occurred_at AS bigint) - CAST(received_at AS bigint)) / 1000
        ) > $clock_skew_seconds * 1000 AS clock_skew
    FROM (
        SELECT
            *,
            course_id IS NOT NULL AND coalesce(completed, '') NOT LIKE '%course%' AS names_course,
            section_id IS NOT NULL AND coalesce(completed, '') NOT LIKE '%section%' AS names_section,
            school_id IS NOT NULL AND coalesce(completed, '') NOT LIKE '%school%' AS names_school
        FROM placed
    )
),
counts AS (
    SELECT
        term, day, family,
        count(*) AS all_events,
        count(*) FILTER (WHERE unknown_student) AS unknown_student,
        count(*) FILTER (WHERE unknown_section) AS unknown_section,
        count(unknown_section) AS of_unknown_section,
        count(*) FILTER (WHERE unknown_enrollment) AS unknown_enrollment,
        count(unknown_enrollment) AS of_unknown_enrollment,
        count(*) FILTER (WHERE completed_course) AS completed_course,
        count(completed_course) AS of_completed_course,
        count(*) FILTER (WHERE completed_section) AS completed_section,
        count(completed_section) AS of_completed_section,
        count(*) FILTER (WHERE completed_school) AS completed_school,
        count(completed_school) AS of_completed_school,
        count(*) FILTER (WHERE term LIKE 'between-terms-%') AS outside_terms,
        count(*) FILTER (WHERE clock_skew) AS clock_skew,
        count(*) FILTER (WHERE lacks_duration) AS missing_duration,
        count(lacks_duration) AS of_missing_duration
    FROM judged
    GROUP BY term, day, family
),
checks AS (
    SELECT
        term, day, family,
        unnest(make_array(
            named_struct('name', 'unknown_student', 'events', unknown_student, 'of', all_events),
            named_struct('name', 'unknown_section', 'events', unknown_section, 'of', of_unknown_section),
            named_struct('name', 'unknown_enrollment', 'events', unknown_enrollment, 'of', of_unknown_enrollment),
            named_struct('name', 'completed_course', 'events', completed_course, 'of', of_completed_course),
            named_struct('name', 'completed_section', 'events', completed_section, 'of', of_completed_section),
            named_struct('name', 'completed_school', 'events', completed_school, 'of', of_completed_school),
            named_struct('name', 'outside_terms', 'events', outside_terms, 'of', all_events),
            named_struct('name', 'clock_skew', 'events', clock_skew, 'of', all_events),
            named_struct('name', 'missing_duration', 'events', missing_duration, 'of', of_missing_duration)
        )) AS found
    FROM counts
)
SELECT
    term,
    day,
    family,
    found['name'] AS check_name,
    found['events'] AS events,
    found['of'] AS checked_events,
    round(CAST(found['events'] AS double) / found['of'], 6) AS share_rate
FROM checks
WHERE found['of'] > 0
