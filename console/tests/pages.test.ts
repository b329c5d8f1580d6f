import { describe, expect, it } from 'vitest';
import CountDown from '@/components/CountDown.vue';
import DataState from '@/components/DataState.vue';
import EvidenceTable from '@/components/EvidenceTable.vue';
import TimeText from '@/components/TimeText.vue';
import { Problem } from '@/api/problem';
import { safeNext, guard } from '@/router';
import { show } from './mounting';

describe('every view', () => {
  it('shows loading, failure with a way to retry, emptiness and content', async () => {
    expect(show(DataState, { loading: true }).find('[role="status"]').exists()).toBe(true);
    const failed = show(DataState, { error: new Problem(503, { code: 'unavailable', advice: { zh: '', en: 'Wait a little' } }) });
    expect(failed.find('[role="alert"]').text()).toContain('Wait a little');
    await failed.find('button').trigger('click');
    expect(failed.emitted('retry')).toHaveLength(1);
    expect(show(DataState, { empty: true, emptyText: 'Nothing' }).text()).toContain('Nothing');
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
