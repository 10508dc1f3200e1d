// The query service over HTTP, with the session's token.

import { session } from "./session.js";

/** An answer that is an error: `application/problem+json`. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The service answered ${status}.`);
    this.status = status;
    this.code = body.code;
    this.traceId = body.trace_id;
    this.parts = (body.errors ?? []).map((part) => part.detail);
  }
}

/** No answer at all. */
export class Offline extends Error {
  constructor() {
    super("Chalkline does not answer. It may be stopped, or the network is away.");
  }
}

async function request(path, { accept = "application/json", body, signal, token = session.token } = {}) {
  const headers = { Accept: accept };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, cache: "no-store", credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Offline();
  }
  if (response.ok) return response;
  const problem = new Problem(response.status, await response.json().catch(() => ({})));
  // Another login may have begun since.
  if (response.status === 401 && token && session.token === token) session.end(problem.message);
  throw problem;
}

const TEXT_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON in which integers beyond 2^53 are text with all their digits, not rounded numbers. */
function parse(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text.replace(TEXT_OR_NUMBER, (part) => {
    const isRounded = /^-?\d{16,}$/.test(part) && !Number.isSafeInteger(Number(part));
    return isRounded ? `"${part}"` : part;
  }));
}

const json = async (path, options) => parse(await (await request(path, options)).text());

/** Rows of a statement: `{columns, rows, data_as_of}`. */
export const sql = (text, params = [], signal = undefined) =>
  json("/v1/sql", { body: { sql: text, params }, signal });

/** The response to a statement, as CSV. */
export const csv = (text) => request("/v1/sql", { accept: "text/csv", body: { sql: text, params: [] } });

export const tables = async (signal) => (await json("/v1/tables", { signal })).tables;

/** Fails when the service does not take this token. */
export const check = (token) => request("/v1/tables", { token });

/** Whom the service takes the token's holder for: `{role, minimum_cell, …}`. */
export const holder = () => json("/v1/session");

/** What the code of a link stands for: `{token, tenant, role}`. Never twice. */
export const exchange = (code) => json("/v1/session", { body: { code }, token: null });

/** What reports there are and how fresh. */
export const reports = async (signal) => (await json("/v1/reports", { signal })).reports;

/** One page of a report; null filters ask for rows without a value. */
export function report(name, filters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [column, value] of Object.entries(filters)) {
    if (value !== undefined) query.append(column, value ?? "");
  }
  return json(`/v1/reports/${name}?${query}`, { signal });
}

/** A report to its end. */
export async function wholeReport(name, filters, signal) {
  const all = await report(name, { ...filters, limit: 10000 }, signal);
  let cursor = all.next_cursor;
  while (cursor) {
    const page = await report(name, { ...filters, limit: 10000, cursor }, signal);
    all.rows.push(...page.rows);
    cursor = page.next_cursor;
  }
  return all;
}
