// One thing fetched from the API, with its loading and error state. A late answer to an old question is dropped.
import { ref, shallowRef, type Ref } from 'vue';

// What DataState shows of a resource or a page.
export interface Loadable {
  loading: Readonly<Ref<boolean>>;
  error: Readonly<Ref<unknown>>;
  loadedAt: Readonly<Ref<string | null>>; // of what is in sight
  bare?: Readonly<Ref<boolean>>;
  load: (quiet?: boolean) => Promise<void>;
}

// The part that resources and pages share: which question is the newest, and how it went. True: this answer is in sight now.
export function useLoading() {
  const loading = ref(false);
  const error = shallowRef<unknown>(null);
  const loadedAt = ref<string | null>(null);
  let run = 0;
  const current = () => run;

  async function ask<T>(quiet: boolean, fetchOne: () => Promise<T>, take: (value: T) => void) {
    const mine = ++run;
    loading.value = !quiet || loadedAt.value === null;
    if (!quiet) error.value = null;
    try {
      const value = await fetchOne();
      if (mine !== run) return;
      take(value);
      error.value = null;
      loadedAt.value = new Date().toISOString();
    } catch (cause) {
      if (mine === run) error.value = cause;
    } finally {
      if (mine === run) loading.value = false;
    }
  }

  return { loading, error, loadedAt, ask, current };
}

export function useResource<T>(fetchOne: () => Promise<T>) {
  const data = shallowRef<T | null>(null);
  const { loading, error, loadedAt, ask } = useLoading();
  const load = (quiet = false) => ask(quiet, fetchOne, (value) => (data.value = value));
  return { data, loading, error, loadedAt, load };
}
