// The form of a proposal for several numbers: the same fields as a proposal for one, sent in one piece.
import type { CaseAction, Case } from '@/api/types';

const text = (name: string, zh: string, en: string, required = true) => ({ name, title: { zh, en }, type: 'text' as const, required });

// Where the case's own step offers its choices, they are used; categories have no list of their own elsewhere.
export function batchAction(item: Case | null): CaseAction {
  const own = item?.actions.find((action) => action.id === 'propose_measure');
  const category = own?.fields.find((field) => field.name === 'category')?.choices ?? CATEGORIES.map((value) => ({ value, title: { zh: CATEGORY_ZH[value], en: CATEGORY_EN[value] } }));
  return {
    id: 'propose_batch',
    title: { zh: '对所选号码提出', en: 'Propose for the chosen numbers' },
    to: '',
    needs_role: 'analyst',
    needs_second_person: false,
    allowed: true,
    fields: [
      { name: 'kind', title: { zh: '措施', en: 'Measure' }, type: 'choice', required: true },
      { name: 'category', title: { zh: '处置类别', en: 'Category' }, type: 'choice', required: true, choices: category },
      { name: 'ground', title: { zh: '法律依据', en: 'Legal ground' }, type: 'choice', required: true },
      text('scope', '范围', 'Scope'),
      text('reason', '理由与必要性', 'Reason and proportionality'),
      { name: 'expires_at', title: { zh: '到期时间', en: 'Expires at' }, type: 'datetime', required: true },
      text('notice', '告知内容', 'Notice to the affected party', false),
      text('appeal_channel', '申诉渠道', 'Appeal channel', false),
      text('skip_reason', '未采用更轻措施的理由', 'Why no smaller measure will do', false),
    ],
  };
}

const CATEGORIES = ['fraud', 'false_registration'] as const;
const CATEGORY_ZH: Record<string, string> = { fraud: '电信网络诈骗', false_registration: '登记信息虚假或失效' };
const CATEGORY_EN: Record<string, string> = { fraud: 'Fraud', false_registration: 'False or stale registration' };

// "member 2 (ring)": how the number is known, by which detectors.
export function basisParts(basis: string): { role: string; alerts: number; detectors: string[] } | null {
  const found = /^(subject|member) (\d+) \(([^)]*)\)$/.exec(basis);
  return found ? { role: found[1], alerts: Number(found[2]), detectors: found[3].split(', ') } : null;
}
