// Mounts a component with language, store and router, as main.ts does.
import { mount, RouterLinkStub } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { i18n, setLocale } from '@/i18n';
import type { Locale } from '@/lib/format';

export function show(component: unknown, props: Record<string, unknown> = {}, locale: Locale = 'en', slots: Record<string, () => unknown> = {}) {
  const pinia = createPinia();
  setActivePinia(pinia);
  setLocale(locale);
  return mount(component as never, { props: props as never, slots: slots as never, global: { plugins: [pinia, i18n], stubs: { RouterLink: RouterLinkStub } }, attachTo: document.body });
}
