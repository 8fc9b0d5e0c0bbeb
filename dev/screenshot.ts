import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectDir } from '../build/project.ts';
import { freePort } from '../simulators/listen.ts';
import { startBrowser } from './browser.ts';
import { localSettings } from './settings.ts';
import { startStack } from './stack.ts';

/** `npm run screenshot` writes docs/console.png: the console with two live clusters. */
const RATE = 1200;
const HOUR_MS = 3_600_000;
const FILE = join(projectDir, 'docs', 'console.png');
const SHARED = { region: 'us-east', image: 'Ubuntu 24.04 LTS' };
const SPECS = [
  { name: 'nightly build', nodes: 3, type: 'g6-standard-2', budgetUsd: 2.5, ...SHARED },
  { name: 'render farm', nodes: 10, type: 'g6-nanode-1', budgetUsd: 1, ...SHARED },
];

const browser = await startBrowser();
if (browser === null) throw new Error('No Chromium was found: set CHROMIUM to its path.');
const dataDir = mkdtempSync(join(tmpdir(), 'onebuck-screenshot-'));
const settings = localSettings({ DATA_DIR: dataDir, PORT: `${await freePort()}` });
const clock = { rate: RATE, originMs: Date.now() };
const stack = await startStack({ ...settings, clock, onLog: (line) => console.error(line) });
try {
  for (const spec of SPECS) {
    const answer = await fetch(`${stack.url}/clusters`, {
      method: 'POST',
      headers: { authorization: `Bearer ${settings.apiToken}`, prefer: 'wait=10' },
      body: JSON.stringify(spec),
    });
    if (answer.status !== 202) throw new Error(await answer.text());
    await delay((4.4 * HOUR_MS) / RATE);
  }
  const page = await browser.newPage({ viewport: { width: 1200, height: 708 } });
  await page.goto(stack.url);
  await page.getByLabel('API token').fill(settings.apiToken);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '10 of 10 nodes up' }).waitFor();
  // The page measures the speed of the clock over a few seconds.
  await delay(3_000);
  await page.screenshot({ path: FILE });
  console.log(`docs/console.png: ${(statSync(FILE).size / 1024).toFixed(0)} KiB`);
} finally {
  await browser.close();
  await stack.close();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit(0);
