// A cursor-paged list: first page, next pages, and what went wrong.
import { ref, shallowRef } from 'vue';

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export function usePage<T extends { seq?: number; id?: string | number }, P extends Page<T>>(
  fetchPage: (cursor: string | undefined) => Promise<P>,
) {
  const items = shallowRef<T[]>([]);
  const head = shallowRef<P | null>(null);
  const next = ref<string | null>(null);
  const loading = ref(false);
  const loadingMore = ref(false);
  const error = shallowRef<unknown>(null);
  let run = 0;

  async function load(quiet = false) {
    const mine = ++run;
    loading.value = !quiet || items.value.length === 0;
    error.value = null;
    try {
      const page = await fetchPage(undefined);
      if (mine !== run) return;
      head.value = page;
      items.value = page.items;
      next.value = page.next ?? null;
    } catch (cause) {
      if (mine === run) error.value = cause;
    } finally {
      if (mine === run) loading.value = false;
    }
  }

  async function more() {
    if (!next.value || loadingMore.value || loading.value) return;
    const mine = run;
    loadingMore.value = true;
    try {
      const page = await fetchPage(next.value);
      if (mine !== run) return;
      const seen = new Set(items.value.map((item) => item.seq ?? item.id));
      items.value = [...items.value, ...page.items.filter((item) => !seen.has(item.seq ?? item.id))];
      next.value = page.next ?? null;
    } catch (cause) {
      if (mine === run) error.value = cause;
    } finally {
      loadingMore.value = false;
    }
  }

  return { items, head, next, loading, loadingMore, error, load, more };
}
