-- What happened in every section on every day.
--
-- kind: table
-- grain: term, day, course_id, section_id
-- slice: term, course_id, section_id
-- sources: clickstream, video, assessment, attendance, tutoring, student_day
-- visibility: section
-- minimum_cell: active_students within term, day, course_id
-- thresholds: most_times = 1000000000
-- clock: none
--
-- columns:
--   term                text not null  the academic term
--   day                 date           the day in the tenant's time zone
--   course_id           text           the course
--   section_id          text           the section
--   active_students     bigint         students who did something themselves
--   clickstream_events  bigint         clicks; a row that stands for several counts as many
--   video_events        bigint         events of videos
--   assessment_events   bigint         events of assessments, grading included
--   attendance_events   bigint         events of attendance, marked and joined
--   tutoring_events     bigint         events of tutoring, by an AI or a person
--   active_minutes      double         the students' active minutes together
--   new_students        bigint         active students not seen in the section earlier in the term
--   returning_students  bigint         active students seen in the section earlier in the term
WITH first_days AS (
    SELECT
        term, day, course_id, section_id, active_minutes,
        min(day) OVER (PARTITION BY term, course_id, section_id, student_key) AS first_day
    FROM student_day
),
counts AS (
    SELECT
        term, day, course_id, section_id,
        -- As in student_day: 9,000,000,000 rows of a section and day fit.
        sum(least(greatest(coalesce(count, 1), 0), $most_times)) AS clickstream_events,
        0 AS video_events,
        0 AS assessment_events,
        0 AS attendance_events,
        0 AS tutoring_events,
        0 AS active_students,
        0 AS new_students,
        0 AS active_micros
    FROM clickstream
    GROUP BY term, day, course_id, section_id
    UNION ALL
    SELECT term, day, course_id, section_id, 0, count(*), 0, 0, 0, 0, 0, 0
    FROM video
    GROUP BY term, day, course_id, section_id
    UNION ALL
    SELECT term, day, course_id, section_id, 0, 0, count(*), 0, 0, 0, 0, 0
    FROM assessment
    GROUP BY term, day, course_id, section_id
    UNION ALL
    SELECT term, day, course_id, section_id, 0, 0, 0, count(*), 0, 0, 0, 0
    FROM attendance
    GROUP BY term, day, course_id, section_id
    UNION ALL
    SELECT term, day, course_id, section_id, 0, 0, 0, 0, count(*), 0, 0, 0
    FROM tutoring
    GROUP BY term, day, course_id, section_id
    UNION ALL
    -- Millionths of a minute, as whole numbers: their sum does not depend on the
    -- order of rows. A day has some 1,500 minutes, so that the sum takes
    -- 6,000,000,000 students to leave 63 bits.
    SELECT
        term, day, course_id, section_id, 0, 0, 0, 0, 0,
        count(*),
        count(*) FILTER (WHERE day = first_day),
        sum(CAST(round(active_minutes * 1000000) AS bigint))
    FROM first_days
    GROUP BY term, day, course_id, section_id
)
SELECT
    term,
    day,
    course_id,
    section_id,
    sum(active_students) AS active_students,
    sum(clickstream_events) AS clickstream_events,
    sum(video_events) AS video_events,
    sum(assessment_events) AS assessment_events,
    sum(attendance_events) AS attendance_events,
    sum(tutoring_events) AS tutoring_events,
    sum(active_micros) / 1000000.0 AS active_minutes,
    sum(new_students) AS new_students,
    sum(active_students) - sum(new_students) AS returning_students
FROM counts
GROUP BY term, day, course_id, section_id
