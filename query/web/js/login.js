// The login: a token, and the reason when one was refused.

import { check } from "./api.js";
import { byId } from "./dom.js";
import { session } from "./session.js";

/** Shows the login, with what went wrong before. */
export function showLogin(reason) {
  byId("page").hidden = true;
  byId("login").hidden = false;
  byId("login-reason").textContent = reason ?? "";
  byId("login-reason").hidden = !reason;
  byId("login-token").value = "";
  byId("login-token").focus();
  document.title = "Log in – Chalkline";
}

/** Shows the page, and takes whoever used the login to its beginning. */
export function hideLogin() {
  const used = !byId("login").hidden;
  byId("login").hidden = true;
  byId("page").hidden = false;
  byId("tenant").textContent = session.tenant;
  byId("title").textContent = `Learning activity of ${session.tenant}`;
  document.title = `${session.tenant} – Chalkline`;
  if (used) byId("title").focus();
}

/** What a text is instead of a query token, if it is none. */
function misfit(token) {
  if (/^ct_[a-z0-9-]+_[A-Za-z0-9-]+_[A-Za-z0-9]+$/.test(token)) return null;
  if (token.startsWith("ck_")) return "That is a write key, which only posts events. Reading needs a query token: it begins with ct_.";
  const strange = /[^\x20-\x7e]/.exec(token);
  if (strange) return `That is no query token: it has a letter that none has, “${String.fromCodePoint(strange[0].codePointAt(0))}”. Copy it again, from ct_ to its end.`;
  return "That is no query token: one looks like ct_<tenant>_<id>_<secret>, letters and digits only.";
}

byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("login-token").value.trim();
  const reason = misfit(token);
  if (reason) {
    showLogin(reason);
    return;
  }
  byId("login-button").disabled = true;
  try {
    await check(token);
    session.begin(token);
  } catch (error) {
    showLogin(error.message);
  } finally {
    byId("login-button").disabled = false;
  }
});

byId("logout").addEventListener("click", () => session.end());
