-- How often every response to an item was given, first and last, and by whom.
--
-- kind: table
-- grain: term, assessment_id, item_id, content_version, response
-- slice: term, assessment_id
-- sources: assessment
-- visibility: tenant
-- minimum_cell: first_count, last_count within term, assessment_id, item_id, content_version
-- thresholds: rarely_chosen_rate = 0.05, group_rate = 0.27, minimum_students = 30
-- clock: none
--
-- columns:
--   term             text not null  the academic term
--   assessment_id    text           the assessment; null for items of none
--   item_id          text           the item
--   content_version  bigint         the version of the item, where the sender tells
--   response         text           the response as it was given; null where the sender does not tell it
--   first_count      bigint         students whose first answer it was
--   last_count       bigint         students whose last answer it was
--   share_rate       double         first_count by the students who answered
--   upper_rate       double         the same among the 27 % who are best at the assessment's other items
--   lower_rate       double         the same among the 27 % who are worst at them; both null below 30 students
--   flag             text           distractor_rarely_chosen: wrong, and the first answer of fewer than 5 %
WITH answers AS (
    SELECT
        term, assessment_id, item_id, content_version, student_key, response,
        coalesce(correct, score >= max_score) AS correct,
        -- Millionths of the points to be had, so that sums do not depend on the
        -- order of rows; points outside the scale count as its ends. A sum leaves
        -- 63 bits with 9,000,000,000,000 items of one student.
        CASE
            WHEN max_score > 0 AND score >= max_score THEN 1000000
            WHEN max_score > 0 AND score <= 0 THEN 0
            WHEN max_score > 0 AND score < max_score
                THEN CAST(round(score / max_score * 1000000) AS bigint)
            WHEN correct THEN 1000000
            WHEN NOT correct THEN 0
        END AS points,
        row_number() OVER from_first AS place,
        row_number() OVER from_last AS place_from_last,
        row_number() OVER of_item AS place_of_item
    FROM assessment
    WHERE event_type = 'item.answered' AND item_id IS NOT NULL
    WINDOW
        from_first AS (
            PARTITION BY term, assessment_id, item_id, content_version, student_key
            ORDER BY occurred_at, event_id
        ),
        from_last AS (
            PARTITION BY term, assessment_id, item_id, content_version, student_key
            ORDER BY occurred_at DESC, event_id DESC
        ),
        of_item AS (
            PARTITION BY term, assessment_id, item_id, student_key
            ORDER BY occurred_at, event_id
        )
),
others AS (
    -- How well a student does at the assessment's other items, by the first
    -- answers: with its own points an item would agree with itself. An item that
    -- is met again in another version is no first answer.
    SELECT
        term, assessment_id, item_id, content_version, student_key,
        CAST(other_points AS double) / other_items AS mean_points
    FROM (
        SELECT
            term, assessment_id, item_id, content_version, student_key,
            sum(points) OVER of_student - coalesce(points, 0) AS other_points,
            count(points) OVER of_student - CAST(points IS NOT NULL AS bigint) AS other_items
        FROM answers
        WHERE place_of_item = 1 AND assessment_id IS NOT NULL
        WINDOW of_student AS (PARTITION BY term, assessment_id, student_key)
    )
    WHERE other_items > 0
),
ranks AS (
    SELECT
        *,
        rank() OVER (
            PARTITION BY term, assessment_id, item_id, content_version
            ORDER BY mean_points DESC
        ) AS rank_from_best,
        rank() OVER (
            PARTITION BY term, assessment_id, item_id, content_version
            ORDER BY mean_points
        ) AS rank_from_worst,
        count(*) OVER (PARTITION BY term, assessment_id, item_id, content_version) AS students
    FROM others
),
groups AS (
    -- Who is equal to the last of a group belongs to it: chance splits no tie.
    SELECT
        term, assessment_id, item_id, content_version, student_key,
        rank_from_best <= round(students * $group_rate) AS is_upper,
        rank_from_worst <= round(students * $group_rate) AS is_lower
    FROM ranks
    WHERE students >= $minimum_students
),
responses AS (
    SELECT
        answers.term, answers.assessment_id, answers.item_id, answers.content_version,
        answers.response,
        count(*) FILTER (WHERE answers.place = 1) AS first_count,
        count(*) FILTER (WHERE answers.place_from_last = 1) AS last_count,
        count(*) FILTER (WHERE answers.place = 1 AND groups.is_upper) AS upper_count,
        count(*) FILTER (WHERE answers.place = 1 AND groups.is_lower) AS lower_count,
        bool_or(answers.correct) AS correct
    FROM answers
    LEFT JOIN groups
        ON answers.term = groups.term
        AND answers.assessment_id = groups.assessment_id
        AND answers.item_id = groups.item_id
        AND answers.student_key = groups.student_key
        AND (answers.content_version IS NOT DISTINCT FROM groups.content_version)
    GROUP BY
        answers.term, answers.assessment_id, answers.item_id, answers.content_version,
        answers.response
),
totals AS (
    SELECT
        *,
        sum(first_count) OVER of_item AS students,
        sum(upper_count) OVER of_item AS upper_students,
        sum(lower_count) OVER of_item AS lower_students
    FROM responses
    WINDOW of_item AS (PARTITION BY term, assessment_id, item_id, content_version)
)
SELECT
    term,
    assessment_id,
    item_id,
    CAST(content_version AS bigint) AS content_version,
    response,
    first_count,
    last_count,
    round(CAST(first_count AS double) / students, 6) AS share_rate,
    round(CAST(upper_count AS double) / nullif(upper_students, 0), 6) AS upper_rate,
    round(CAST(lower_count AS double) / nullif(lower_students, 0), 6) AS lower_rate,
    CASE
        WHEN NOT correct AND response IS NOT NULL
            AND CAST(first_count AS double) / students < $rarely_chosen_rate
            THEN 'distractor_rarely_chosen'
    END AS flag
FROM totals
-- An answer between a student's first and last makes no row of its own.
WHERE first_count > 0 OR last_count > 0
