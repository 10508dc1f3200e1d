// Who reads the page: what it says where there is nothing depends on them.

import { holder } from "./api.js";

/** Those who look after what is sent. */
const KEEPERS = ["steward", "district_admin", "service"];
/** Those who are not shown groups of few students, in all tables or in some. */
const IN_GROUPS = ["analyst", "school_admin", "teacher"];

function known({ role, minimum_cell: least }) {
  return {
    /** Whether they can do something about what is missing. */
    keeps: KEEPERS.includes(role),
    /** Whether they see students in groups alone. */
    grouped: role === "analyst",
    /** Why something may be there that is not shown. */
    hidden: IN_GROUPS.includes(role) && least > 1 ? `Groups of fewer than ${least} students can be left out.` : null,
  };
}

/** Of whom the service did not tell: nothing is said or offered that is not for everybody. */
const ANYBODY = { keeps: false, grouped: true, hidden: null };

let asked = null;

/** Whoever is logged in, asked for once; never fails. */
export function reader() {
  asked ??= holder().then(known).catch(() => {
    asked = null;
    return ANYBODY;
  });
  return asked;
}
