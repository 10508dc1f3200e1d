// Making CSV safe for spreadsheets.
//
// A spreadsheet takes a cell that begins with one of these for a formula, also
// one that a student typed. The API answers with what is there; a file that
// people open gets an apostrophe before such a cell. Numbers stay numbers.

const CELL = /"[^"]*(?:""[^"]*)*"|[^",\r\n]+/g;
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** Whole lines of CSV with an apostrophe before what would be a formula. */
export function guarded(lines) {
  return lines.replace(CELL, (cell) => {
    const quoted = cell[0] === '"';
    if (!FORMULA.test(quoted ? cell.slice(1) : cell) || NUMBER.test(cell)) return cell;
    return quoted ? `"'${cell.slice(1)}` : `'${cell}`;
  });
}

/** Where the last whole line ends: after a line break that stands in no cell. */
function endOfLines(text) {
  let within = false;
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') within = !within;
    else if (letter === "\n" && !within) end = at + 1;
  }
  return end;
}

/** A response of CSV as a file for spreadsheets, however long: it is never one text. */
export async function guardedFile(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  // The mark tells spreadsheets that the text is UTF-8.
  const parts = ["\ufeff"];
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const end = done ? rest.length : endOfLines(rest);
    parts.push(new Blob([guarded(rest.slice(0, end))]));
    rest = rest.slice(end);
    if (done) return new Blob(parts, { type: "text/csv" });
  }
}
