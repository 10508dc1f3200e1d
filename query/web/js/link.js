// A link that logs in: `#code=…`, good once. A fragment is never sent to a
// server, but it stays in the browser's history: so it holds no token.

import { exchange } from "./api.js";
import { ask, tell } from "./dialog.js";
import { announce } from "./dom.js";
import { showLogin } from "./login.js";
import { session } from "./session.js";

const TOKEN_IN_LINK = "A token in an address stays in the browser's history, so it was not taken. Paste it here, or print a link with: chalkline link";

/** Logs in with the link that led here; false when none did. */
export async function followLink() {
  const found = /^#(code|token)=(.*)$/.exec(location.hash);
  if (!found) return false;
  history.replaceState(null, "", location.pathname + location.search);
  const [, kind, code] = found;
  if (kind === "token") await refuse(TOKEN_IN_LINK);
  else await follow(code);
  return true;
}

async function follow(code) {
  let given;
  try {
    given = await exchange(code);
  } catch (error) {
    await refuse(error.message);
    return;
  }
  const { token, tenant } = given;
  const other = session.token && session.tenant !== tenant;
  if (other && !await ask("This link leads to another school",
    `You are logged in to ${session.tenant}. The link is for ${tenant}.`, `Go to ${tenant}`, `Stay with ${session.tenant}`)) {
    proceed();
    return;
  }
  session.begin(token);
}

/** Says why the link does not log in. Whoever is logged in stays so. */
async function refuse(reason) {
  if (!session.token) {
    showLogin(reason);
    return;
  }
  proceed();
  await tell("The link was not taken", `${reason} You are still logged in to ${session.tenant}.`);
}

function proceed() {
  if (!session.begun) session.resume();
  announce(`Logged in to ${session.tenant}`);
}
