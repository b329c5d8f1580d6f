// Names that many pages need: detectors, topics, grounds, measure kinds. Fetched once, kept until sign-out.
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { api } from '@/api/endpoints';
import { groundTitle } from '@/lib/actions';
import type { Detector, Ground, LocalText, MeasureKind, Rule, Topic, Workflow } from '@/api/types';

// What raises alerts without being a detector or a rule.
const OTHER_FINDERS: Record<string, LocalText> = { shared_lead: { zh: '合作单位线索', en: 'Lead from a partner' } };

export const useCatalog = defineStore('catalog', () => {
  const detectors = shallowRef<Detector[]>([]);
  const topics = shallowRef<Topic[]>([]);
  const grounds = shallowRef<Ground[]>([]);
  const kinds = shallowRef<MeasureKind[]>([]);
  const rules = shallowRef<Rule[]>([]);
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
  const loadRules = () => once('rules', async () => void (rules.value = (await api.rules()).items));
  const loadTopics = () => once('topics', async () => void (topics.value = (await api.topics()).items));
  const loadGrounds = () => once('grounds', async () => void (grounds.value = (await api.grounds()).items));
  const loadWorkflows = () => once('workflows', async () => void (workflows.value = (await api.workflows()).items));
  const loadKinds = () => once('kinds', async () => void (kinds.value = [...(await api.measureKinds()).items].sort((a, b) => a.rank - b.rank)));

  function detectorTitle(name: string): LocalText {
    const known = detectors.value.find((detector) => detector.name === name) ?? rules.value.find((rule) => rule.id === name) ?? topics.value.find((topic) => topic.id === name);
    return known?.title ?? OTHER_FINDERS[name] ?? { zh: name, en: name };
  }
  const isRule = (name: string) => rules.value.some((rule) => rule.id === name);
  function topicTitle(id: string): LocalText {
    return topics.value.find((topic) => topic.id === id)?.title ?? { zh: id, en: id };
  }
  function kindTitle(id: string): LocalText {
    return kinds.value.find((kind) => kind.id === id)?.title ?? { zh: id, en: id };
  }
  // Some kinds are approved by one role and by no other.
  function approverOf(kind: string): string {
    return kinds.value.find((one) => one.id === kind)?.approver ?? 'approver,senior_approver';
  }
  function groundName(id: string): LocalText {
    const ground = grounds.value.find((one) => one.id === id);
    return ground ? groundTitle(ground) : { zh: id, en: id };
  }
  function forget() {
    asked.clear();
  }

  return { detectors, topics, grounds, kinds, workflows, loadDetectors, loadRules, loadTopics, loadGrounds, loadKinds, loadWorkflows, detectorTitle, isRule, topicTitle, kindTitle, approverOf, groundName, forget };
});
