import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projectDir, serverlessBin } from '../../build/project.ts';
import { DEFAULTS, fileOf, SETTINGS, settingsOf } from '../../ops/settings.ts';
import { settingsIn } from '../../ops/settings-change.ts';
import { ended, startNode } from '../support/children.ts';

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A value for each setting, none of them the default. */
const OTHERS = {
  LINODE_API_URL: 'https://linode.example/v4',
  SAFETY_MARGIN_SECONDS: '240',
  PROVISION_MINUTES: '30',
  MAX_NODES: '50',
  MAX_BUDGET_USD: '12.5',
  MAX_OPEN_BUDGET_USD: '200',
  MAX_OPEN_BUDGET_PER_OWNER_USD: '60',
  MAX_DAILY_SPEND_PER_OWNER_USD: '5',
  MAX_WEEKLY_SPEND_PER_OWNER_USD: '20',
  MAX_MONTHLY_SPEND_PER_OWNER_USD: '70',
  MAX_HOURLY_USD: '3',
  MONTH_END_HOUR: 'startMonth',
  KEEP_ENDED_DAYS: '100',
  DIGEST: 'weekly',
  ALARM_EMAIL: 'alarms@example.com',
  NOTICE_EMAIL: 'notices@example.com',
  NOTICE_WEBHOOK_URL: 'https://hooks.example',
  JOB_FILES_KEPT_DAYS: '7',
  KEEP_TABLE: 'false',
  RESERVED_CONCURRENCY: 'true',
  PERMISSIONS_BOUNDARY: 'true',
  AWS_BUDGET_USD: 'none',
  CORS_ORIGINS: 'https://a.example,https://b.example',
  MORE_ALARMS: 'true',
  DASHBOARD: 'true',
  NIGHTLY: 'true',
  NIGHTLY_TIMEZONE: 'Europe/Berlin',
  PUBLIC_URL: 'https://onebuck.example.com',
};

/** Runs a command of the framework in an environment without AWS, with the settings `OTHERS`. */
async function serverless(folder: string, ...args: readonly string[]): Promise<string> {
  // The framework puts the folder of esbuild below the project's, even if its path is absolute.
  const ESBUILD_FOLDER = relative(projectDir, join(folder, 'build'));
  const own = { PATH: process.env.PATH ?? '', HOME: folder, ESBUILD_FOLDER };
  const running = startNode([serverlessBin, ...args], { ...own, ...OTHERS });
  const { code, stdout, stderr } = await ended(running);
  expect(code, stderr).toBe(0);
  return stdout;
}

describe('the framework', () => {
  it('puts every setting where the guard finds it', async () => {
    const folder = aFolder();
    await serverless(folder, 'package', '--package', folder, '--stage', 'local');
    const template = join(folder, 'cloudformation-template-update-stack.json');
    expect(settingsIn(JSON.parse(readFileSync(template, 'utf8')))).toEqual(OTHERS);
    expect(SETTINGS.filter((name) => (OTHERS[name] as string) === DEFAULTS[name])).toEqual([]);
  });

  it('takes no setting of a deployment from the environment', async () => {
    const printed = JSON.parse(
      await serverless(aFolder(), 'print', '--format', 'json', '--stage', 'none'),
    );
    expect(printed.custom.settings).toEqual(DEFAULTS);
    expect(printed.provider.environment).toMatchObject({ MAX_NODES: '100' });
  });
});

describe('settings.example.yml', () => {
  const text = readFileSync(join(projectDir, 'settings.example.yml'), 'utf8');
  const mine = text.replace('you@example.org', 'ann@example.com');
  const lines = [...text.matchAll(/^(# )?([A-Z_]+): (.*)$/gm)].map(
    ([, mark, name, value]) => [name, value, mark === undefined] as const,
  );
  const read = (file: string) => {
    const folder = aFolder();
    writeFileSync(join(folder, fileOf('prod')), file);
    return settingsOf('prod', { folder, env: {} });
  };

  it('has a line for each setting, and none for anything else', () => {
    expect(lines.map(([name]) => name).toSorted()).toEqual(SETTINGS.toSorted());
  });

  it('sets two of them, of which the address has to be changed', () => {
    expect(() => read(text)).toThrow('ALARM_EMAIL must be a mail address, not that of the example');
    const changed = { MAX_OPEN_BUDGET_USD: '200', ALARM_EMAIL: 'ann@example.com' };
    expect(read(mine)).toEqual({ ...DEFAULTS, ...changed });
  });

  it('has right values in all other lines, and the defaults where there are defaults', () => {
    const all = read(mine.replace(/^# (?=[A-Z_]+: )/gm, ''));
    const others = lines.filter(([, , isSet]) => !isSet);
    expect(others.map(([name, value]) => [name, value])).toEqual(
      others.map(([name]) => [name, all[name as keyof typeof all]]),
    );
    for (const [name = '', value] of others) {
      const byDefault = DEFAULTS[name as keyof typeof DEFAULTS];
      if (byDefault !== '') expect([name, value]).toEqual([name, byDefault]);
    }
  });
});
