// One thing fetched from the API, with its loading and error state. A late answer to an old question is dropped.
import { ref, shallowRef } from 'vue';

export function useResource<T>(fetchOne: () => Promise<T>) {
  const data = shallowRef<T | null>(null);
  const loading = ref(false);
  const error = shallowRef<unknown>(null);
  let run = 0;

  async function load(quiet = false) {
    const mine = ++run;
    if (!quiet || data.value === null) loading.value = true;
    error.value = null;
    try {
      const value = await fetchOne();
      if (mine === run) data.value = value;
    } catch (cause) {
      if (mine === run) error.value = cause;
    } finally {
      if (mine === run) loading.value = false;
    }
  }

  return { data, loading, error, load };
}
