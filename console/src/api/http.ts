// The one place that calls fetch for JSON. Adds the CSRF token, turns refusals into Problem, reports a lost session.
import { Problem } from './problem';

export type Query = Record<string, string | number | boolean | null | undefined>;

let csrfToken = '';
let onLostSession: () => void = () => {};

export function setCsrfToken(token: string) {
  csrfToken = token;
}

export function setLostSessionHandler(handler: () => void) {
  onLostSession = handler;
}

export function queryString(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await response.json()) as Record<string, unknown>;
  } catch {
    body = {};
  }
  const wait = Number(response.headers.get('Retry-After'));
  return new Problem(response.status, body, Number.isFinite(wait) && wait > 0 ? wait : null);
}

export async function send<T>(method: string, path: string, options: { query?: Query; body?: unknown; quiet?: boolean } = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrfToken) headers['X-CSRF-Token'] = csrfToken;

  let response: Response;
  try {
    response = await fetch(path + queryString(options.query), {
      method,
      headers,
      credentials: 'same-origin',
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    });
  } catch {
    throw new Problem(0, { code: 'offline' });
  }
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401 && !options.quiet) onLostSession();
    throw problem;
  }
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}
