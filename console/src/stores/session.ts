// Who is signed in and what they may do. The server decides; the console only avoids offering what would be refused.
import { defineStore } from 'pinia';
import { computed, ref } from 'vue';
import { api } from '@/api/endpoints';
import { setCsrfToken } from '@/api/http';
import { asProblem } from '@/api/problem';
import type { Role, Session, SessionUser } from '@/api/types';

export const useSession = defineStore('session', () => {
  const user = ref<SessionUser | null>(null);
  const known = ref(false);
  const lost = ref(false);

  const signedIn = computed(() => user.value !== null);
  const mustChangePassword = computed(() => user.value?.must_change_password ?? false);

  function take(session: Session) {
    user.value = session.user;
    setCsrfToken(session.csrf_token);
    known.value = true;
    lost.value = false;
  }

  function drop(wasLost = false) {
    lost.value = wasLost && user.value !== null;
    user.value = null;
    known.value = true;
    setCsrfToken('');
  }

  // Asks once whether the cookie still stands. Anything but a clear "no" is passed on, so that an outage is not shown as a sign-out.
  async function restore() {
    if (known.value) return;
    try {
      take(await api.session());
    } catch (cause) {
      if (asProblem(cause).status !== 401) throw cause;
      drop();
    }
  }

  async function signIn(username: string, password: string) {
    take(await api.signIn(username, password));
  }

  async function changePassword(before: string, after: string) {
    await api.changePassword(before, after);
    take(await api.session());
  }

  async function signOut() {
    try {
      await api.signOut();
    } finally {
      drop();
    }
  }

  function is(...roles: Role[]): boolean {
    // A senior approver may all that an approver may.
    const has = (role: Role) => user.value?.roles.includes(role) ?? false;
    return roles.some((role) => has(role) || (role === 'approver' && has('senior_approver')));
  }

  return { user, known, lost, signedIn, mustChangePassword, restore, signIn, signOut, changePassword, drop, is };
});
