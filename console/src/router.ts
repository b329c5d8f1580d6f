import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw, type RouterHistory } from 'vue-router';
import type { Role } from '@/api/types';
import type { useSession } from './stores/session';

declare module 'vue-router' {
  interface RouteMeta {
    title?: string;
    roles?: Role[];
    open?: boolean;
    bare?: boolean;
  }
}

export const routes: RouteRecordRaw[] = [
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/SignInPage.vue'), meta: { title: 'sign_in.title', open: true, bare: true } },
  { path: '/password', name: 'password', component: () => import('./pages/NewPasswordPage.vue'), meta: { title: 'password.title', bare: true } },
  { path: '/', name: 'overview', component: () => import('./pages/OverviewPage.vue'), meta: { title: 'nav.overview' } },
  { path: '/alerts', name: 'alerts', component: () => import('./pages/AlertsPage.vue'), meta: { title: 'nav.alerts' } },
  { path: '/alerts/:id', name: 'alert', component: () => import('./pages/AlertPage.vue'), meta: { title: 'nav.alerts' } },
  { path: '/incidents', name: 'incidents', component: () => import('./pages/IncidentsPage.vue'), meta: { title: 'nav.incidents' } },
  { path: '/incidents/:id', name: 'incident', component: () => import('./pages/IncidentPage.vue'), meta: { title: 'nav.incidents' } },
  { path: '/cases', name: 'cases', component: () => import('./pages/CasesPage.vue'), meta: { title: 'nav.cases' } },
  { path: '/cases/:id', name: 'case', component: () => import('./pages/CasePage.vue'), meta: { title: 'nav.cases' } },
  { path: '/cases/:id/batch', name: 'batch-new', component: () => import('./pages/BatchFormPage.vue'), meta: { title: 'batch.new' } },
  { path: '/batches', name: 'batches', component: () => import('./pages/BatchesPage.vue'), meta: { title: 'nav.batches' } },
  { path: '/batches/:id', name: 'batch', component: () => import('./pages/BatchPage.vue'), meta: { title: 'nav.batches' } },
  { path: '/measures/:id', name: 'measure', component: () => import('./pages/MeasurePage.vue'), meta: { title: 'nav.batches' } },
  { path: '/appeals', name: 'appeals', component: () => import('./pages/AppealsPage.vue'), meta: { title: 'nav.appeals' } },
  { path: '/appeals/:id', name: 'appeal', component: () => import('./pages/AppealPage.vue'), meta: { title: 'nav.appeals' } },
  { path: '/decisions', name: 'decisions', component: () => import('./pages/DecisionsPage.vue'), meta: { title: 'nav.decisions', roles: ['analyst', 'approver', 'senior_approver'] } },
  { path: '/leads', name: 'leads', component: () => import('./pages/LeadsPage.vue'), meta: { title: 'nav.leads' } },
  { path: '/leads/:id', name: 'lead-partner', component: () => import('./pages/LeadPartnerPage.vue'), meta: { title: 'nav.leads' } },
  { path: '/intel', name: 'intel', component: () => import('./pages/IntelPage.vue'), meta: { title: 'nav.intel' } },
  { path: '/fraud-topics', name: 'topics', component: () => import('./pages/FraudTopicsPage.vue'), meta: { title: 'nav.topics' } },
  { path: '/detectors', name: 'detectors', component: () => import('./pages/DetectorsPage.vue'), meta: { title: 'nav.detectors' } },
  { path: '/models', name: 'models', component: () => import('./pages/ModelsPage.vue'), meta: { title: 'nav.models' } },
  { path: '/rules', name: 'rules', component: () => import('./pages/RulesPage.vue'), meta: { title: 'nav.rules' } },
  { path: '/rules/versions/:id', name: 'rule-version', component: () => import('./pages/RuleVersionPage.vue'), meta: { title: 'nav.rules' } },
  { path: '/back-tests/:id', name: 'back-test', component: () => import('./pages/BackTestPage.vue'), meta: { title: 'rule_desk.back_test' } },
  { path: '/audit', name: 'audit', component: () => import('./pages/AuditPage.vue'), meta: { title: 'nav.audit', roles: ['auditor', 'admin'] } },
  { path: '/users', name: 'users', component: () => import('./pages/UsersPage.vue'), meta: { title: 'nav.users', roles: ['admin'] } },
  { path: '/system', name: 'system', component: () => import('./pages/SystemPage.vue'), meta: { title: 'nav.system' } },
  { path: '/profile', name: 'profile', component: () => import('./pages/ProfilePage.vue'), meta: { title: 'nav.profile' } },
  { path: '/:rest(.*)*', name: 'not-found', component: () => import('./pages/NotFoundPage.vue'), meta: { title: 'not_found.title' } },
];

// Only paths of this console may be returned to after signing in.
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/';
}

export function guard(session: ReturnType<typeof useSession>, to: RouteLocationNormalized) {
  if (to.meta.open) return session.signedIn && !session.mustChangePassword ? safeNext(to.query.next) : true;
  if (!session.signedIn) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } };
  if (session.mustChangePassword && to.name !== 'password') return { name: 'password', query: to.query.next ? { next: to.query.next } : {} };
  if (to.meta.roles && !session.is(...to.meta.roles)) return { name: 'not-found', params: { rest: to.path.slice(1).split('/') }, query: { why: 'role' } };
  return true;
}

export function makeRouter(session: ReturnType<typeof useSession>, history: RouterHistory = createWebHistory()) {
  const router = createRouter({
    history,
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  });
  router.beforeEach(async (to) => {
    try {
      await session.restore();
    } catch {
      // The server is away: the sign-in page says so when it is tried.
      if (!to.meta.open) return { name: 'sign-in', query: { next: to.fullPath } };
    }
    return guard(session, to);
  });
  return router;
}
