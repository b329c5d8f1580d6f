// Chinese and English. `zh` is the shape; `en` must have the same keys (checked by the compiler and by a test).
import { createI18n } from 'vue-i18n';
import type { Locale } from '@/lib/format';
import en from './en';
import zh from './zh';

export const i18n = createI18n({
  legacy: false,
  locale: 'zh',
  fallbackLocale: 'en',
  messages: { zh, en },
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
});

export function setLocale(locale: Locale) {
  i18n.global.locale.value = locale;
}
