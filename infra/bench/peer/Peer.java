import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Kafka → Parquet by Apache Flink SQL, from the topic's beginning to its present
 * end: the same columns in the same partitions as Chalkline's table of clicks,
 * zstd, files closed by a checkpoint each INTERVAL.
 *
 * <pre>Peer BROKERS TOPIC FOLDER INTERVAL</pre>
 */
public final class Peer {
    public static void main(String[] args) throws Exception {
        var brokers = args[0];
        var topic = args[1];
        var folder = args[2];
        var settings = new Configuration();
        settings.setString("execution.checkpointing.interval", args[3]);
        settings.setString("execution.checkpointing.dir", "file://" + folder + "/checkpoints");
        settings.setString("parallelism.default", "2");
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("table.local-time-zone", "UTC");
        var flink = TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
        flink.executeSql(SOURCE.formatted(topic, brokers));
        flink.executeSql(SINK.formatted(folder));
        flink.executeSql(INSERT).await();
    }

    private static final String SOURCE = """
        CREATE TABLE events (
          id STRING, type STRING, dialect STRING, `time` TIMESTAMP_LTZ(6),
          sent_at TIMESTAMP_LTZ(6), received_at TIMESTAMP_LTZ(6), student_key STRING,
          session STRING, course STRING, section STRING, school STRING,
          content STRING, content_version INT, app STRING, platform STRING, locale STRING,
          data ROW<url STRING, referrer STRING, `element` STRING, query STRING, target STRING,
            `value` STRING, `count` BIGINT, thread STRING, reply_to_key STRING, status STRING,
            role STRING, viewport STRING, scroll_depth DOUBLE, note STRING>,
          extra STRING,
          headers MAP<STRING, BYTES> METADATA,
          log_partition INT METADATA FROM 'partition',
          log_position BIGINT METADATA FROM 'offset'
        ) WITH (
          'connector' = 'kafka', 'topic' = '%s', 'properties.bootstrap.servers' = '%s',
          'properties.group.id' = 'peer', 'scan.startup.mode' = 'earliest-offset',
          'scan.bounded.mode' = 'latest-offset', 'format' = 'json',
          'json.timestamp-format.standard' = 'ISO-8601'
        )""";

    private static final String SINK = """
        CREATE TABLE lake (
          event_id STRING, event_type STRING, type_version INT, dialect STRING,
          occurred_at TIMESTAMP_LTZ(6), sent_at TIMESTAMP_LTZ(6), received_at TIMESTAMP_LTZ(6),
          student_key STRING, session_id STRING, course_id STRING, section_id STRING,
          school_id STRING, content_id STRING, content_version INT, app STRING, platform STRING,
          locale STRING, extra STRING, log_partition INT, log_position BIGINT,
          url STRING, referrer STRING, `element` STRING, query STRING, target_id STRING,
          `value` STRING, `count` BIGINT, thread_id STRING, reply_to_key STRING, status STRING,
          role STRING, viewport STRING, scroll_depth DOUBLE, note STRING,
          tenant STRING, family STRING, term STRING
        ) PARTITIONED BY (tenant, family, term) WITH (
          'connector' = 'filesystem', 'path' = 'file://%s/table', 'format' = 'parquet',
          'parquet.compression' = 'ZSTD', 'parquet.write.int64.timestamp' = 'true',
          'parquet.timestamp.time.unit' = 'micros', 'sink.partition-commit.policy.kind' = 'success-file'
        )""";

    /** A school year begins on 1 August, as for a tenant without a calendar. */
    private static final String INSERT = """
        INSERT INTO lake SELECT
          id, type, CAST(DECODE(headers['type_version'], 'UTF-8') AS INT), dialect,
          `time`, sent_at, received_at, student_key, session, course, section, school,
          content, content_version, app, platform, locale, extra, log_partition, log_position,
          e.data.url, e.data.referrer, e.data.`element`, e.data.query, e.data.target,
          e.data.`value`, e.data.`count`, e.data.thread, e.data.reply_to_key, e.data.status,
          e.data.role, e.data.viewport, e.data.scroll_depth, e.data.note,
          DECODE(headers['tenant'], 'UTF-8'), DECODE(headers['family'], 'UTF-8'),
          CAST(EXTRACT(YEAR FROM `time`) - IF(EXTRACT(MONTH FROM `time`) < 8, 1, 0) AS STRING)
        FROM events AS e""";

    private Peer() {}
}
