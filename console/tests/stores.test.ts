import { createPinia, setActivePinia } from 'pinia';
import { nextTick } from 'vue';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { send, setCsrfToken, setLostSessionHandler } from '@/api/http';
import { asProblem, Problem } from '@/api/problem';
import type { AlertSummary, LiveStats } from '@/api/types';
import { i18n } from '@/i18n';
import { KEEP_SECONDS, useLive } from '@/stores/live';
import { browserLocale, usePrefs } from '@/stores/prefs';
import { useSession } from '@/stores/session';

function answer(status: number, body?: unknown, headers: Record<string, string> = {}) {
  const fetcher = vi.fn(async (_url: string, _init: RequestInit) => new Response(status === 204 ? null : JSON.stringify(body ?? {}), { status, headers }));
  vi.stubGlobal('fetch', fetcher);
  return fetcher;
}
const user = (roles: string[], must = false) => ({ id: 'u', username: 'li.na', display_name: 'Li Na', roles, must_change_password: must });
const session = (roles: string[], must = false) => ({ user: user(roles, must), csrf_token: 'c1', expires_at: '2026-07-22T00:00:00Z' });

beforeEach(() => {
  setActivePinia(createPinia());
  setCsrfToken('');
  setLostSessionHandler(() => {});
});

describe('session', () => {
  it('keeps who signed in and sends the CSRF token with changes only', async () => {
    answer(200, session(['analyst'], true));
    const store = useSession();
    await store.signIn('li.na', 'x');
    expect(store.signedIn).toBe(true);
    expect(store.mustChangePassword).toBe(true);
    expect(store.is('approver', 'analyst')).toBe(true);
    expect(store.is('admin')).toBe(false);

    const fetcher = answer(200, {});
    await send('GET', '/api/v1/overview');
    await send('POST', '/api/v1/cases', { body: {} });
    const headers = fetcher.mock.calls.map((call) => call[1].headers as Record<string, string>);
    expect(headers[0]['X-CSRF-Token']).toBeUndefined();
    expect(headers[1]['X-CSRF-Token']).toBe('c1');
  });

  it('takes 401 for signed out, and an outage for neither', async () => {
    answer(401, { code: 'unauthenticated' });
    const store = useSession();
    await store.restore();
    expect(store.known).toBe(true);
    expect(store.signedIn).toBe(false);

    setActivePinia(createPinia());
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('down')));
    const other = useSession();
    await expect(other.restore()).rejects.toMatchObject({ code: 'offline' });
    expect(other.known).toBe(false);
  });

  it('tells once that a session was lost, and not when signing in fails', async () => {
    const lost = vi.fn();
    setLostSessionHandler(lost);
    answer(401, { code: 'unauthenticated' });
    await expect(useSession().signIn('a', 'b')).rejects.toBeInstanceOf(Problem);
    expect(lost).not.toHaveBeenCalled();
    await expect(send('GET', '/api/v1/overview')).rejects.toBeInstanceOf(Problem);
    expect(lost).toHaveBeenCalledTimes(1);
  });

  it('is signed out even when the server does not answer the sign-out', async () => {
    answer(200, session(['viewer']));
    const store = useSession();
    await store.signIn('li.na', 'x');
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('down')));
    await expect(store.signOut()).rejects.toBeInstanceOf(Problem);
    expect(store.signedIn).toBe(false);
  });
});

describe('problems', () => {
  it('carry code, advice, faults and how long to wait', async () => {
    answer(429, { code: 'rate_limited', detail: 'too many', advice: { zh: '稍候', en: 'wait' }, errors: [{ where: '/a', message: 'b' }] }, { 'Retry-After': '30' });
    const problem = await send('GET', '/x').catch(asProblem);
    expect(problem).toMatchObject({ status: 429, code: 'rate_limited', retryAfter: 30, advice: { en: 'wait' }, faults: [{ where: '/a', message: 'b' }] });
  });
  it('survive an answer that is not JSON', async () => {
    vi.stubGlobal('fetch', vi.fn(async () => new Response('<html>', { status: 502 })));
    expect(await send('GET', '/x').catch(asProblem)).toMatchObject({ status: 502, code: '' });
  });
});

describe('preferences', () => {
  it('follow the browser until chosen, then last', async () => {
    expect(browserLocale('zh-Hans-CN')).toBe('zh');
    expect(browserLocale('fr')).toBe('en');
    const prefs = usePrefs();
    prefs.chooseLocale('zh');
    prefs.chooseTheme('dark');
    await nextTick();
    expect(document.documentElement.lang).toBe('zh-CN');
    expect(document.documentElement.dataset.theme).toBe('dark');
    expect(i18n.global.locale.value).toBe('zh');
    setActivePinia(createPinia());
    const again = usePrefs();
    expect([again.locale, again.theme]).toEqual(['zh', 'dark']);
  });
  it('shrug off what somebody else left in storage', () => {
    localStorage.setItem('pandun.prefs', '{"locale":"xx","theme":3');
    expect(usePrefs().theme).toBe('auto');
    setActivePinia(createPinia());
    localStorage.setItem('pandun.prefs', '{"locale":"xx","theme":"pink"}');
    expect(['zh', 'en']).toContain(usePrefs().locale);
    expect(usePrefs().theme).toBe('auto');
  });
});

describe('live', () => {
  const stats = (second: number, rate: number): LiveStats => ({ at: new Date(Date.UTC(2026, 6, 22) + second * 1000).toISOString(), events_per_s: rate, events_total: 1, alerts_open: 2, watermark: null, lag_events: 0, by_kind: {} });
  const alert = (id: string, seq: number) => ({ id, seq }) as AlertSummary;
  const take = (event: string, data: unknown) => useLive().take({ event, id: '', data: JSON.stringify(data) });

  it('keeps five minutes of figures and counts the alerts between them', () => {
    const live = useLive();
    for (let second = 0; second < KEEP_SECONDS + 60; second++) take('stats', stats(second, second));
    expect(live.points.length).toBe(KEEP_SECONDS);
    expect(live.points.at(-1)?.v).toBe(KEEP_SECONDS + 59);
    take('alert', alert('A-1', 1));
    take('alert', alert('A-2', 2));
    take('alert', alert('A-1', 1));
    take('stats', stats(KEEP_SECONDS + 60, 5));
    expect(live.points.at(-1)?.alerts).toBe(2);
  });
  it('holds an updated alert once, newest first', () => {
    take('alert', alert('A-1', 1));
    take('alert', alert('A-2', 2));
    take('alert', alert('A-1', 1));
    expect(useLive().alerts.map((item) => item.id)).toEqual(['A-1', 'A-2']);
  });
  it('is not upset by an event it cannot read', () => {
    useLive().take({ event: 'alert', id: '1', data: '{' });
    useLive().take({ event: 'weather', id: '2', data: '{}' });
    expect(useLive().alerts).toEqual([]);
  });
});
