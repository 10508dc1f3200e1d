// The page: its sections, from login to log out.

import { Activity } from "./activity.js";
import { Answers } from "./answers.js";
import { Assessments } from "./assessments.js";
import { Freshness } from "./freshness.js";
import { Ledger } from "./ledger.js";
import { followLink } from "./link.js";
import { hideLogin, showLogin } from "./login.js";
import { Overview } from "./overview.js";
import { reader } from "./reader.js";
import { session } from "./session.js";
import { Sql } from "./sql.js";
import { Video } from "./video.js";

const freshness = new Freshness();
const overview = new Overview(freshness);
const box = new Sql();
const sections = [overview, new Activity(), new Video(), new Answers(), new Assessments(), new Ledger()];

session.addEventListener("begin", () => {
  hideLogin();
  // Asked first: nothing is shown without it.
  reader();
  freshness.start();
  for (const section of sections) section.load();
});

freshness.addEventListener("tables", ({ detail }) => box.list(detail));
freshness.addEventListener("changed", () => overview.load(true));

// Also what failed is tried again: the connection is there.
freshness.addEventListener("beat", () => {
  for (const section of sections) {
    if (!section.loading && section.isStale(freshness.changedAt)) section.load(true);
  }
});

// A link may be opened in a tab that is already here.
addEventListener("hashchange", followLink);

followLink().then((led) => {
  if (led) return;
  if (session.token) session.resume();
  else showLogin(session.takeReason());
});
