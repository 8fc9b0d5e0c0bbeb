import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { microUsd } from '../../../../lib/core/base/money.ts';
import { parseSpec, specSchema } from '../../../../lib/core/cluster/spec.ts';
import { ED25519 } from '../../../support/public-keys.ts';

const limits = { nodesMax: 100, budgetMax: microUsd(50_000_000) };
const KEY = `${ED25519} ada@example.org`;

const aRequest = (overrides: Record<string, unknown> = {}) => ({
  nodes: 3,
  type: 'g6-nanode-1',
  region: 'us-east',
  image: 'linode/debian12',
  budgetUsd: 1,
  ...overrides,
});
const without = (name: string, overrides: Record<string, unknown> = {}) => {
  const { [name]: _, ...rest } = aRequest(overrides) as Record<string, unknown>;
  return rest;
};

function specOf(input: unknown) {
  const parsed = parseSpec(input, limits);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.spec;
}

/** The faults as `path: message`. */
function faultsOf(input: unknown): string[] {
  const parsed = parseSpec(input, limits);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

const messageFor = (name: string, value: unknown): string | undefined =>
  faultsOf(aRequest({ [name]: value }))[0]?.slice(`${name}: `.length);

describe('a spec', () => {
  it('needs five fields, and has a default for every other field', () => {
    expect(specOf(aRequest())).toEqual({
      name: null,
      nodes: 3,
      machine: { kind: 'type', type: 'g6-nanode-1' },
      region: 'us-east',
      image: 'linode/debian12',
      budget: 1_000_000,
      maxHours: null,
      transferGb: null,
      authorizedKeys: [],
      authorizedUsers: [],
      userData: null,
      userDataBase64: null,
      onPartial: 'destroy',
      tags: [],
      network: null,
      setup: [],
      openPorts: [],
      job: null,
    });
  });

  it('takes every field', () => {
    const spec = specOf(
      aRequest({
        name: 'Zahlen & Größen 🧮',
        budgetUsd: 2.5,
        maxHours: 12,
        authorizedKeys: [KEY],
        authorizedUsers: ['ada', 'grace.hopper_1-x'],
        userData: '#cloud-config\n',
        onPartial: 'keep',
        tags: ['team: numbers', 'test=true'],
        network: 'isolated',
        setup: ['mpi', 'nfs'],
        openPorts: [80, '443', '8000-8100', '53/udp', '8080/tcp'],
      }),
    );
    expect(spec).toMatchObject({
      name: 'Zahlen & Größen 🧮',
      budget: 2_500_000,
      maxHours: 12,
      authorizedKeys: [KEY],
      authorizedUsers: ['ada', 'grace.hopper_1-x'],
      userData: '#cloud-config\n',
      onPartial: 'keep',
      tags: ['team: numbers', 'test=true'],
      network: 'isolated',
      setup: ['mpi', 'nfs'],
      openPorts: ['80', '443', '8000-8100', '53/udp', '8080'],
    });
  });

  it('takes a job, with defaults for all but its command', () => {
    const job = { command: 'mpirun ./pi' };
    expect(specOf(aRequest({ job })).job).toEqual({
      command: 'mpirun ./pi',
      on: 'head',
      env: {},
      inputs: [],
      results: [],
      onDone: 'destroy',
      onFailure: 'keepPaidHour',
      gracePeriodSeconds: 120,
      tasks: null,
    });
    const whole = {
      command: 'sh run.sh\n',
      on: 'all',
      env: { SEED: '7', _a1: '' },
      inputs: ['uabcdefgh23'],
      results: ['out/', '*.csv', 'deep/**/x.txt', '.hidden', 'a..b'],
      onDone: 'keep',
      onFailure: 'destroy',
      gracePeriodSeconds: 600,
      tasks: '1-100',
    };
    expect(specOf(aRequest({ job: whole })).job).toEqual(whole);
    expect(specOf(aRequest({ job: null })).job).toBeNull();
  });

  it.each([
    ['Persian', 'می‌خواهم'],
    ['Hindi', 'क्‍ष'],
    ['Hindi, with a half form at the end', 'क्‍'],
    ['Bengali', 'র‍্য'],
    ['a family', '👨‍👩‍👧‍👦'],
    ['a heart on fire', '❤️‍🔥'],
    ['a doctor with a skin', '👩🏽‍⚕️ on call'],
  ])('takes a name with joiners: %s', (_, name) => {
    expect(specOf(aRequest({ name })).name).toBe(name);
  });

  it('takes null for an optional field, as the API shows a spec without the field', () => {
    expect(specOf(aRequest({ name: null, maxHours: null, userData: null }))).toEqual(
      specOf(aRequest()),
    );
  });

  it('takes a size in place of a type, with 1 for vcpus or memoryMb if left out', () => {
    const sized = (size: Record<string, unknown>) => specOf(without('type', size)).machine;
    expect(sized({ vcpus: 4, memoryMb: 8192 })).toEqual({
      kind: 'size',
      vcpus: 4,
      memoryMb: 8192,
    });
    expect(sized({ vcpus: 4 })).toEqual({ kind: 'size', vcpus: 4, memoryMb: 1 });
    expect(sized({ memoryMb: 8192 })).toEqual({ kind: 'size', vcpus: 1, memoryMb: 8192 });
  });

  it('drops the line break at the end of a public key', () => {
    expect(specOf(aRequest({ authorizedKeys: [`${KEY}\n`] })).authorizedKeys).toEqual([KEY]);
  });
});

describe('a fault', () => {
  it.each([null, undefined, 7, 'spec', [aRequest()], true])(
    'is found at the root, and is the only fault, for %j in place of a spec',
    (input) => {
      expect(parseSpec(input, limits)).toEqual({
        ok: false,
        faults: [{ path: '', message: 'a spec must be a JSON object' }],
        partial: {},
      });
    },
  );

  it('says for each missing field what the field must be', () => {
    expect(faultsOf({})).toEqual([
      'nodes: nodes is required: a whole number from 1 to 100',
      'region: region is required: a region id such as us-east (GET /regions lists them)',
      'image: image is required: ' +
        'an image id or label such as linode/debian12 or "Debian 12" (GET /images lists them)',
      'budgetUsd: budgetUsd is required: an amount in US dollars, such as 2.5',
      'type: type is required: a type id such as g6-nanode-1 (GET /types lists them); ' +
        'or else vcpus, memoryMb or both',
    ]);
  });

  it('is found in every field at once; fields without a fault are parsed', () => {
    const parsed = parseSpec(
      {
        ...aRequest({ nodes: 0, budgetUsd: -1, name: 'fine', image: 'Debian 12' }),
        onPartial: 'hope',
        authorizedKeys: [KEY, 'secret', KEY, 7],
        tags: ['reap=never', 'fine', 'FINE'],
        colour: 'red',
      },
      limits,
    );
    expect(parsed.ok ? [] : parsed.faults.map(({ path }) => path)).toEqual([
      'nodes',
      'budgetUsd',
      'authorizedKeys[1]',
      'authorizedKeys[3]',
      'onPartial',
      'tags[0]',
      'tags[2]',
      'colour',
    ]);
    expect(parsed.ok ? null : parsed.partial).toEqual({
      name: 'fine',
      machine: { kind: 'type', type: 'g6-nanode-1' },
      region: 'us-east',
      image: 'Debian 12',
      maxHours: null,
      transferGb: null,
      authorizedUsers: [],
      userData: null,
      userDataBase64: null,
      network: null,
      setup: [],
      openPorts: [],
      job: null,
    });
  });

  it.each([0, -1, 101, 1.5, '3', null, Number.NaN, Number.POSITIVE_INFINITY, [3]])(
    'is found in %j nodes',
    (nodes) => {
      expect(faultsOf(aRequest({ nodes }))).toEqual([
        'nodes: nodes must be a whole number from 1 to 100',
      ]);
    },
  );

  it.each([
    [0, 'must be more than 0'],
    ['0.00', 'must be a JSON number: 0.00, without quotes'],
    ['2.50', 'must be a JSON number: 2.50, without quotes'],
    ['1.2345678', 'must have at most 6 decimals'],
    [-1, 'must be an amount in US dollars, such as 2.5'],
    ['', 'must be an amount in US dollars, such as 2.5'],
    ['1e3', 'must be an amount in US dollars, such as 2.5'],
    [null, 'must be an amount in US dollars, such as 2.5'],
    [[1], 'must be an amount in US dollars, such as 2.5'],
    [Number.NaN, 'must be an amount in US dollars, such as 2.5'],
    [0.0000001, 'must have at most 6 decimals'],
    [50.000001, 'must be at most $50.00'],
    [1e300, 'must be at most 1000000000 US dollars'],
  ])('is found in a budget of %j', (budgetUsd, message) => {
    expect(faultsOf(aRequest({ budgetUsd }))).toEqual([`budgetUsd: budgetUsd ${message}`]);
  });

  it('is not found in the smallest and the largest budget', () => {
    expect(specOf(aRequest({ budgetUsd: 50 })).budget).toBe(50_000_000);
    expect(specOf(aRequest({ budgetUsd: 0.000001 })).budget).toBe(1);
  });

  it.each([
    ['a joiner between Latin letters', 'na\u200dme'],
    ['a non-joiner between Latin letters', 'na\u200cme'],
    ['a joiner at the beginning', '\u200dمن'],
    ['a non-joiner at the end', 'می\u200c'],
    ['two joiners in a row', '👨\u200d\u200d👩'],
    ['a joiner after an emoji, before a letter', '👨\u200dx'],
    ['joiners only', '\u200c\u200d'],
    ['a mark that turns the direction of text', 'abc\u202edef'],
    ['an isolate', '\u2066abc\u2069'],
    ['a zero-width blank', 'a\u200bb'],
    ['a soft hyphen', 'a\u00adb'],
  ])('is found in a name with %s', (_, name) => {
    expect(messageFor('name', name)).toBe('name must be 1 to 64 printable characters');
  });

  it.each(['', ' ', 'two\nlines', 'a\u0000b', 'a\u2028b', 'x'.repeat(65), 7, ['name']])(
    'is found in the name %j',
    (name) => {
      expect(messageFor('name', name)).toBe('name must be 1 to 64 printable characters');
    },
  );

  it.each([0, 87_601, 1.5, '12'])('is found in maxHours of %j', (maxHours) => {
    expect(messageFor('maxHours', maxHours)).toBe(
      'maxHours must be a whole number from 1 to 87600',
    );
  });

  it.each(['', 7, null, 'two\nlines', 'x'.repeat(200)])(
    'is found in the region, image or type %j',
    (id) => {
      expect(messageFor('region', id)).toMatch(/^region must be a region id such as us-east/);
      expect(messageFor('image', id)).toMatch(/^image must be an image id or label/);
      expect(messageFor('type', id)).toMatch(/^type must be a type id such as g6-nanode-1/);
    },
  );

  it('is found in a type together with a size', () => {
    expect(faultsOf(aRequest({ vcpus: 4 }))).toEqual([
      'type: type and vcpus exclude each other: leave one of them out',
    ]);
    expect(faultsOf(aRequest({ vcpus: undefined }))).toEqual([]);
    expect(faultsOf(aRequest({ vcpus: 4, memoryMb: 1 }))).toEqual([
      'type: type and vcpus and memoryMb exclude each other: leave one of them out',
    ]);
  });

  it('is found in an empty type, and then the spec has no machine', () => {
    const parsed = parseSpec(aRequest({ type: '' }), limits);
    expect(parsed).toMatchObject({ ok: false, faults: [{ path: 'type' }] });
    expect(parsed).not.toHaveProperty('partial.machine');
  });

  it('is found in a size out of bounds, and then the spec has no machine', () => {
    const parsed = parseSpec(without('type', { vcpus: 0, memoryMb: 8192 }), limits);
    expect(parsed).toMatchObject({
      faults: [{ path: 'vcpus', message: 'vcpus must be a whole number from 1 to 1024' }],
    });
    expect(parsed.ok ? null : parsed.partial).not.toHaveProperty('machine');
  });

  it.each([
    '',
    'ssh-ed25519',
    'ssh-ed25519 BBBB',
    'SSH-ED25519 AAAAC3NzaC1lZDI1NTE5',
    'AAAAC3NzaC1lZDI1NTE5AAAAIJ0f',
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    `${KEY}\n${KEY}`,
    `${KEY}\u0007`,
    `from="10.0.0.1" ${KEY}`,
    7,
    null,
  ])('is found in the public key %j', (key) => {
    expect(faultsOf(aRequest({ authorizedKeys: [KEY, key] }))).toEqual([
      'authorizedKeys[1]: authorizedKeys[1] must be one line of an OpenSSH public key: ' +
        '"ssh-ed25519 AAAA… you@host"',
    ]);
  });

  it('is found in more than 50 public keys, and in a key without a list', () => {
    const message = 'authorizedKeys must be a list of at most 50 OpenSSH public keys';
    expect(messageFor('authorizedKeys', Array(51).fill(KEY))).toBe(message);
    expect(messageFor('authorizedKeys', KEY)).toBe(message);
    expect(messageFor('authorizedKeys', Array(50).fill(KEY))).toBeUndefined();
  });

  it('takes keys of 80,000 bytes together, and no more', () => {
    const key = `${KEY.split(' ').slice(0, 2).join(' ')} `;
    const filled = (bytes: number) => `${key}ü${'x'.repeat(bytes - key.length - 2)}`;
    const keys = (last: number) => [...Array(39).fill(filled(2_000)), filled(last)];
    expect(messageFor('authorizedKeys', keys(2_000))).toBeUndefined();
    expect(messageFor('authorizedKeys', keys(2_001))).toMatch(
      /^authorizedKeys must be at most 80000 bytes long together: take shorter keys/,
    );
  });

  it('is found in user data of no bytes or of more than 16384 bytes in UTF-8', () => {
    const message = 'userData must be plain text, not base64, of 1 to 16384 bytes in UTF-8';
    expect(messageFor('userData', '')).toBe(message);
    expect(messageFor('userData', { text: '' })).toBe(message);
    expect(messageFor('userData', 'x'.repeat(16_385))).toBe(message);
    expect(messageFor('userData', `${'ü'.repeat(8_192)}x`)).toBe(message);
    expect(messageFor('userData', 'ü'.repeat(8_192))).toBeUndefined();
  });

  it.each([
    'ab',
    'x'.repeat(51),
    'onebuck-prod',
    'onebuck=cabcdefghij',
    'OneBuck things',
    'reap=20261122T1557Z',
    'Reap=never',
    ' reap=20261122T1557Z',
    'ends in a blank ',
    'a,b',
    'größe',
    7,
  ])('is found in the tag %j', (tag) => {
    expect(faultsOf(aRequest({ tags: ['fine', tag] }))).toEqual([
      'tags[1]: tags[1] must be 3 to 50 letters, digits, blanks or =._:- that do not start with ' +
        'onebuck or reap=, and have no blank at either end',
    ]);
  });

  it.each(['ab', 'x'.repeat(33), 'ada lovelace', 'ada@example.org', '', 7])(
    'is found in the user %j',
    (user) => {
      expect(faultsOf(aRequest({ authorizedUsers: ['ada', user] }))).toEqual([
        'authorizedUsers[1]: authorizedUsers[1] must be the name of a user of the Linode account',
      ]);
    },
  );

  it('is found in more than 50 users', () => {
    const message = 'authorizedUsers must be a list of at most 50 users of the Linode account';
    expect(messageFor('authorizedUsers', Array(51).fill('ada'))).toBe(message);
    expect(messageFor('authorizedUsers', Array(50).fill('ada'))).toBeUndefined();
  });

  it('is found in user data that is no base64 of 1 to 16384 bytes', () => {
    const message = 'userDataBase64 must be base64 of 1 to 16384 bytes, with its padding';
    const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
    for (const wrong of ['', 'H4s', 'H4s=x', 'H4-I', 'H4sI\n', '=', 7, ['H4sI'], base64(16_385)]) {
      expect(messageFor('userDataBase64', wrong), JSON.stringify(wrong)).toBe(message);
    }
    for (const bytes of [1, 2, 3, 16_382, 16_383, 16_384]) {
      expect(messageFor('userDataBase64', base64(bytes)), `${bytes}`).toBeUndefined();
    }
  });

  it('is found in user data both as text and as bytes', () => {
    expect(faultsOf(aRequest({ userData: '#', userDataBase64: 'H4sI' }))).toEqual([
      'userDataBase64: userDataBase64 and userData exclude each other: leave one of them out',
    ]);
    expect(faultsOf(aRequest({ userData: '#', userDataBase64: null }))).toEqual([]);
  });

  it('is found in more than 10 tags, and in a tag that is there twice', () => {
    const many = Array.from({ length: 11 }, (_, index) => `tag-${index}`);
    expect(messageFor('tags', many)).toBe('tags must be a list of at most 10 tags');
    expect(messageFor('tags', many.slice(1))).toBeUndefined();
    expect(faultsOf(aRequest({ tags: ['one', 'two', 'One', 'one'] }))).toEqual([
      'tags[2]: tags[2] must differ from the others',
      'tags[3]: tags[3] must differ from the others',
    ]);
  });

  it.each(['public', true, ['private'], ''])('is found in the network %j', (network) => {
    expect(messageFor('network', network)).toBe('network must be "private", "isolated" or "none"');
  });

  it('is found in a setup that Onebuck does not know, and in one that is there twice', () => {
    expect(faultsOf(aRequest({ setup: ['mpi', 'spark', 'mpi', 7] }))).toEqual([
      'setup[1]: setup[1] must be one of mpi, nfs, slurm, dask, ray, docker',
      'setup[3]: setup[3] must be one of mpi, nfs, slurm, dask, ray, docker',
      'setup[2]: setup[2] must differ from the others',
    ]);
    expect(messageFor('setup', 'mpi')).toBe(
      'setup must be a list of mpi, nfs, slurm, dask, ray, docker',
    );
  });

  it('is found in setups of several nodes without a network between them', () => {
    const apart = { network: 'none', setup: ['mpi', 'nfs'] };
    expect(faultsOf(aRequest(apart))).toEqual([
      'network: network none leaves the nodes without the network that mpi and nfs need: leave it ' +
        'out, or ask for private or isolated',
    ]);
    expect(faultsOf(aRequest({ ...apart, nodes: 1 }))).toEqual([]);
    expect(faultsOf(aRequest({ ...apart, setup: [] }))).toEqual([]);
    expect(faultsOf(aRequest({ ...apart, network: 'isolated' }))).toEqual([]);
  });

  const HIDDEN = '{ "command": "a", "env": { "__proto__": "1", "A": "2" } }';

  it.each([
    ['no object', 'job', 'make', 'must be an object with a command'],
    ['no command', 'job.command', {}, 'is required: a command of 1 to 8192 bytes'],
    ['a blank command', 'job.command', { command: ' \n' }, 'must be a command'],
    ['a command with NUL', 'job.command', { command: 'a\0b' }, 'must be a command'],
    ['a long command', 'job.command', { command: 'é'.repeat(4_097) }, 'must be a command of 1 to'],
    [
      'an unknown field',
      'job',
      { command: 'a', onn: 1 },
      'has the unknown field onn: leave it out',
    ],
    ['an unknown node', 'job.on', { command: 'a', on: 'n1' }, 'must be one of head, all'],
    ['a name of env', 'job.env.A-B', { command: 'a', env: { 'A-B': '' } }, 'must have names'],
    ['our names', 'job.env.ONEBUCK_X', { command: 'a', env: { ONEBUCK_X: '' } }, 'ONEBUCK_'],
    ['what JavaScript hides', 'job.env', JSON.parse(HIDDEN), 'must have no variable __proto__'],
    ['a number in env', 'job.env.A', { command: 'a', env: { A: 1 } }, 'must be a text'],
    ['half a character', 'job.command', { command: 'a\ud800' }, 'must be a command of 1 to'],
    ['half of one in env', 'job.env.A', { command: 'a', env: { A: '\ud800' } }, 'must be a text'],
    ['a long env', 'job.env', { command: 'a', env: { A: 'x'.repeat(8_192) } }, 'at most 8192'],
    ['an upload', 'job.inputs[0]', { command: 'a', inputs: ['x'] }, 'must be the id of an upload'],
    ['the root', 'job.results[0]', { command: 'a', results: ['/etc'] }, 'must be a path or a glob'],
    ['above', 'job.results[0]', { command: 'a', results: ['a/../../b'] }, 'must be a path or'],
    ['a line break', 'job.results[0]', { command: 'a', results: ['a\nb'] }, 'must be a path or'],
    ['a short grace', 'job.gracePeriodSeconds', { command: 'a', gracePeriodSeconds: 9 }, '10 to'],
    ['tasks', 'job.tasks', { command: 'a', on: 'all', tasks: '5-1' }, 'must begin each range'],
    ['tasks of one', 'job.tasks', { command: 'a', tasks: '1-5' }, 'set job.on to all'],
  ])('names what is wrong with a job: %s', (_, path, job, message) => {
    expect(faultsOf(aRequest({ job }))).toEqual([
      expect.stringMatching(new RegExp(`^${path.replaceAll(/[[\].]/g, '\\$&')}: .*`)),
    ]);
    expect(faultsOf(aRequest({ job })).join()).toContain(message);
  });

  it.each([
    0,
    65_536,
    1.5,
    '',
    '0',
    '080',
    '80-',
    '80/sctp',
    '70000',
    '1-70000',
    ' 80',
    null,
    [80],
  ])('is found in the open port %j', (port) => {
    expect(faultsOf(aRequest({ openPorts: [port] }))).toEqual([
      'openPorts[0]: openPorts[0] must be a port from 1 to 65535, or a range such as 8000-8100; ' +
        '53/udp for UDP',
    ]);
  });

  it('is found in a range of ports that runs backwards, more than 20 ports, and a port twice', () => {
    expect(faultsOf(aRequest({ openPorts: ['8100-8000', 80, 443, '80/tcp', '80/udp'] }))).toEqual([
      'openPorts[0]: openPorts[0] must begin with its lower port',
      'openPorts[3]: openPorts[3] must differ from the others',
    ]);
    const many = Array.from({ length: 21 }, (_, index) => index + 1);
    expect(messageFor('openPorts', many)).toBe(
      'openPorts must be a list of at most 20 ports, such as "80" or "8000-8100"',
    );
    expect(messageFor('openPorts', many.slice(1))).toBeUndefined();
  });

  it('is found in an unknown field, and suggests the field that was probably meant', () => {
    expect(faultsOf(aRequest({ budget: 1, constructor: 1 }))).toEqual([
      'budget: "budget" is no field of a spec; did you mean budgetUsd?',
      'constructor: "constructor" is no field of a spec: leave it out',
    ]);
    expect(faultsOf(JSON.parse(`{"__proto__": {"nodes": 3}}`))).toContain(
      '__proto__: "__proto__" is no field of a spec: leave it out',
    );
  });

  it('is one of at most 100 faults', () => {
    const fields = Array.from({ length: 500 }, (_, index) => [`field${index}`, index]);
    expect(faultsOf(Object.fromEntries(fields))).toHaveLength(100);
  });
});

describe('the schema', () => {
  it('describes each field of the JSON of a spec, with its bounds', () => {
    const schema = z.toJSONSchema(specSchema(limits), { io: 'input' });
    expect(schema.required).toEqual(['nodes', 'region', 'image', 'budgetUsd']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties).toMatchObject({
      nodes: { type: 'integer', minimum: 1, maximum: 100 },
      budgetUsd: { type: 'number' },
      onPartial: { enum: ['destroy', 'keep'], default: 'destroy' },
      tags: { type: 'array', maxItems: 10, default: [] },
    });
    for (const property of Object.values(schema.properties ?? {})) {
      expect(JSON.stringify(property)).toMatch(/"description":"\w/);
    }
  });
});

const aField = fc.oneof(
  fc.constantFrom(...Object.keys(specSchema(limits).shape)),
  fc.string({ maxLength: 12 }),
);
const almostASpec = fc
  .dictionary(aField, fc.oneof(fc.anything(), fc.integer(), fc.string(), fc.array(fc.string())))
  .chain((fields) =>
    fc.boolean().map((isWhole) => (isWhole ? { ...aRequest(), ...fields } : fields)),
  );

describe('always', () => {
  it('any value is a spec or has faults with distinct paths and without words of zod', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), almostASpec), (input) => {
        const parsed = parseSpec(input, limits);
        if (parsed.ok) return;
        const paths = parsed.faults.map(({ path }) => path);
        expect(paths.length).toBeGreaterThan(0);
        expect(new Set(paths).size).toBe(paths.length);
        for (const { path, message } of parsed.faults) {
          expect(message).toContain(path);
          expect(message).not.toMatch(/undefined|expected|received|invalid input/i);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a fault in one field changes nothing in the other fields', () => {
    fc.assert(
      fc.property(fc.constantFrom('nodes', 'region', 'image', 'maxHours', 'tags'), (name) => {
        const spec = specOf(aRequest());
        const parsed = parseSpec(aRequest({ [name]: { not: 'this' } }), limits);
        const { [name as keyof typeof spec]: _, ...rest } = spec;
        expect(parsed.ok ? null : parsed.partial).toEqual(rest);
      }),
    );
  });

  it('a budget is taken to the micro-dollar', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000_000 }), (micro) => {
        expect(specOf(aRequest({ budgetUsd: micro / 1e6 })).budget).toBe(micro);
      }),
    );
  });
});
