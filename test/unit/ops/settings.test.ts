import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DEFAULTS, settingsOf } from '../../../ops/settings.ts';

/** The settings of the stage `prod` with the file; null: without a file. */
function read(text: string | null, stage = 'prod') {
  const folder = mkdtempSync(join(tmpdir(), 'onebuck-settings-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (text !== null) writeFileSync(join(folder, 'settings.prod.yml'), text);
  return settingsOf(stage, { folder, env: { MAX_NODES: '9' } });
}

function faultsOf(text: string, stage?: string): string {
  try {
    read(text, stage);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

describe("a stage's file", () => {
  it.each([null, '', '# MAX_NODES: 7\n'])('that sets nothing leaves the defaults: %j', (text) => {
    expect(read(text)).toEqual(DEFAULTS);
  });

  it('sets what it names, as text, and leaves the defaults of the rest', () => {
    const lines = [
      'MAX_NODES: 50',
      'MAX_BUDGET_USD: 12.50',
      'MAX_OPEN_BUDGET_USD: none',
      'ALARM_EMAIL: ann@example.com # on call',
      'NIGHTLY: true',
      "CORS_ORIGINS: 'https://a.example,https://b.example:8443'",
      'NIGHTLY_TIMEZONE: Europe/Berlin',
      'NOTICE_EMAIL: ""',
    ];
    expect(read(lines.join('\n'))).toEqual({
      ...DEFAULTS,
      MAX_NODES: '50',
      MAX_BUDGET_USD: '12.5',
      MAX_OPEN_BUDGET_USD: 'none',
      ALARM_EMAIL: 'ann@example.com',
      NIGHTLY: 'true',
      CORS_ORIGINS: 'https://a.example,https://b.example:8443',
      NIGHTLY_TIMEZONE: 'Europe/Berlin',
    });
  });

  it.each(['NOTICE_EMAIL: ann@example.com', 'NOTICE_WEBHOOK_URL: https://hooks.example'])(
    'may have digests with a reader: %s',
    (reader) => {
      expect(read(`DIGEST: monthly\n${reader}`).DIGEST).toBe('monthly');
    },
  );

  it('is that of the stage, and of no other', () => {
    expect(read('MAX_NODES: 7', 'dev').MAX_NODES).toBe('100');
    expect(read('MAX_NODES: 7').MAX_NODES).toBe('7');
  });

  it.each([
    ['MAX_NODE: 7', 'MAX_NODE is no setting; docs/operate.md lists all of them.'],
    ['toString: 7', 'toString is no setting'],
    ['LINODE_TOKEN: secret', 'LINODE_TOKEN is no setting: tokens and keys are in the secret only'],
    ['passwordKey: secret', 'passwordKey is no setting: tokens and keys are in the secret only'],
    ['MAX_NODES: 501', 'MAX_NODES must be a whole number from 1 to 500.'],
    ['MAX_BUDGET_USD: none', 'MAX_BUDGET_USD must be an amount in US dollars'],
    ['MAX_OPEN_BUDGET_USD: 0', 'MAX_OPEN_BUDGET_USD must be more than 0, or "none"'],
    ['SAFETY_MARGIN_SECONDS: 60', 'SAFETY_MARGIN_SECONDS must be a whole number from 120 to 1800.'],
    ['PROVISION_MINUTES: 60', 'PROVISION_MINUTES must be a whole number from 5 to 45.'],
    ['KEEP_ENDED_DAYS: 31', 'KEEP_ENDED_DAYS must be a whole number from 62 to 3650.'],
    ['LINODE_API_URL: https://api.linode.com', 'LINODE_API_URL must be a URL that ends in /v4.'],
    ['NOTICE_WEBHOOK_URL: http://127.0.0.1/', 'NOTICE_WEBHOOK_URL must be a URL that begins with'],
    ['DIGEST: daily\nNOTICE_EMAIL: ann@example.com', 'DIGEST must be weekly, monthly or none.'],
    ['DIGEST: weekly', 'DIGEST needs a reader: set NOTICE_EMAIL or NOTICE_WEBHOOK_URL'],
    ['ALARM_EMAIL: ann', 'ALARM_EMAIL must be a mail address'],
    ['ALARM_EMAIL: you@example.org', 'ALARM_EMAIL must be a mail address, not that of the example'],
    ['NOTICE_EMAIL: a@b, c@d', 'NOTICE_EMAIL must be a mail address'],
    ['NIGHTLY: yes', 'NIGHTLY must be true or false.'],
    ['KEEP_TABLE: "no"', 'KEEP_TABLE must be true or false.'],
    ['AWS_BUDGET_USD: 5.001', 'AWS_BUDGET_USD must be an amount in US dollars and whole cents'],
    ['CORS_ORIGINS: a.example', 'CORS_ORIGINS must be origins such as https://a.example'],
    ['CORS_ORIGINS: https://a.example/', 'CORS_ORIGINS must be origins'],
    ['NIGHTLY_TIMEZONE: Berlin', 'NIGHTLY_TIMEZONE must be a time zone such as Europe/Berlin.'],
    ['MAX_NODES:', 'MAX_NODES has no value: give one, or remove the line.'],
    ['MAX_NODES: ""', 'MAX_NODES has no value'],
    ['MAX_NODES: [7]', 'MAX_NODES must be one value on its line.'],
    ['MAX_NODES: 7\nMAX_NODES: 8', 'Not YAML: Map keys must be unique at line 2, column 1.'],
    ['MAX_NODES=7', 'Each line must be a setting: its name, a colon, a space and its value.'],
    ['- MAX_NODES', 'Each line must be a setting'],
  ])('with %j is refused', (text, fault) => {
    expect(faultsOf(text)).toMatch(/^settings\.prod\.yml: [^\n]*$/);
    expect(faultsOf(text)).toContain(`settings.prod.yml: ${fault}`);
  });

  it('is refused with all its faults at once, and no value of a secret', () => {
    const faults = faultsOf('MAX_NODE: 1\nNIGHTLY: 1\nMAX_NODES: 0\nLINODE_TOKEN: my-token');
    expect(faults.split('\n').map((line) => line.split(' ')[1])).toEqual([
      'MAX_NODE',
      'LINODE_TOKEN',
      'MAX_NODES',
      'NIGHTLY',
    ]);
    expect(faults).not.toContain('my-token');
  });

  it('is not read for a stage whose name the functions would refuse', () => {
    expect(() => read(null, 'Prod')).toThrow(/^STAGE must be up to 20 of a-z, 0-9 and single -\.$/);
  });
});

describe('the settings of npm start', () => {
  const local = (env: Readonly<Record<string, string>>) =>
    settingsOf('local', { folder: '/none', env });

  it('are those of the environment, where a webhook may be on this machine', () => {
    const env = {
      MAX_NODES: '7',
      NIGHTLY: '',
      NOTICE_WEBHOOK_URL: 'http://127.0.0.1:9/',
      HOME: '/',
    };
    expect(local(env)).toEqual({
      ...DEFAULTS,
      MAX_NODES: '7',
      NOTICE_WEBHOOK_URL: 'http://127.0.0.1:9/',
    });
  });

  it('are refused by the name of the one that is wrong', () => {
    expect(() => local({ DASHBOARD: '1' })).toThrow(/^DASHBOARD must be true or false\.$/);
  });
});
