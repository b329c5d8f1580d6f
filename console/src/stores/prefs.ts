// Language and theme: kept in this browser, by default what the browser asks for. public/boot.js applies the same rules early.
import { defineStore } from 'pinia';
import { computed, ref, watch } from 'vue';
import { setLocale } from '@/i18n';
import type { Locale } from '@/lib/format';

export type Theme = 'auto' | 'light' | 'dark';
const KEY = 'pandun.prefs';

function saved(): { locale?: Locale; theme?: Theme } {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as { locale?: Locale; theme?: Theme };
  } catch {
    return {};
  }
}

export function browserLocale(language = navigator.language): Locale {
  return /^zh/i.test(language ?? '') ? 'zh' : 'en';
}

export const usePrefs = defineStore('prefs', () => {
  const first = saved();
  const locale = ref<Locale>(first.locale === 'zh' || first.locale === 'en' ? first.locale : browserLocale());
  const theme = ref<Theme>(first.theme === 'light' || first.theme === 'dark' ? first.theme : 'auto');
  const system = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;
  const systemDark = ref(system?.matches ?? false);
  system?.addEventListener?.('change', (event) => (systemDark.value = event.matches));
  const dark = computed(() => theme.value === 'dark' || (theme.value === 'auto' && systemDark.value));

  watch(
    [locale, theme, dark],
    () => {
      setLocale(locale.value);
      document.documentElement.lang = locale.value === 'zh' ? 'zh-CN' : 'en';
      document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
    },
    { immediate: true },
  );

  function save() {
    try {
      localStorage.setItem(KEY, JSON.stringify({ locale: locale.value, theme: theme.value }));
    } catch {
      // Storage may be switched off: the choice then lasts as long as the page.
    }
  }
  function chooseLocale(value: Locale) {
    locale.value = value;
    save();
  }
  function chooseTheme(value: Theme) {
    theme.value = value;
    save();
  }

  return { locale, theme, dark, chooseLocale, chooseTheme };
});
