// The nouns the console speaks: short names for the schemas of src/api/openapi.json.
import type { components } from './schema';

type S = components['schemas'];

export type LocalText = S['LocalText'];
export type Role = S['Role'];
export type SessionUser = S['SessionUser'];
export type Session = S['Session'];
export type User = S['User'];
export type ApiToken = S['Token'];
export type Entity = S['Entity'];
export type EntityKind = S['EntityKind'];
export type AlertState = S['AlertState'];
export type AlertSummary = S['AlertSummary'];
export type Alert = S['Alert'];
export type Evidence = S['Evidence'];
export type Series = S['Series'];
export type IncidentSummary = S['IncidentSummary'];
export type Incident = S['Incident'];
export type CaseSummary = S['CaseSummary'];
export type Case = S['Case'];
export type CaseAction = S['CaseAction'];
export type ActionField = S['ActionField'];
export type Measure = S['Measure'];
export type Clock = S['Clock'];
export type HistoryEntry = S['HistoryEntry'];
export type WorkflowState = S['WorkflowState'];
export type Ground = S['Ground'];
export type MeasureKind = S['MeasureKind'];
export type Grant = S['Grant'];
export type GrantValues = S['GrantValues'];
export type Overview = S['Overview'];
export type SourceState = S['SourceState'];
export type SourceKind = S['SourceKind'];
export type LiveStats = S['LiveStats'];
export type AuditEntry = S['AuditEntry'];
export type AuditCheck = S['AuditCheck'];
export type Detector = S['Detector'];
export type Rule = S['Rule'];
export type Topic = S['Topic'];
export type System = S['System'];
export type IntelList = S['IntelList'];
export type IntelImport = S['IntelImport'];
export type NewIntelList = S['NewIntelList'];

export const ROLES: Role[] = ['admin', 'analyst', 'approver', 'auditor', 'viewer'];
export const ENTITY_KINDS: EntityKind[] = ['number', 'device', 'cell', 'ip', 'host_pair', 'domain', 'url', 'hash', 'trunk', 'app'];
export const ALERT_STATES: AlertState[] = ['open', 'in_case', 'dismissed'];
