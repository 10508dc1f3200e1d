// Posts what an app would, with Segment's own SDK: node segment.mjs HOST KEY
// Prints as JSON what the SDK says was delivered, and what not.
import { createRequire } from "node:module";
import { join } from "node:path";

const folder = join(process.env.HOME, ".cache/chalkline/node/");
const { Analytics } = createRequire(folder)("@segment/analytics-node");
const [host, writeKey] = process.argv.slice(2);

const statuses = [];
const errors = [];
const analytics = new Analytics({ host, writeKey, flushAt: 5, maxRetries: 3 });
analytics.on("http_response", (response) => statuses.push(response.status));
analytics.on("error", (error) => errors.push(error.code));

let delivered = 0;
const settled = (error) => (error ? errors.push(String(error)) : (delivered += 1));
const userId = "stu-1041";
analytics.identify({ userId, traits: { name: "Anna Berg", email: "anna@school.example" } }, settled);
analytics.track({ userId, event: "video.progressed",
  properties: { course_id: "bio-101", content_id: "bio-101/cells", from: 61, to: 76, duration: 412.5 } }, settled);
analytics.track({ userId, anonymousId: "visitor-9", event: "Video Playback Paused",
  properties: { content_asset_id: "bio-101/cells", position: 76.5, total_length: 412 } }, settled);
analytics.track({ userId, event: "Lesson Bookmarked", properties: { courseId: "bio-101" },
  timestamp: new Date(Date.UTC(2026, 8, 14, 10)) }, settled);
analytics.page({ anonymousId: "visitor-9", name: "Home", properties: { url: "https://lms.example/home" } }, settled);
analytics.screen({ userId, name: "Main" }, settled);
analytics.group({ userId, groupId: "north" }, settled);
analytics.alias({ userId, previousId: "visitor-9" }, settled);
await analytics.closeAndFlush();

// A key that opens nothing.
const refused = [];
const stranger = new Analytics({ host, writeKey: `${writeKey.slice(0, -4)}AAAA`, flushAt: 1, maxRetries: 0 });
stranger.on("http_response", (response) => refused.push(response.status));
stranger.on("error", () => {});
stranger.track({ userId, event: "content.opened", properties: { content: "x" } });
await stranger.closeAndFlush();

console.log(JSON.stringify({ delivered, errors, statuses, refused }));
