// Debian's Chromium, headless and quiet on the network.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function browserPath() {
  const known = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return known.find((path) => path && existsSync(path)) ?? null;
}

export function launch() {
  const executablePath = browserPath();
  if (!executablePath) throw new Error('no Chromium found: install the Debian package chromium or set CHROMIUM');
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}
