// The login: a token, and the reason when one was refused.

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

/** Shows the page. */
export function hideLogin() {
  byId("login").hidden = true;
  byId("page").hidden = false;
  byId("tenant").textContent = session.tenant;
  document.title = `${session.tenant} – Chalkline`;
}

byId("login-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = byId("login-token").value.trim();
  if (/^ct_[a-z0-9-]+_[^_\s]+_\S+$/.test(token)) session.begin(token);
  else if (token.startsWith("ck_")) showLogin("That is a write key, which only posts events. Reading needs a query token, which begins with ct_.");
  else showLogin("That is no query token: one begins with ct_ and has four parts, ct_<tenant>_<id>_<secret>.");
});

byId("logout").addEventListener("click", () => session.end());
