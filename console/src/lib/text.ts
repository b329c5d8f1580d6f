// What every component needs to speak: t(), the locale, bilingual texts, and formats bound to the locale.
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { asProblem } from '@/api/problem';
import * as format from './format';
import type { Locale, LocalText } from './format';

export function useText() {
  const { t, te, tm, locale } = useI18n();
  const lang = computed(() => locale.value as Locale);
  const pick = (text: LocalText | null | undefined) => format.pick(text, lang.value);
  const count = (value: number | null | undefined) => format.count(value, lang.value);
  const measure = (value: number | null | undefined) => format.measure(value, lang.value);
  const rate = (value: number | null | undefined) => format.rate(value, lang.value);
  const compact = (value: number | null | undefined) => format.compact(value, lang.value);
  const percent = (value: number | null | undefined) => format.percent(value, lang.value);
  const bytes = (value: number | null | undefined) => format.bytes(value, lang.value);
  const span = (seconds: number) => format.span(seconds, lang.value);
  const withUnit = (value: number, unit?: string | null) => format.withUnit(value, unit, lang.value);

  // A word from a closed list, or the word itself when the server knows one that we do not.
  const word = (group: string, value: string | null | undefined) => (value ? (te(`${group}.${value}`) ? t(`${group}.${value}`) : value) : '');

  // Why a measure ended: in the platform's own words, or a person's after them.
  const ending = (why: string) => {
    const [, said = why, rest = ''] = /^(appeal upheld): (.*)$/s.exec(why) ?? [];
    const key = `ended.${said.replace(/ /g, '_').replace(/-/g, '_')}`;
    return te(key) ? t(key, { reason: rest }) : why;
  };

  // Who did it: a person by name, a program by its token's name, the platform by its part.
  const actor = (name: string) => {
    if (name.startsWith('system:')) return t('actor_system', { part: word('system_part', name.slice(7)) });
    return name.startsWith('token:') ? t('actor_token', { name: name.slice(6) }) : name;
  };

  // The API names the roles that have a right, separated by commas.
  const roles = (names: string | null | undefined) =>
    (names ?? '').split(',').map((name) => name.trim()).filter(Boolean).map((name) => word('role', name)).join(t('list_or'));

  // "unicom · mobile": a number's few facts end with its kind; a carrier may stand before it. Names of places stay as they are.
  const facts = (note: string) => {
    const parts = note.split(' · ');
    return parts.map((part, index) => (index === parts.length - 1 ? word('number_kind', part) : word('carrier', part))).join(' · ');
  };

  function problem(cause: unknown): { text: string; advice: string; detail: string; faults: { where: string; message: string }[] } {
    const p = asProblem(cause);
    const known = p.code && te(`problem.${p.code}`) ? t(`problem.${p.code}`) : p.status ? t('problem.other', { status: p.status }) : t('problem.offline');
    const wait = p.retryAfter ? t('problem.retry_after', { seconds: p.retryAfter }) : '';
    return { text: wait ? `${known} ${wait}` : known, advice: pick(p.advice), detail: p.detail, faults: p.faults };
  }

  return { t, te, tm, lang, pick, count, measure, rate, compact, percent, bytes, span, withUnit, word, actor, ending, roles, facts, problem };
}
