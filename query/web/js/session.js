// Who is logged in: the token, kept in this tab only.

const KEY = "chalkline.token";

class Session extends EventTarget {
  get token() {
    return sessionStorage.getItem(KEY);
  }

  /** The tenant that the token names; `ct_<tenant>_<id>_<secret>`. */
  get tenant() {
    return this.token?.split("_")[1] ?? "";
  }

  /**
   * Takes the token out of `#token=ct_…`. A fragment is never sent to a server,
   * and it leaves the address bar and this entry of the history at once.
   */
  adopt() {
    const found = /^#token=(.+)$/.exec(location.hash);
    if (!found) return false;
    history.replaceState(null, "", location.pathname + location.search);
    this.begin(decodeURIComponent(found[1]));
    return true;
  }

  begin(token) {
    sessionStorage.setItem(KEY, token.trim());
    this.dispatchEvent(new Event("begin"));
  }

  /** Ends it; `reason` is what the login says about it. */
  end(reason) {
    sessionStorage.removeItem(KEY);
    this.dispatchEvent(new CustomEvent("end", { detail: reason }));
  }
}

export const session = new Session();
