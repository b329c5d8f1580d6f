import { nextTick } from 'vue';
import { flushPromises } from '@vue/test-utils';
import { describe, expect, it, vi } from 'vitest';
import type { ActionField, Case, CaseAction, Ground, MeasureKind } from '@/api/types';
import ActionForm from '@/components/ActionForm.vue';
import NextAction from '@/components/NextAction.vue';
import { missing, roleOf, toSend } from '@/lib/actions';
import { casePath, donePath } from '@/lib/path';
import { show } from './mounting';
import { momentText, noteLines } from '@/lib/notes';
import { useSession } from '@/stores/session';

const T = (text: string) => ({ zh: `中${text}`, en: text });
const field = (name: string, type: ActionField['type'], required = true, choices?: string[]): ActionField => ({ name, title: T(name), type, required, ...(choices ? { choices: choices.map((value) => ({ value, title: T(value) })) } : {}) });
const grounds: Ground[] = [
  { id: 'g1', law: T('Law'), article: 'art. 1', text: T('Words of the law'), measures: ['warn'], vault: false, unverified: true },
  { id: 'g2', law: T('Law'), article: 'art. 2', text: T('Other words'), measures: ['limit'], vault: true, unverified: false },
];
const kinds: MeasureKind[] = [{ id: 'warn', title: T('Warn'), rank: 1, approver: null }];
const propose: CaseAction = {
  id: 'propose_measure',
  title: T('Propose'),
  to: 'measure_proposed',
  needs_role: 'analyst',
  needs_second_person: false,
  allowed: true,
  fields: [field('kind', 'choice', true, ['warn', 'limit']), field('ground', 'choice', true, ['g1', 'g2']), field('scope', 'text'), field('expires_at', 'datetime'), field('notice', 'text', false)],
};

describe('fields', () => {
  it('get the control their meaning asks for', () => {
    expect(propose.fields.map(roleOf)).toEqual(['measure', 'ground', 'plain', 'expiry', 'long']);
  });
  it('are checked for what is required, and sent trimmed, in UTC, without what is empty', () => {
    expect(missing(propose.fields, { kind: 'warn', scope: '  ' })).toEqual(['ground', 'scope', 'expires_at']);
    const local = new Date(2026, 6, 22, 8, 30);
    expect(toSend(propose.fields, { kind: 'warn', scope: ' all ', expires_at: '2026-07-22T08:30', notice: '' })).toEqual({ kind: 'warn', scope: 'all', expires_at: local.toISOString().replace('.000', '') });
  });
});

describe('form', () => {
  const open = (action = propose) => show(ActionForm, { action, grounds, kinds });

  it('labels every field and marks the required ones', () => {
    const form = open();
    for (const item of propose.fields) {
      const label = form.findAll('label').find((node) => node.text().startsWith(item.title.en));
      expect(form.find(`[id="${label!.attributes('for')}"]`).exists()).toBe(true);
      expect(label!.text().includes('*')).toBe(item.required);
    }
  });

  it('offers only the grounds that allow the chosen measure, and shows the law', async () => {
    const form = open();
    const [kind, ground] = form.findAll('select');
    const offered = () => ground.findAll('option').map((option) => option.attributes('value')).filter(Boolean);
    expect(offered()).toEqual(['g1', 'g2']);
    await ground.setValue('g1');
    expect(form.find('blockquote').text()).toContain('Words of the law');
    expect(form.find('blockquote').text()).toContain('article unverified');
    await kind.setValue('limit');
    expect(offered()).toEqual(['g2']);
    expect(form.find('blockquote').exists()).toBe(false);
  });

  it('does not send while something required is missing, and says where', async () => {
    const form = open();
    await form.trigger('submit');
    expect(form.emitted('submit')).toBeUndefined();
    expect(form.findAll('[aria-invalid="true"]').length).toBe(4);
    expect(document.activeElement).toBe(form.findAll('select')[0].element);
  });

  it('sends fields and note', async () => {
    const form = open();
    const [kind, ground] = form.findAll('select');
    await kind.setValue('limit');
    await ground.setValue('g2');
    await form.find('input:not([type])').setValue('outgoing only');
    await form.findAll('button').find((button) => button.text() === 'In 1 d')!.trigger('click');
    await form.findAll('textarea').at(-1)!.setValue(' seen ');
    await form.trigger('submit');
    const [sent] = form.emitted('submit')![0] as [{ fields: Record<string, string>; note: string }];
    expect(sent.fields).toMatchObject({ kind: 'limit', ground: 'g2', scope: 'outgoing only' });
    expect(Date.parse(sent.fields.expires_at)).toBeGreaterThan(Date.now() + 23 * 3600000);
    expect(sent.note).toBe('seen');
  });

  it('tells the second-person rule where it holds, in the reader’s language', () => {
    const form = show(ActionForm, { action: { ...propose, fields: [], needs_second_person: true }, grounds, kinds }, 'zh');
    expect(form.text()).toContain('须由另一人办理');
  });
});

describe('next step', () => {
  const barred: CaseAction = { ...propose, id: 'approve', title: T('Approve'), fields: [], needs_role: 'approver', needs_second_person: true, allowed: false, why_not: T('You proposed it yourself') };
  const item = (actions: CaseAction[], more: object = {}) => ({ id: 'C-1', version: 3, state: 'confirmed', actions, measures: [], due_at: null, ...more }) as unknown as Case;
  const asRole = async (role: string) => {
    useSession().user = { id: 'u', username: 'wang.jian', display_name: 'Wang', roles: [role as never], must_change_password: false };
    await nextTick();
  };

  it('says who must act and why not the reader', async () => {
    const panel = show(NextAction, { item: item([barred]) });
    await asRole('approver');
    expect(panel.text()).toContain('Who must act: Approver (another person)');
    expect(panel.text()).toContain('You proposed it yourself');
    expect(panel.find('form').exists()).toBe(false);
  });

  it('says which role it waits for, and by when, to whoever has another', async () => {
    const senior: CaseAction = { ...barred, needs_role: 'senior_approver', why_not: T('Not yours') };
    const refuse: CaseAction = { ...barred, id: 'refuse', title: T('Refuse'), allowed: true, why_not: undefined, needs_role: 'senior_approver' };
    const hours = (n: number) => new Date(Date.now() + n * 3600000 + 500).toISOString();
    const panel = show(NextAction, { item: item([senior, refuse], { due_at: hours(120), measures: [{ lapse_at: hours(24) }, { lapse_at: null }] }) });
    await asRole('approver');
    expect(panel.get('header').text()).toContain('Who must act: Senior approver (another person) · due: 1 d');
    expect(panel.get('[data-barred="approve"]').text()).toContain('Needs the role: Senior approver');
    expect(panel.find('[data-action="approve"]').exists()).toBe(false);
    expect(panel.find('[data-action="refuse"]').exists()).toBe(true);
  });

  it('names each role once, however many steps wait for it', async () => {
    const order: CaseAction = { ...propose, id: 'order', needs_role: 'analyst,approver,senior_approver', allowed: true };
    const lift: CaseAction = { ...order, id: 'lift', needs_role: 'approver,senior_approver' };
    const panel = show(NextAction, { item: item([order, lift, { ...order, id: 'note', needs_role: 'analyst' }]) }, 'zh');
    await nextTick();
    expect(panel.get('header').text()).toContain('由谁办理： 分析员或审批人或高级审批人');
    expect(panel.get('header').text().match(/分析员/g)).toHaveLength(1);
  });

  it('opens the only allowed action at once', () => {
    const panel = show(NextAction, { item: item([propose, barred]) });
    expect(panel.find('form').attributes('aria-label')).toBe('Propose');
  });

  it('sends the version it saw, and asks for the newest case on a conflict', async () => {
    const simple = { ...propose, id: 'order', title: T('Order'), fields: [] };
    const bodies: unknown[] = [];
    vi.stubGlobal('fetch', vi.fn(async (url: string, init: RequestInit) => {
      if (init.method !== 'POST') return new Response('{"items":[]}');
      bodies.push([url, JSON.parse(String(init.body))]);
      return new Response(JSON.stringify({ code: 'conflict', advice: T('reload') }), { status: 409 });
    }));
    const panel = show(NextAction, { item: item([simple]) });
    await panel.find('form').trigger('submit');
    await flushPromises();
    expect(bodies).toEqual([['/api/v1/cases/C-1/actions/order', { version: 3, fields: {} }]]);
    expect(panel.emitted('stale')).toHaveLength(1);
    expect(panel.find('[role="alert"]').text()).toContain('Somebody else changed this first');
  });
});

describe('the note of a step', () => {
  const fields = new Set(['kind', 'reason', 'expires_at']);
  it('is read field by field, and keeps free words whole', () => {
    expect(noteLines('kind: suspend\nreason: see\nhttps: no field', fields)).toEqual([
      { field: 'kind', value: 'suspend' },
      { field: 'reason', value: 'see' },
      { field: '', value: 'https: no field' },
    ]);
    expect(noteLines('First line\nsecond', fields)).toEqual([{ field: '', value: 'First line\nsecond' }]);
  });
  it('shows moments as times of the reader, and everything else as it is', () => {
    expect(momentText('2026-07-22T01:02:03Z')).not.toContain('Z');
    expect(momentText('2026')).toBe('2026');
  });
});

describe('the way of a case', () => {
  const ids = ['found', 'confirmed', 'measure_proposed', 'approved', 'ordered', 'acknowledged', 'verified', 'appealed', 'lifted', 'closed', 'dismissed'];
  const states = ids.map((id) => ({ id, title: T(id), kind: ['closed', 'dismissed'].includes(id) ? ('done' as const) : ('open' as const) }));
  // In the order the API lists them: by name, not by the way.
  const edges = [
    { from: ['ordered'], to: 'acknowledged' },
    { from: ['approved', 'ordered', 'acknowledged', 'verified'], to: 'appealed' },
    { from: ['measure_proposed'], to: 'approved' },
    { from: ['verified', 'lifted'], to: 'closed' },
    { from: ['found'], to: 'confirmed' },
    { from: ['found', 'confirmed'], to: 'dismissed' },
    { from: ['approved', 'ordered', 'acknowledged', 'verified'], to: 'lifted' },
    { from: ['approved'], to: 'ordered' },
    { from: ['confirmed'], to: 'measure_proposed' },
    { from: ['measure_proposed'], to: 'confirmed' },
    { from: ['appealed'], to: '@previous' },
    { from: ['closed', 'dismissed', 'verified'], to: 'found' },
    { from: ['appealed'], to: 'lifted' },
    { from: ['acknowledged'], to: 'verified' },
  ];
  const past = (...to: string[]) => to.map((state) => ({ at: '', by: 'li.na', action: '', title: T(''), from: '', to: state, note: '' }));
  const names = (current: string, ...to: string[]) => casePath(states, edges, past(...to), current).map((step) => `${step.phase[0]}:${step.id}`);
  const main = ids.slice(0, 7);

  it('leads along the main way, not into its branches', () => {
    expect(names('found', 'found')).toEqual(['n:found', ...main.slice(1).map((id) => `n:${id}`), 'n:closed']);
    expect(casePath(states, edges, past('found'), 'found').map((step) => step.phase)).toEqual(['now', ...Array(7).fill('next')]);
  });
  it('goes back when a measure was refused', () => {
    expect(donePath(past('found', 'confirmed', 'measure_proposed', 'confirmed'), 'confirmed')).toEqual(['found']);
  });
  it('shows a branch once it is taken', () => {
    expect(names('appealed', 'found', 'confirmed', 'measure_proposed', 'approved', 'appealed')).toEqual(['d:found', 'd:confirmed', 'd:measure_proposed', 'd:approved', 'n:appealed', 'n:lifted', 'n:closed']);
    expect(names('dismissed', 'found', 'dismissed')).toEqual(['d:found', 'n:dismissed']);
  });
  it('falls back to the order of the states when the workflow is not known', () => {
    expect(casePath(states.slice(0, 3), [], past('found'), 'found').map((step) => step.id)).toEqual(['found', 'confirmed', 'measure_proposed']);
  });
});
