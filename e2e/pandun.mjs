// Starts the real binary on a free port with its own data and a live simulator, and knows when it is ready.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const READY_MS = 40000;

export async function startPandun({ binary, console: dist, content, scenario, out }) {
  const folder = mkdtempSync(join(tmpdir(), 'pandun-e2e-'));
  mkdirSync(out, { recursive: true });
  const config = join(folder, 'pandun.toml');
  const text = (value) => JSON.stringify(value);
  writeFileSync(
    config,
    `[data]
directory = ${text(join(folder, 'data'))}

[server]
listen = "127.0.0.1:0"
console_directory = ${text(dist)}
${content ? `\n[content]\ndirectory = ${text(content)}\n` : ''}
[archive]
enabled = false

[decide.sip]
enabled = true
listen = "127.0.0.1:0"

[simulate]
enabled = true
numbers = 2000
speed = 600
seed = 7
${scenario ? `scenario = ${text(scenario)}\n` : ''}`,
  );
  const log = createWriteStream(join(out, 'pandun.log'));
  const child = spawn(binary, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.pipe(log, { end: false });
  let url = '';
  let password = '';
  let sipPort = 0;
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`pandun was not ready within ${READY_MS / 1000} s; see e2e/out/pandun.log`)), READY_MS);
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`pandun ended before it was ready (${code ?? signal}); see e2e/out/pandun.log`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line.replace(/^(admin password:).*/, '$1 …')}\n`);
      password ||= /^admin password: (\S+)/.exec(line)?.[1] ?? '';
      sipPort = Number(/^sip port (\d+)/.exec(line)?.[1] ?? sipPort);
      url = /^ready (http\S+)/.exec(line)?.[1] ?? url;
      if (url) (clearTimeout(timer), resolve());
    });
  });

  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  return {
    url,
    password,
    sipPort,
    data: join(folder, 'data'),
    config,
    async stop() {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 15000);
      const result = await ended;
      clearTimeout(killer);
      log.end();
      rmSync(folder, { recursive: true, force: true });
      return result;
    },
  };
}
