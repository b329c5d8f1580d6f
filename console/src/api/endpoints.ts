// Every call the console makes, one line each.
import { call } from './call';
import type { AppealDecision, AppealState, BatchState, CheckResult, EntityKind, NewAppeal, NewBackTest, NewBatch, NewIntelList, NewLeadPartner, CardProposal, Role } from './types';

export interface AlertQuery {
  cursor?: string;
  limit?: number;
  detector?: string;
  severity_min?: number;
  state?: 'open' | 'in_case' | 'dismissed' | '';
  entity_kind?: EntityKind | '';
  q?: string;
  from?: string;
  to?: string;
}

const quiet = true;

export const api = {
  session: () => call('get', '/api/v1/session', { quiet }),
  signIn: (username: string, password: string) => call('post', '/api/v1/session', { body: { username, password }, quiet }),
  signOut: () => call('delete', '/api/v1/session', { quiet }),
  changePassword: (old_password: string, new_password: string) => call('post', '/api/v1/session/password', { body: { old_password, new_password }, quiet }),

  users: () => call('get', '/api/v1/users', {}),
  createUser: (body: { username: string; display_name: string; roles: Role[] }) => call('post', '/api/v1/users', { body }),
  patchUser: (id: string, body: { display_name?: string; roles?: Role[]; disabled?: boolean; reset_password?: boolean }) =>
    call('patch', '/api/v1/users/{id}', { path: { id }, body }),
  tokens: () => call('get', '/api/v1/tokens', {}),
  createToken: (body: { name: string; roles: Role[]; expires_in_days: number }) => call('post', '/api/v1/tokens', { body }),
  deleteToken: (id: string) => call('delete', '/api/v1/tokens/{id}', { path: { id } }),

  overview: (hours = 24) => call('get', '/api/v1/overview', { query: { hours } }),
  alerts: (query: AlertQuery) => call('get', '/api/v1/alerts', { query }),
  alert: (id: string) => call('get', '/api/v1/alerts/{id}', { path: { id } }),
  dismissAlert: (id: string, reason: string) => call('post', '/api/v1/alerts/{id}/dismiss', { path: { id }, body: { reason } }),
  reopenAlert: (id: string, reason: string) => call('post', '/api/v1/alerts/{id}/reopen', { path: { id }, body: { reason } }),
  incidents: (query: { cursor?: string; limit?: number; state?: 'open' | 'in_case' | 'closed' | ''; grade?: string }) =>
    call('get', '/api/v1/incidents', { query }),
  incident: (id: string) => call('get', '/api/v1/incidents/{id}', { path: { id } }),

  openCase: (body: { alert_ids?: string[]; incident_id?: string; title?: string }) => call('post', '/api/v1/cases', { body }),
  cases: (query: { cursor?: string; limit?: number; state?: string; assignee?: string; topic?: string; overdue?: boolean }) => call('get', '/api/v1/cases', { query }),
  case: (id: string) => call('get', '/api/v1/cases/{id}', { path: { id } }),
  patchCase: (id: string, body: { version: number; assignee?: string | null; title?: string; topic?: string }) => call('patch', '/api/v1/cases/{id}', { path: { id }, body }),
  act: (id: string, action: string, body: { version: number; fields: Record<string, string>; note?: string }) =>
    call('post', '/api/v1/cases/{id}/actions/{action}', { path: { id, action }, body }),
  addNote: (id: string, text: string) => call('post', '/api/v1/cases/{id}/notes', { path: { id }, body: { text } }),
  addEvidence: (id: string, body: { kind: string; title: string; value: string }) => call('post', '/api/v1/cases/{id}/evidence', { path: { id }, body }),

  caseNumbers: (id: string) => call('get', '/api/v1/cases/{id}/numbers', { path: { id } }),
  proposeBatch: (id: string, body: NewBatch) => call('post', '/api/v1/cases/{id}/batch-measures', { path: { id }, body }),
  batches: (query: { cursor?: string; limit?: number; state?: BatchState | ''; case_id?: string }) => call('get', '/api/v1/batch-measures', { query }),
  batch: (id: string) => call('get', '/api/v1/batch-measures/{id}', { path: { id } }),
  batchMembers: (id: string, query: { cursor?: string; limit?: number }) => call('get', '/api/v1/batch-measures/{id}/members', { path: { id }, query }),
  approveBatch: (id: string, body: { except?: string[]; reason?: string }) => call('post', '/api/v1/batch-measures/{id}/approve', { path: { id }, body }),
  refuseBatch: (id: string, reason: string) => call('post', '/api/v1/batch-measures/{id}/refuse', { path: { id }, body: { reason } }),
  orderBatch: (id: string) => call('post', '/api/v1/batch-measures/{id}/order', { path: { id } }),
  measure: (id: string) => call('get', '/api/v1/measures/{id}', { path: { id } }),
  recordChecks: (body: { measures?: Record<string, CheckResult>; tokens?: Record<string, CheckResult> }) => call('post', '/api/v1/measure-checks', { body }),
  recordAppeal: (body: NewAppeal) => call('post', '/api/v1/appeals', { body }),
  appeals: (query: { cursor?: string; limit?: number; state?: AppealState | ''; case_id?: string; order?: 'newest' | 'oldest' }) => call('get', '/api/v1/appeals', { query }),
  appeal: (id: string) => call('get', '/api/v1/appeals/{id}', { path: { id } }),
  decideAppeal: (id: string, body: AppealDecision) => call('post', '/api/v1/appeals/{id}/decide', { path: { id }, body }),

  cardBatches: (query: { cursor?: string; limit?: number }) => call('get', '/api/v1/card-batches', { query }),
  cardBatch: (id: string) => call('get', '/api/v1/card-batches/{id}', { path: { id } }),
  proposeCardBatch: (id: string, body: CardProposal) => call('post', '/api/v1/card-batches/{id}/propose', { path: { id }, body }),
  approveCardBatch: (id: string) => call('post', '/api/v1/card-batches/{id}/approve', { path: { id } }),
  refuseCardBatch: (id: string, reason: string) => call('post', '/api/v1/card-batches/{id}/refuse', { path: { id }, body: { reason } }),
  leadPurposes: () => call('get', '/api/v1/leads/purposes', {}),
  leadPartners: () => call('get', '/api/v1/leads/partners', {}),
  leadPartner: (id: string) => call('get', '/api/v1/leads/partners/{id}', { path: { id } }),
  proposeLeadPartner: (body: NewLeadPartner) => call('post', '/api/v1/leads/partners', { body }),
  decideLeadPartner: (id: string, body: { accept: boolean; reason: string }) => call('post', '/api/v1/leads/partners/{id}/decide', { path: { id }, body }),
  endLeadPartner: (id: string, reason: string) => call('post', '/api/v1/leads/partners/{id}/end', { path: { id }, body: { reason } }),
  rotateLeadKey: (id: string, overlap_days: number) => call('post', '/api/v1/leads/partners/{id}/keys', { path: { id }, body: { overlap_days } }),
  revealLeadKey: (id: string, key: string) => call('post', '/api/v1/leads/partners/{id}/keys/{key}/reveal', { path: { id, key } }),
  leadFiles: (query: { cursor?: string; limit?: number; partner_id?: string }) => call('get', '/api/v1/leads/files', { query }),
  leadFile: (id: string) => call('get', '/api/v1/leads/files/{id}', { path: { id } }),
  importLeadFile: (body: { partner_id: string; name?: string; content: string }) => call('post', '/api/v1/leads/files', { body }),
  exportLeads: (body: { partner_id: string; purpose: string }) => call('post', '/api/v1/leads/exports', { body }),
  leadMatches: (query: { cursor?: string; limit?: number; partner_id?: string; case_id?: string }) => call('get', '/api/v1/leads/matches', { query }),
  leadFeedback: (id: string, body: { result: 'confirmed' | 'false' | 'acted_on' }) => call('post', '/api/v1/leads/matches/{id}/feedback', { path: { id }, body }),

  grounds: () => call('get', '/api/v1/grounds', {}),
  measureKinds: () => call('get', '/api/v1/measure-kinds', {}),
  grants: (case_id: string) => call('get', '/api/v1/vault/grants', { query: { case_id } }),
  askGrant: (body: { case_id: string; ground_id: string; scope: { tokens: string[]; fields: 'number'[] }; minutes: number; reason: string }) =>
    call('post', '/api/v1/vault/grants', { body }),
  approveGrant: (id: string, reason: string) => call('post', '/api/v1/vault/grants/{id}/approve', { path: { id }, body: { reason } }),
  refuseGrant: (id: string, reason: string) => call('post', '/api/v1/vault/grants/{id}/refuse', { path: { id }, body: { reason } }),
  grantValues: (id: string) => call('get', '/api/v1/vault/grants/{id}/values', { path: { id } }),

  audit: (query: { cursor?: string; limit?: number; actor?: string; action?: string; object?: string }) => call('get', '/api/v1/audit', { query }),
  verifyAudit: () => call('get', '/api/v1/audit/verify', {}),
  detectors: () => call('get', '/api/v1/detectors', {}),
  sources: () => call('get', '/api/v1/sources', {}),
  rules: () => call('get', '/api/v1/rules', {}),
  ruleVersions: () => call('get', '/api/v1/rule-versions', {}),
  ruleVersion: (id: string) => call('get', '/api/v1/rule-versions/{id}', { path: { id } }),
  addRuleVersion: (body: { text: string; note: string }) => call('post', '/api/v1/rule-versions', { body }),
  shadowRule: (id: string, reason: string) => call('post', '/api/v1/rule-versions/{id}/shadow', { path: { id }, body: { reason } }),
  proposeRule: (id: string, reason: string) => call('post', '/api/v1/rule-versions/{id}/propose', { path: { id }, body: { reason } }),
  approveRule: (id: string, body: { reason: string; back_test: string; people: number }) => call('post', '/api/v1/rule-versions/{id}/approve', { path: { id }, body }),
  refuseRule: (id: string, reason: string) => call('post', '/api/v1/rule-versions/{id}/refuse', { path: { id }, body: { reason } }),
  retireRule: (id: string, reason: string) => call('post', '/api/v1/rule-versions/{id}/retire', { path: { id }, body: { reason } }),
  rollBackRule: (rule: string, reason: string) => call('post', '/api/v1/rules/{rule}/roll-back', { path: { rule }, body: { reason } }),
  backTests: () => call('get', '/api/v1/back-tests', {}),
  backTest: (id: string) => call('get', '/api/v1/back-tests/{id}', { path: { id } }),
  startBackTest: (body: NewBackTest) => call('post', '/api/v1/back-tests', { body }),
  cancelBackTest: (job: string) => call('post', '/api/v1/back-tests/{job}/cancel', { path: { job } }),
  topics: () => call('get', '/api/v1/topics', {}),
  decision: (id: string) => call('get', '/api/v1/decisions/{id}', { path: { id } }),
  models: () => call('get', '/api/v1/models', {}),
  shadowModel: (body: { batch: number; reason: string }) => call('post', '/api/v1/models/shadow', { body }),
  proposeModel: (body: { action: 'champion' | 'retire' | 'roll_back'; batch?: number; reason: string }) => call('post', '/api/v1/models/proposal', { body }),
  approveModel: (reason: string) => call('post', '/api/v1/models/proposal/approve', { body: { reason } }),
  refuseModel: (reason: string) => call('post', '/api/v1/models/proposal/refuse', { body: { reason } }),
  fraudTopics: () => call('get', '/api/v1/fraud-topics', {}),
  workflows: () => call('get', '/api/v1/workflows', {}),
  system: () => call('get', '/api/v1/system', {}),
  intelLists: () => call('get', '/api/v1/intel/lists', {}),
  addIntelList: (body: NewIntelList) => call('post', '/api/v1/intel/lists', { body }),
  deleteIntelList: (name: string) => call('delete', '/api/v1/intel/lists/{name}', { path: { name } }),
};

export const STREAM_URL = '/api/v1/stream';
