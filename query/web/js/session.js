// Who is logged in: the token, kept in this tab only.

const TOKEN = "chalkline.token";
const REASON = "chalkline.reason";

class Session extends EventTarget {
  get token() {
    return sessionStorage.getItem(TOKEN);
  }

  /** The tenant that the token names; `ct_<tenant>_<id>_<secret>`. */
  get tenant() {
    return this.token?.split("_")[1] ?? "";
  }

  /** Why the last session ended; told once. */
  takeReason() {
    const reason = sessionStorage.getItem(REASON);
    sessionStorage.removeItem(REASON);
    return reason;
  }

  /** Begins a session. In the place of another one the page is loaded anew: nothing of that one stays. */
  begin(token) {
    const replaces = this.begun;
    sessionStorage.setItem(TOKEN, token);
    if (replaces) location.reload();
    else this.resume();
  }

  /** Goes on with the token that this tab holds. */
  resume() {
    this.begun = true;
    this.dispatchEvent(new Event("begin"));
  }

  /** Ends it; `reason` is what the login says about it. What was shown goes with the document. */
  end(reason) {
    sessionStorage.clear();
    if (reason) sessionStorage.setItem(REASON, reason);
    location.reload();
  }
}

export const session = new Session();
