// Names that many pages need: detectors, topics, grounds, measure kinds. Fetched once, kept until sign-out.
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { api } from '@/api/endpoints';
import type { Detector, Ground, LocalText, MeasureKind, Topic, Workflow } from '@/api/types';

export const useCatalog = defineStore('catalog', () => {
  const detectors = shallowRef<Detector[]>([]);
  const topics = shallowRef<Topic[]>([]);
  const grounds = shallowRef<Ground[]>([]);
  const kinds = shallowRef<MeasureKind[]>([]);
  const workflows = shallowRef<Workflow[]>([]);
  const asked = new Set<string>();

  async function once(name: string, load: () => Promise<void>) {
    if (asked.has(name)) return;
    asked.add(name);
    try {
      await load();
    } catch {
      asked.delete(name); // a missing name shows as its id; the next page asks again
    }
  }

  const loadDetectors = () => once('detectors', async () => void (detectors.value = (await api.detectors()).items));
  const loadTopics = () => once('topics', async () => void (topics.value = (await api.topics()).items));
  const loadGrounds = () => once('grounds', async () => void (grounds.value = (await api.grounds()).items));
  const loadWorkflows = () => once('workflows', async () => void (workflows.value = (await api.workflows()).items));
  const loadKinds = () => once('kinds', async () => void (kinds.value = [...(await api.measureKinds()).items].sort((a, b) => a.rank - b.rank)));

  function detectorTitle(name: string): LocalText {
    const known = detectors.value.find((detector) => detector.name === name) ?? topics.value.find((topic) => topic.id === name);
    return known?.title ?? { zh: name, en: name };
  }
  function topicTitle(id: string): LocalText {
    return topics.value.find((topic) => topic.id === id)?.title ?? { zh: id, en: id };
  }
  function kindTitle(id: string): LocalText {
    return kinds.value.find((kind) => kind.id === id)?.title ?? { zh: id, en: id };
  }
  function forget() {
    asked.clear();
  }

  return { detectors, topics, grounds, kinds, workflows, loadDetectors, loadTopics, loadGrounds, loadKinds, loadWorkflows, detectorTitle, topicTitle, kindTitle, forget };
});
