// A cursor-paged list: first page, next pages, and what went wrong.
import { computed, ref, shallowRef } from 'vue';
import { useLoading } from './resource';

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
  const loadingMore = ref(false);
  const { loading, error, loadedAt, ask, current } = useLoading();
  const bare = computed(() => items.value.length === 0);

  const load = (quiet = false) =>
    ask(quiet, () => fetchPage(undefined), (page) => {
      head.value = page;
      items.value = page.items;
      next.value = page.next ?? null;
    });

  async function more() {
    if (!next.value || loadingMore.value || loading.value) return;
    const mine = current();
    loadingMore.value = true;
    try {
      const page = await fetchPage(next.value);
      if (mine !== current()) return;
      const seen = new Set(items.value.map((item) => item.seq ?? item.id));
      items.value = [...items.value, ...page.items.filter((item) => !seen.has(item.seq ?? item.id))];
      next.value = page.next ?? null;
    } catch (cause) {
      if (mine === current()) error.value = cause;
    } finally {
      loadingMore.value = false;
    }
  }

  return { items, head, next, loading, loadingMore, error, loadedAt, bare, load, more };
}
