// One video: how long it is watched and where it is watched again.

import { sql, wholeReport } from "./api.js";
import { Chart } from "./chart.js";
import { byId, choices } from "./dom.js";
import { brief, count, duration, number, percent } from "./format.js";
import { tile } from "./overview.js";
import { Empty, Section } from "./section.js";
import { tableOf } from "./table.js";

const VIDEOS = `SELECT term, course_id, content_id, content_version, count(*) AS viewers,
  count(*) FILTER (WHERE completed) AS completions, avg(distinct_seconds) AS mean_seconds,
  avg(watched_rate) AS mean_rate, sum(replayed_seconds) AS replayed_seconds, sum(total_seconds) AS total_seconds
  FROM video_watch WHERE total_seconds > 0
  GROUP BY term, course_id, content_id, content_version ORDER BY viewers DESC, content_id LIMIT 500`;

const key = ({ term, course_id, content_id, content_version }) => JSON.stringify([term, course_id, content_id, content_version]);

export class Video extends Section {
  constructor() {
    super("video");
    this.choice = byId("video-choice");
    this.choice.addEventListener("change", () => {
      this.choice.dataset.chosen = "yes";
      this.reload();
    });
    this.retention = new Chart(byId("video-retention"), {
      label: "Retention by second", table: "video-table", height: 190, sync: "video", yFormat: percent, range: [0, 1.02],
    });
    this.replay = new Chart(byId("video-replay"), {
      label: "Views per viewer by second", table: "video-table", height: 150, sync: "video", yFormat: number,
      range: (_, low, high) => [Math.min(1, low), Math.max(1.5, high * 1.04)],
    });
  }

  async fetch(signal) {
    const videos = await sql(VIDEOS, [], signal);
    if (!videos.rows.length) return videos;
    choices(this.choice, videos.rows.map((video) => ({
      value: key(video),
      label: `${brief(video.content_id ?? "no name")}${video.content_version === null ? "" : ` v${video.content_version}`} · ${count(video.viewers)} ${video.viewers === 1 ? "viewer" : "viewers"}`,
    })), key(videos.rows[0]));
    const video = videos.rows.find((row) => key(row) === this.choice.value);
    return { ...videos, ...await this.#curves(video, signal), video };
  }

  /** They tell of all who watched together: families do not see them, and nobody those of few. */
  async #curves({ term, course_id, content_id, content_version }, signal) {
    try {
      return await wholeReport("video_retention", {
        term, course_id, content_id, content_version, columns: "second,viewers,views,retention_rate,replay_index", order: "second",
      }, signal);
    } catch (error) {
      if (error.code !== "table_not_shown") throw error;
      return { rows: [] };
    }
  }

  draw({ rows, video }) {
    if (!video) {
      return new Empty("No video was watched here yet", "Once one is, this shows how much of it was watched.",
        "Send video.progressed with from and to (seconds), or any video event with its played_segments. The xAPI video profile works too: POST /xapi/statements.");
    }
    byId("video-numbers").replaceChildren(
      tile("Viewers", count(video.viewers)),
      tile("Watched it all", count(video.completions), percent(video.completions / video.viewers)),
      tile("Watched on average", duration(video.mean_seconds), video.mean_rate === null ? null : percent(video.mean_rate)),
      tile("Watched again", percent(video.total_seconds ? video.replayed_seconds / video.total_seconds : 0), "of all seconds played"),
    );
    byId("video-curves").hidden = !rows.length;
    byId("video-left-out").textContent = rows.length ? "" : this.reader.hidden ?? "";
    if (rows.length) this.#drawCurves(rows);
    return null;
  }

  #drawCurves(rows) {
    const last = rows[rows.length - 1].second;
    const seconds = Array.from({ length: last + 1 }, (_, second) => second);
    const known = new Map(rows.map((row) => [row.second, row]));
    const column = (name, missing) => seconds.map((second) => known.get(second)?.[name] ?? missing);
    const x = { kind: "seconds", values: seconds, format: duration };
    const rates = column("retention_rate", 0);
    const replays = column("replay_index", null);
    const viewers = { label: "Viewers", values: column("viewers", 0), colour: "--muted", format: count };
    this.retention.draw({
      x,
      series: [{ label: "Still watching", values: rates, colour: "--series-1", kind: "area", format: percent }],
      extra: [viewers],
      summary: `From ${percent(rates[0])} at the start to ${percent(rates[last])} at ${duration(last)}`,
    });
    const peak = replays.reduce((best, value, at) => (value > (replays[best] ?? 0) ? at : best), 0);
    this.replay.draw({
      x,
      series: [{ label: "Views per viewer", values: replays, colour: "--series-2", kind: "line", format: number }],
      extra: [{ ...viewers, label: "Views", values: column("views", 0) }],
      summary: `Highest at ${duration(peak)} with ${number(replays[peak])}`,
    });
    tableOf(byId("video-table"), [
      { name: "second", type: "bigint", title: "Second", format: duration },
      { name: "viewers", type: "bigint", title: "Viewers", format: count },
      { name: "views", type: "bigint", title: "Views", format: count },
      { name: "retention_rate", type: "double", title: "Still watching", format: percent },
      { name: "replay_index", type: "double", title: "Views per viewer", format: number },
    ], rows, "Retention and replay by second");
  }
}
