import { createPinia } from 'pinia';
import { createApp } from 'vue';
import { setLostSessionHandler } from '@/api/http';
import App from './App.vue';
import { i18n } from './i18n';
import { makeRouter } from './router';
import { usePrefs } from './stores/prefs';
import { useSession } from './stores/session';
import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';

const app = createApp(App);
app.use(createPinia());
app.use(i18n);
usePrefs();

const session = useSession();
const router = makeRouter(session);
setLostSessionHandler(() => {
  if (!session.signedIn) return;
  session.drop(true);
  void router.push({ name: 'sign-in', query: { next: router.currentRoute.value.fullPath } });
});
app.use(router);
app.mount('#app');
