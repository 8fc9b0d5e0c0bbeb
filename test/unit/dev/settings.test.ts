import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { oldNodeWarning } from '../../../dev/node-version.ts';
import { localSettings, takeDataDir } from '../../../dev/settings.ts';
import { startScript } from '../../support/children.ts';

const REAL = { LINODE_API_URL: 'https://api.linode.com/v4', LINODE_TOKEN: 'real-token' };
const START = Date.UTC(2026, 10, 22, 12);

let DATA_DIR: string;
beforeEach(() => {
  DATA_DIR = mkdtempSync(join(tmpdir(), 'onebuck-settings-'));
  vi.useFakeTimers({ now: START, toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
    rmSync(DATA_DIR, { recursive: true });
  });
});

const settings = (env: Record<string, string> = {}) => localSettings({ DATA_DIR, ...env });

describe('by default, npm start', () => {
  it("has port 3000, real time, the simulated Linode and the README's token", () => {
    expect(settings()).toEqual({
      port: 3000,
      dataDir: DATA_DIR,
      clock: { rate: 1, originMs: START },
      linodeUrl: null,
      linodeToken: 'simulated-linode-token',
      apiToken: 'onebuck-local',
      passwordKey: expect.stringMatching(/^[\w-]{32}$/),
      webhookKey: 'onebuck-local-webhook-key',
      openBudgetMax: 'none',
      publicUrl: 'http://127.0.0.1:3000',
      leadToFiles: expect.any(Function),
    });
  });

  it('takes an empty variable for a missing one', () => {
    const empty = { PORT: '', LINODE_API_URL: '', LINODE_TOKEN: '', ONEBUCK_TOKEN: '' };
    expect(settings({ ...empty, CLOCK_RATE: '', CLOCK_ORIGIN: '' })).toEqual(settings());
  });
});

describe('a setting of npm start', () => {
  it('is read from its variable', () => {
    const env = {
      PORT: '4000',
      LINODE_API_URL: 'http://127.0.0.1:9000/v4/',
      LINODE_TOKEN: 'token',
      ONEBUCK_TOKEN: 'mine',
      CLOCK_RATE: '3600',
      CLOCK_ORIGIN: '1795348800000',
      MAX_OPEN_BUDGET_USD: '50',
      NOTICE_WEBHOOK_KEY: 'a key of my own',
      PUBLIC_URL: 'https://tunnel.example',
    };
    expect(settings(env)).toMatchObject({
      port: 4000,
      linodeUrl: 'http://127.0.0.1:9000/v4',
      linodeToken: 'token',
      apiToken: 'mine',
      clock: { rate: 3600, originMs: 1795348800000 },
      openBudgetMax: '50',
      webhookKey: 'a key of my own',
      publicUrl: 'https://tunnel.example',
      leadToFiles: expect.any(Function),
    });
  });

  it.each([
    [{ PORT: 'http' }, 'PORT must be a whole number from 1 to 65535, not http.'],
    [{ PORT: '0' }, 'PORT must be'],
    [{ PORT: '65536' }, 'PORT must be'],
    [{ PORT: '-1' }, 'PORT must be'],
    [{ PORT: '30.5' }, 'PORT must be'],
    [{ LINODE_API_URL: 'https://api.linode.com' }, 'LINODE_API_URL must be a URL that ends in /v4'],
    [{ LINODE_API_URL: 'api.linode.com/v4' }, 'LINODE_API_URL must be a URL'],
    [{ LINODE_API_URL: 'https://api.linode.com/v4' }, 'set LINODE_TOKEN'],
    [{ CLOCK_RATE: 'fast' }, 'CLOCK_RATE must be above 0 and at most 100000, not fast.'],
    [{ CLOCK_RATE: '0' }, 'CLOCK_RATE must be'],
    [{ CLOCK_RATE: '100001' }, 'CLOCK_RATE must be'],
    [{ CLOCK_ORIGIN: 'today' }, 'CLOCK_ORIGIN must be a whole number'],
    [{ CLOCK_ORIGIN: '1.5' }, 'CLOCK_ORIGIN must be a whole number'],
    [{ ONEBUCK_TOKEN: 'a b' }, 'ONEBUCK_TOKEN must be printable characters without blanks.'],
    [{ MAX_NODES: 'many' }, 'MAX_NODES must be a whole number from 1 to 500.'],
    [{ SAFETY_MARGIN_SECONDS: '1' }, 'SAFETY_MARGIN_SECONDS must be'],
    [{ PUBLIC_URL: 'http://a.example' }, 'PUBLIC_URL must be a URL that begins with https://'],
    [{ NOTICE_WEBHOOK_URL: 'http://a.example' }, 'NOTICE_WEBHOOK_URL must be'],
    [{ ...REAL, CLOCK_RATE: '60' }, 'CLOCK_RATE must be 1 with the real Linode'],
    [{ ...REAL, CLOCK_RATE: '0.5' }, 'CLOCK_RATE must be 1 with the real Linode'],
  ])('is refused with the allowed values: %o', (env, message) => {
    expect(() => settings(env)).toThrow(message);
    expect(readdirSync(DATA_DIR)).toEqual([]);
  });

  it('is refused without showing the Linode token', () => {
    const env = { ...REAL, LINODE_TOKEN: 'do-not-show', CLOCK_RATE: '60' };
    expect(() => settings(env)).toThrow(expect.not.stringContaining('do-not-show'));
  });
});

describe('with the real Linode, npm start', () => {
  it("has a random API token: everybody knows the README's token", () => {
    const { apiToken } = settings(REAL);
    expect(apiToken).toMatch(/^[\w-]{32}$/);
    expect(settings(REAL).apiToken).toBe(apiToken);
  });

  it('has the cap of open budgets of a deployment', () => {
    expect(settings(REAL).openBudgetMax).toBeNull();
    expect(settings({ ...REAL, LINODE_API_URL: 'http://127.0.0.1:9000/v4' }).openBudgetMax).toBe(
      'none',
    );
  });

  it('has no URL by which nodes reach it, unless PUBLIC_URL is set', () => {
    expect(settings(REAL).publicUrl).toBeNull();
    const other = { ...REAL, LINODE_API_URL: 'http://127.0.0.1:9000/v4' };
    expect(settings({ ...other, PORT: '4000' }).publicUrl).toBe('http://127.0.0.1:4000');
  });

  it('has no jobs, since real Linodes could not reach their files', () => {
    expect(settings(REAL).leadToFiles).toBeNull();
  });

  it('runs in real time', () => {
    expect(settings(REAL).clock.rate).toBe(1);
  });
});

describe('at the next start of npm start', () => {
  const tomorrow = () => vi.setSystemTime(START + 24 * 3_600_000);

  it('the clock has the same origin', () => {
    const { clock } = settings({ CLOCK_RATE: '60' });
    tomorrow();
    expect(settings({ CLOCK_RATE: '60' }).clock).toEqual(clock);
  });

  it('a clock of another rate has a new origin', () => {
    settings({ CLOCK_RATE: '60' });
    tomorrow();
    expect(settings({ CLOCK_RATE: '61' }).clock).toEqual({ rate: 61, originMs: Date.now() });
  });

  it('an origin from CLOCK_ORIGIN is kept too', () => {
    settings({ CLOCK_RATE: '60', CLOCK_ORIGIN: '1000' });
    expect(settings({ CLOCK_RATE: '60' }).clock).toEqual({ rate: 60, originMs: 1000 });
  });

  it('the password key is the same, also with another clock', () => {
    const { passwordKey } = settings();
    expect(settings({ CLOCK_RATE: '60' }).passwordKey).toBe(passwordKey);
  });

  it('the file with the settings is readable only by the user', () => {
    settings();
    expect(statSync(join(DATA_DIR, 'settings.json')).mode & 0o777).toBe(0o600);
  });

  it('a damaged file is ignored', () => {
    writeFileSync(join(DATA_DIR, 'settings.json'), '{"clock":');
    expect(settings().clock).toEqual({ rate: 1, originMs: START });
  });
});

describe('npm start', () => {
  beforeEach(() => {
    vi.useRealTimers();
  });
  const started = (env: Record<string, string>) =>
    startScript(['dev/start.ts'], { PATH: process.env.PATH ?? '', DATA_DIR, ...env }).ended;

  it('takes the folder of one that was killed', async () => {
    const code = `
      const { takeDataDir } = await import('./dev/settings.ts');
      await takeDataDir(process.env);
      console.log('taken');
      setInterval(() => {}, 1_000);`;
    const other = startScript(['--input-type=module', '-e', code], { DATA_DIR });
    await other.says('taken');
    await expect(takeDataDir({ DATA_DIR })).rejects.toThrow('Another npm start');
    other.child.kill('SIGKILL');
    await other.ended;
    await takeDataDir({ DATA_DIR });
  });

  it('on the folder of another says where that one runs, and changes nothing', async () => {
    await takeDataDir({ DATA_DIR });
    settings({ PORT: '4321' });
    const kept = readFileSync(join(DATA_DIR, 'settings.json'), 'utf8');
    expect(await started({ PORT: '4322', CLOCK_RATE: '7' })).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `Another npm start runs at http://127.0.0.1:4321 on ${DATA_DIR}, and was left alone: ` +
        'use that one, or set DATA_DIR and PORT to others.\n',
    });
    expect(readFileSync(join(DATA_DIR, 'settings.json'), 'utf8')).toBe(kept);
  });

  it('says a wrong setting in a sentence, and starts nothing', async () => {
    const ended = await started({ MAX_NODES: '0' });
    const stderr = 'MAX_NODES must be a whole number from 1 to 500.\n';
    expect(ended).toEqual({ code: 1, stdout: '', stderr });
  });

  it('says that its folder can not be used', async () => {
    writeFileSync(join(DATA_DIR, 'file'), '');
    const ended = await started({ DATA_DIR: join(DATA_DIR, 'file') });
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^DATA_DIR .*EEXIST.*\n$/),
    });
  });
});

describe('the version of Node', () => {
  it.each(['18.20.4', '20.9.0', '20.18.9'])('%s is too old, and says so', (version) => {
    const warning = `Node ${version} is too old: Onebuck needs 20.19.0 or later`;
    expect(oldNodeWarning(version)).toContain(warning);
  });

  it.each(['20.19.0', '20.20.2', '22.1.0', '24.10.0'])('%s is new enough', (version) => {
    expect(oldNodeWarning(version)).toBeNull();
  });
});
