import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { createSecrets } from '../../../lib/adapters/aws/secrets-manager.ts';
import { authorize } from '../../../lib/app/authorize.ts';
import { withToken } from '../../../ops/api-tokens.ts';
import { carryOut, edit, parseRequest } from '../../../ops/token-commands.ts';
import { createMemoryOwners } from '../../../simulators/aws/memory-owners.ts';
import { sha256, startSecret } from '../../support/aws.ts';
import { at } from '../../support/builders.ts';
import { aClock } from '../../support/doubles.ts';

const SECRET_ID = 'onebuck/dev';
const LINODE_TOKEN = 'linode-token-0123456789';
/** When the commands are run. */
const NOW = at('2026-11-10T10:00:00Z');
const PASSWORD_KEY = 'sixteen-or-more-characters';

/** The commands over a Secrets Manager with the secret. */
async function startOps(
  secret: unknown = { linodeToken: LINODE_TOKEN, passwordKey: PASSWORD_KEY, note: 'kept' },
  file = '',
) {
  const kept = await startSecret(SECRET_ID, secret);
  const { client } = kept;
  const messages: string[] = [];

  return {
    ...kept,
    messages,
    /** Runs a command; returns the lines that it prints. */
    async run(...args: readonly string[]): Promise<string[]> {
      const printed: string[] = [];
      await carryOut(client, parseRequest(args), {
        print: (line) => printed.push(line),
        inform: (line) => messages.push(line),
        readFile: () => file,
        now: NOW,
      });
      return printed;
    },
    /** The owner as whom the API takes the token; null: the API does not know the token. */
    async ownerOf(token: string | undefined) {
      const clock = aClock();
      const secrets = createSecrets(client, {
        secretId: SECRET_ID,
        clock,
        onMalformed() {},
      });
      const owners = createMemoryOwners();
      const caller = await authorize({ clock, secrets, owners }, `Bearer ${token}`, 'read').catch(
        (error) => {
          expect(error).toMatchObject({ code: 'unknownToken' });
          return null;
        },
      );
      return caller?.owner ?? null;
    },
  };
}

describe('add', () => {
  it('prints only a token, which the API takes for the owner', async () => {
    const { run, ownerOf, fields, messages } = await startOps();
    const printed = await run('add', 'ann');
    expect(printed).toEqual([expect.stringMatching(/^onebuck_[\w-]{43}$/)]);
    const [token = ''] = printed;
    expect(await ownerOf(token)).toBe('ann');
    expect(await fields()).toEqual({
      linodeToken: LINODE_TOKEN,
      passwordKey: PASSWORD_KEY,
      note: 'kept',
      apiTokens: { ann: sha256(token) },
    });
    expect(messages.join('\n')).not.toContain(token);
  });

  it('adds several tokens of several owners, and loses none', async () => {
    const { run, ownerOf } = await startOps(LINODE_TOKEN);
    const owners = ['ann', 'bob', 'ann', 'admin'];
    const tokens: string[] = [];
    for (const owner of owners) tokens.push(...(await run('add', owner)));
    expect(new Set(tokens).size).toBe(4);
    expect(await Promise.all(tokens.map(ownerOf))).toEqual(owners);
  });

  it('adds three tokens at the same time, and loses none', async () => {
    const { run, ownerOf } = await startOps();
    const owners = ['ann', 'bob', 'ann'];
    const printed = await Promise.all(owners.map((owner) => run('add', owner)));
    expect(await Promise.all(printed.map(([token]) => ownerOf(token)))).toEqual(owners);
  });

  it('adds a token with limits, which the secret has and list shows', async () => {
    const { run, messages, fields } = await startOps();
    const args = ['--expires', '2h', '--may', 'launch', '--max-budget', '2.50'];
    const [token = ''] = await run('add', 'ci', ...args);
    expect(await fields()).toMatchObject({
      apiTokens: {
        ci: {
          sha256: sha256(token),
          expires: '2026-11-10T12:00:00.000Z',
          may: 'launch',
          monthlyUsd: '2.50',
        },
      },
    });
    expect(messages.at(-1)).toBe(
      'The API accepts it within 5 seconds, until 2026-11-10T12:00:00.000Z.',
    );
    const limits = 'may launch, $2.50 a month, until 2026-11-10T12:00:00.000Z';
    expect(await run('list')).toEqual([`ci  ${sha256(token).slice(0, 8)} (${limits})`]);
  });

  it('takes away tokens that have expired, and no others', async () => {
    const old = { sha256: 'a'.repeat(64), expires: '2026-11-10T10:00:00Z' };
    const young = { sha256: 'b'.repeat(64), expires: '2026-11-10T10:00:01Z' };
    const { run, fields } = await startOps({
      linodeToken: LINODE_TOKEN,
      apiTokens: { ci: [old, young], eve: old, ann: 'c'.repeat(64) },
    });
    expect(await run('list')).toEqual([
      'ci   aaaaaaaa (expired 2026-11-10T10:00:00.000Z) bbbbbbbb (until 2026-11-10T10:00:01.000Z)',
      'eve  aaaaaaaa (expired 2026-11-10T10:00:00.000Z)',
      'ann  cccccccc',
    ]);
    const [token = ''] = await run('add', 'bob');
    const apiTokens = { ci: young, ann: 'c'.repeat(64), bob: sha256(token) };
    expect(await fields()).toMatchObject({ apiTokens });
    expect((await fields()).apiTokens).toEqual(apiTokens);
  });

  it.each([
    ['--expires', 'tomorrow', 'Use hours or days: 2h, 30d.'],
    ['--expires', '0h', 'Use hours or days: 2h, 30d.'],
    ['--max-budget', 'much', 'It must be an amount in US dollars'],
    ['--may', 'anything', 'Allowed choices are read, launch, manage.'],
  ])('refuses %s %s', (option, value, message) => {
    expect(() => parseRequest(['add', 'ci', option, value])).toThrow(message);
  });

  it('refuses a limit of money for a token that may make schedules, which would pass it', () => {
    const args = ['add', 'ci', '--max-budget', '2', '--may', 'manage'];
    expect(() => parseRequest(args)).toThrow('A token with --max-budget makes no schedules');
  });

  it('changes nothing for a name that no owner can have', async () => {
    const { run, current } = await startOps();
    const before = await current();
    await expect(run('add', 'Ann')).rejects.toThrow("can't be an owner");
    expect(await current()).toBe(before);
  });
});

describe('import', () => {
  const NAMES = 'owner,name,max-budget\nann,"Ann, A.",\nbob,Bob,7.50\n';

  it('makes an owner of each row, and prints the rows with their tokens', async () => {
    const world = await startOps(LINODE_TOKEN, NAMES);
    const [head, ...rows] = await world.run('import', 'students.csv', '--max-budget', '5');
    expect(head).toBe('owner,name,max-budget,token');
    expect(rows).toEqual([
      expect.stringMatching(/^ann,"Ann, A\.",,onebuck_[\w-]{43}$/),
      expect.stringMatching(/^bob,Bob,7\.50,onebuck_[\w-]{43}$/),
    ]);
    const tokens = rows.map((row) => row.split(',').at(-1) ?? '');
    expect(await Promise.all(tokens.map(world.ownerOf))).toEqual(['ann', 'bob']);
    const [ann = '', bob = ''] = tokens.map(sha256);
    expect((await world.fields()).apiTokens).toEqual({
      ann: { sha256: ann, monthlyUsd: '5' },
      bob: { sha256: bob, monthlyUsd: '7.50' },
    });
    expect(world.messages[0]).toBe('2 owners have a new token each.');
  });

  it('makes twenty owners in one change of the secret', async () => {
    const owners = Array.from({ length: 20 }, (_, index) => `student-${index + 1}`);
    const world = await startOps(LINODE_TOKEN, `owner\n${owners.join('\n')}\n`);
    const [, ...rows] = await world.run('import', 'students.csv', '--may', 'launch');
    const tokens = rows.map((row) => row.split(',')[1]);
    expect(await Promise.all(tokens.map(world.ownerOf))).toEqual(owners);
  });

  it('changes nothing if an owner has a token already', async () => {
    const apiTokens = { bob: 'a'.repeat(64) };
    const world = await startOps({ linodeToken: LINODE_TOKEN, apiTokens }, NAMES);
    const message = 'Nothing was changed: bob has a token already.';
    await expect(world.run('import', 'students.csv')).rejects.toThrow(message);
    expect((await world.fields()).apiTokens).toEqual(apiTokens);
  });

  it('names all faults with their lines, and changes nothing', async () => {
    const file = 'owner,max-budget\nAnn,5\nbob,\nbob,much\n';
    const world = await startOps(LINODE_TOKEN, file);
    const before = await world.current();
    await expect(world.run('import', 'students.csv')).rejects.toThrow(
      /^Nothing was changed\.\nline 2: "Ann" can't be an owner.*\nline 4: "bob" is there twice\.\nline 4: max-budget must be an amount/s,
    );
    expect(await world.current()).toBe(before);
  });

  it.each([
    ['', 'The file has no rows below its first line.'],
    ['owner\n', 'The file has no rows below its first line.'],
    ['student\nann\n', 'The first line must name the columns, one of them owner.'],
  ])('refuses the file %j', async (file, message) => {
    const { run } = await startOps(LINODE_TOKEN, file);
    await expect(run('import', 'students.csv')).rejects.toThrow(message);
  });
});

describe('edit', () => {
  const SecretId = SECRET_ID;
  it('is repeated over what somebody else wrote between its read and its write', async () => {
    const { client, fields } = await startOps();
    const theirs = JSON.stringify({ linodeToken: 'rotated', note: 'theirs' });
    let hasMeddled = false;
    const put = new PutSecretValueCommand({ SecretId, SecretString: theirs });
    // This write runs just before the second of the two calls by which `edit` writes the secret.
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'UpdateSecretVersionStageCommand' && !hasMeddled) {
          hasMeddled = true;
          await client.send(put);
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    await edit(client, SecretId, (text) => withToken(text, 'ann', 'a'.repeat(64)));
    expect(await fields()).toEqual({
      linodeToken: 'rotated',
      note: 'theirs',
      apiTokens: { ann: 'a'.repeat(64) },
    });
  });

  it('throws after five tries, without a change, where others write all the time', async () => {
    const { client, current } = await startOps();
    let writes = 0;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'UpdateSecretVersionStageCommand') {
          writes += 1;
          const SecretString = `rotated-${writes}`;
          await client.send(new PutSecretValueCommand({ SecretId, SecretString }));
        }
        return next(args);
      },
      { step: 'initialize' },
    );
    const edited = edit(client, SecretId, (text) => withToken(text, 'ann', 'a'.repeat(64)));
    await expect(edited).rejects.toMatchObject({ name: 'InvalidParameterException' });
    expect(writes).toBe(5);
    expect(await current()).toBe('rotated-5');
  });
});

describe('list', () => {
  it('prints only the owners and the first 8 digits of their hashes', async () => {
    const apiTokens = { admin: 'a'.repeat(64), bo: ['b'.repeat(64), 'c'.repeat(64)], eve: [] };
    const { run, messages } = await startOps({ linodeToken: LINODE_TOKEN, apiTokens });
    expect(await run('list')).toEqual(['admin  aaaaaaaa', 'bo     bbbbbbbb cccccccc']);
    expect(messages).toEqual([`API tokens in ${SECRET_ID}, by the first digits of their SHA-256:`]);
  });

  it('says how to add the first token', async () => {
    const { run, messages } = await startOps(LINODE_TOKEN);
    expect(await run('list')).toEqual([]);
    expect(messages.join()).toContain('npm run tokens -- add admin --stage dev');
  });
});

describe('revoke', () => {
  it('revokes one token by the digits that list prints', async () => {
    const { run, ownerOf } = await startOps();
    const [first] = await run('add', 'ann');
    const [second] = await run('add', 'ann');
    const digits = sha256(first ?? '').slice(0, 8);
    expect(await run('list')).toEqual([expect.stringContaining(digits)]);
    await run('revoke', 'ann', digits);
    expect([await ownerOf(first), await ownerOf(second)]).toEqual([null, 'ann']);
  });

  it("revokes all tokens of an owner, and no other owner's", async () => {
    const { run, ownerOf, fields } = await startOps();
    const anns = [...(await run('add', 'ann')), ...(await run('add', 'ann'))];
    const [bobs] = await run('add', 'bob');
    await run('revoke', 'ann');
    expect(await Promise.all([...anns, bobs].map(ownerOf))).toEqual([null, null, 'bob']);
    expect(await fields()).toMatchObject({ linodeToken: LINODE_TOKEN, note: 'kept' });
  });

  it("does not revoke the admin's last token without --force", async () => {
    const { run, ownerOf } = await startOps();
    const [token] = await run('add', 'admin');
    await expect(run('revoke', 'admin')).rejects.toThrow('--force');
    expect(await ownerOf(token)).toBe('admin');
    await run('revoke', 'admin', '--force');
    expect(await ownerOf(token)).toBeNull();
  });
});

describe('the command line of tokens', () => {
  it('has the stage dev by default', () => {
    expect(parseRequest(['list'])).toMatchObject({ stage: 'dev', region: null, force: false });
    expect(parseRequest(['add', 'ann', '--stage', 'prod', '--region', 'eu-west-1'])).toEqual({
      command: 'add',
      owner: 'ann',
      digits: null,
      stage: 'prod',
      region: 'eu-west-1',
      force: false,
      life: null,
      limits: {},
    });
  });

  it.each([
    [[]],
    [['add']],
    [['add', 'ann', 'bob']],
    [['list', 'ann']],
    [['revoke']],
    [['revoke', 'ann', 'aaaaaaaa', 'bbbbbbbb']],
    [['show', 'ann']],
    [['list', '--verbose']],
    [['list', '--stage', '../prod']],
    [['list', '--stage']],
  ])('%j is answered with the usage', (args) => {
    expect(() => parseRequest(args)).toThrow(
      /\nUsage: npm run tokens -- .*\n {2}add \[options\] <owner> |\nUsage: npm run tokens -- add /s,
    );
  });
});
