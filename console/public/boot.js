// Runs before the first paint so that the page never flashes in the wrong theme or language. src/stores/prefs.ts owns the rules.
(function () {
  var saved = {};
  try {
    saved = JSON.parse(localStorage.getItem('pandun.prefs') || '{}');
  } catch (e) {
    saved = {};
  }
  var dark = saved.theme === 'dark' || (saved.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  var zh = saved.locale ? saved.locale === 'zh' : /^zh/i.test(navigator.language || '');
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  document.documentElement.lang = zh ? 'zh-CN' : 'en';
})();
