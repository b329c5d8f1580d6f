import { describe, expect, it, vi } from 'vitest';
import { h, ref } from 'vue';
import CountDown from '@/components/CountDown.vue';
import DataState from '@/components/DataState.vue';
import DataTable from '@/components/DataTable.vue';
import EntityRef from '@/components/EntityRef.vue';
import EvidenceTable from '@/components/EvidenceTable.vue';
import TimeLine from '@/components/TimeLine.vue';
import TimeText from '@/components/TimeText.vue';
import { useResource } from '@/lib/resource';
import { Problem } from '@/api/problem';
import { safeNext, guard } from '@/router';
import { show } from './mounting';

const loadable = (state: Partial<{ loading: boolean; error: unknown; loadedAt: string | null; bare: boolean }> = {}) => {
  const load = vi.fn(async () => undefined);
  return { loading: ref(state.loading ?? false), error: ref(state.error ?? null), loadedAt: ref(state.loadedAt ?? null), bare: ref(state.bare ?? false), load };
};
const broken = new Problem(503, { code: 'unavailable', advice: { zh: '', en: 'Wait a little' } });

describe('every view', () => {
  it('shows loading, failure with a way to retry, emptiness and content', async () => {
    expect(show(DataState, { of: loadable({ loading: true }) }).find('[role="status"]').exists()).toBe(true);
    const of = loadable({ error: broken });
    const failed = show(DataState, { of });
    expect(failed.find('[role="alert"]').text()).toContain('Wait a little');
    await failed.find('button').trigger('click');
    expect(of.load).toHaveBeenCalledOnce();
    expect(show(DataState, { of: loadable({ bare: true }), emptyText: 'Nothing' }).text()).toContain('Nothing');
    expect(show(DataState, { empty: true, emptyText: 'Nothing' }).text()).toContain('Nothing');
    expect(show(DataState, { of: loadable() }, 'en', { default: () => 'The rows' }).text()).toBe('The rows');
  });
  it('keeps what it had when a later attempt fails, and says of when it is', async () => {
    const of = loadable({ error: broken, loadedAt: '2026-07-22T01:02:03Z' });
    const old = show(DataState, { of }, 'en', { default: () => 'The rows' });
    expect(old.text()).toContain('The rows');
    expect(old.get('[data-testid="stale"] time').attributes('datetime')).toBe('2026-07-22T01:02:03Z');
    await old.get('[data-testid="stale"] button').trigger('click');
    expect(of.load).toHaveBeenCalledWith(true);
  });
});

describe('what is fetched', () => {
  it('stays in sight while a quiet attempt fails, and a late answer to an old question is dropped', async () => {
    const answers: ((value: string) => void)[] = [];
    let fail = false;
    const found = useResource(() => (fail ? Promise.reject(broken) : new Promise<string>((resolve) => answers.push(resolve))));
    const first = found.load();
    expect(found.loading.value).toBe(true);
    const second = found.load();
    answers[1]('new');
    answers[0]('old');
    await Promise.all([first, second]);
    expect(found.data.value).toBe('new');
    fail = true;
    await found.load(true);
    expect([found.data.value, found.error.value, found.loading.value]).toEqual(['new', broken, false]);
    expect(found.loadedAt.value).not.toBeNull();
  });
});

describe('a table', () => {
  it('names each cell by its column, for narrow screens, and leaves absent columns out', () => {
    const table = show(DataTable, { caption: 'Cases', heads: ['Number', false, { right: 'Alerts' }, { silent: 'Delete' }] }, 'en', { default: () => h('tr', [h('td', '1'), h('td', '2'), h('td', '3')]) });
    expect(table.findAll('th').map((head) => head.text())).toEqual(['Number', 'Alerts', 'Delete']);
    expect(table.findAll('td').map((cell) => cell.attributes('data-label'))).toEqual(['Number', 'Alerts', undefined]);
    expect(table.find('th.right').text()).toBe('Alerts');
    expect(table.find('caption').text()).toBe('Cases');
  });
});

describe('evidence', () => {
  it('puts value and threshold side by side and says how far over', () => {
    const table = show(EvidenceTable, {
      items: [
        { feature: 'callees', title: { zh: '被叫', en: 'Callees' }, value: 325, threshold: 60, unit: 'count' },
        { feature: 'answered', title: { zh: '接通率', en: 'Answered' }, value: 0.15, threshold: 0, unit: 'ratio' },
      ],
    });
    const [first, second] = table.findAll('tbody tr').map((row) => row.text());
    expect(first).toContain('325');
    expect(first).toContain('5.4 times the threshold');
    expect(second).toContain('no threshold');
    expect(table.findAll('.mark')).toHaveLength(1);
  });
});

describe('deadlines and times', () => {
  it('say late in words', () => {
    expect(show(CountDown, { at: new Date(Date.now() - 95 * 60000 - 500).toISOString() }).text()).toBe('1 h 35 min overdue');
    expect(show(CountDown, { at: new Date(Date.now() + 95 * 60000 + 500).toISOString() }, 'zh').text()).toBe('还剩 1 小时 35 分');
    expect(show(CountDown, { at: null }).text()).toBe('No deadline');
  });
  it('tell UTC on hover', () => {
    expect(show(TimeText, { at: '2026-07-22T01:02:03Z' }).attributes('title')).toBe('2026-07-22 01:02:03 UTC');
  });
});

describe('the history of a case', () => {
  it('says what came of an appeal in the reader’s language', () => {
    const entries = [{ at: '2026-07-22T01:02:03Z', by: 'li.na', action: 'lift', title: { zh: '解除', en: 'Lifted' }, from: 'ordered', to: 'ordered', note: 'P-1 M-1\noutcome: upheld\nreason: a repair shop' }];
    expect(show(TimeLine, { entries, states: [] }, 'zh').text()).toContain('结论 已支持');
    const told = show(TimeLine, { entries, states: [] }).text();
    expect(told).toContain('Outcome Upheld');
    expect(told).toContain('Reason a repair shop');
  });
});

describe('who an alert is about', () => {
  it('is never cut: a number stands whole, what is longer goes on in a second line', () => {
    const entity = (value: string) => show(EntityRef, { entity: { kind: 'number', value, token: '', note: '' } }).get('.value');
    expect(entity('+86162******26').classes()).not.toContain('long');
    expect(entity('10.0.1.11>198.18.0.13:443/tcp').classes()).toContain('long');
  });
});

describe('doors', () => {
  it('return only to a page of this console', () => {
    expect(safeNext('/cases/C-1?x=1')).toBe('/cases/C-1?x=1');
    for (const bad of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:1', undefined, ['/a']]) expect(safeNext(bad)).toBe('/');
  });
  it('ask for a sign-in, then a password, then a role', () => {
    const to = (name: string, meta: object = {}) => ({ name, meta, fullPath: `/${name}`, path: `/${name}`, query: {} }) as never;
    const session = (signedIn: boolean, mustChangePassword: boolean, roles: string[]) => ({ signedIn, mustChangePassword, is: (...any: string[]) => any.some((role) => roles.includes(role)) }) as never;
    expect(guard(session(false, false, []), to('alerts'))).toEqual({ name: 'sign-in', query: { next: '/alerts' } });
    expect(guard(session(true, true, ['admin']), to('alerts'))).toMatchObject({ name: 'password' });
    expect(guard(session(true, false, ['viewer']), to('users', { roles: ['admin'] }))).toMatchObject({ name: 'not-found' });
    expect(guard(session(true, false, ['admin']), to('users', { roles: ['admin'] }))).toBe(true);
    expect(guard(session(true, false, ['admin']), to('sign-in', { open: true }))).toBe('/');
  });
});
