import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import CardBatches from '@/components/CardBatches.vue';
import { show } from './mounting';

const card = { id: 'C-1', seq: 1, case_id: 'K-1', case_number: 'PD-2026-000001', state: 'proposed', name: 'cards.csv', kind: 'suspend', title: { zh: '停机', en: 'Suspend' }, groups: {}, counts: {}, members: 3, approvals: [], may_propose: false, may_approve: false, may_refuse: true, why_not: { zh: '', en: 'only a senior approver' }, lapse_at: '2026-11-23T00:00:00Z' };
vi.mock('@/api/endpoints', () => ({
  api: {
    cardBatches: async () => ({ items: [card], next: null }),
    cardBatch: async () => card,
    measureKinds: async () => ({ items: [] }),
    grounds: async () => ({ items: [] }),
  },
}));

describe('a list of cards that only a senior approver may approve', () => {
  beforeEach(() => {
    document.body.innerHTML = '';
    HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
      this.open = true;
    };
    HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
      this.open = false;
    };
  });
  it('may be refused by a plain one', async () => {
    const page = show(CardBatches);
    await flushPromises();
    await page.get('button.linklike').trigger('click');
    await flushPromises();
    const buttons = [...document.querySelectorAll<HTMLButtonElement>('button')];
    const approve = buttons.find((button) => button.classList.contains('primary'));
    const refuse = buttons.find((button) => button.classList.contains('danger'));
    expect([approve?.disabled, refuse?.disabled]).toEqual([true, false]);
    refuse?.click();
    await flushPromises();
    expect(document.querySelector('textarea')).not.toBeNull(); // asks why
  });
});
