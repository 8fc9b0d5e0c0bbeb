import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nodeUserData,
  ownUserDataWarnings,
  plainUserData,
  type Room,
  userDataFaults,
} from '../../../lib/app/user-data.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { setups } from '../../../lib/core/room/setups.ts';
import { aJob, at } from '../../support/builders.ts';

const BYTES_MAX = 16_384;
const NONE = { userData: null, userDataBase64: null, setup: [], openPorts: [], job: null };

function aRoom(changes: Partial<Room['spec']> = {}, others: Partial<Room> = {}): Room {
  return {
    id: 'cabcdefghij',
    spec: { ...NONE, nodes: 4, ...changes },
    subnet: { block: 0, bits: 24 },
    agent: {
      publicUrl: 'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com',
      expiresAt: at('2026-12-03T12:00:00Z'),
      teardownAt: at('2026-11-27T12:00:00Z'),
    },
    slice: 46_500_000,
    key: 'a key',
    ...others,
  };
}

const sent = (room: Room, index = 0) => Buffer.from(nodeUserData(room, index), 'base64');
/** A script that gzip can't make smaller, of that many bytes. */
const dense = (length: number) =>
  `#!/bin/sh\n#${randomBytes(length).toString('base64')}`.slice(0, length);

describe('user data as Linode takes it', () => {
  it('is plain while it fits, and gzip when only that fits', () => {
    const short = sent(aRoom({ userData: '#!/bin/sh\necho hi\n' }));
    const long = sent(aRoom({ userData: `#!/bin/sh\n${'echo hi\n'.repeat(1_500)}` }));

    expect(short.toString()).toContain('\n\n#!/bin/sh\necho hi\n');
    expect(long.length).toBeLessThan(BYTES_MAX);
    expect(gunzipSync(long).toString()).toContain('echo hi\necho hi\n');
  });

  it("undoes the user's own gzip, and tells a node its address, URL and token", () => {
    const userDataBase64 = gzipSync('#!/bin/sh\necho packed\n').toString('base64');
    const text = sent(aRoom({ userDataBase64 }), 3).toString();

    expect(text).toContain('\n\n#!/bin/sh\necho packed\n');
    expect(text).toContain('cidr=10.128.0.0/24 me=10.128.0.4\n');
    expect(text).toMatch(/^echo https:.*amazonaws\.com\/agent\/cabcdefghij\/3 > /m);
    expect(text).toMatch(/oba_cabcdefghij_3_[0-9a-z]{6}_[\w-]{43} /);
    expect(text).toContain('echo 2026-11-27T12:00:00.000Z > $d/teardown-at');
  });

  it('tells a node its slice only if it has a limit', () => {
    const text = sent(aRoom()).toString();
    const unlimited = sent(aRoom({}, { slice: null })).toString();

    expect(text).toContain(' me=10.128.0.1\nslice=46500000\n');
    expect(text).toContain('echo "slice=$slice wan=');
    expect(unlimited).not.toContain('slice=');
  });

  it('is the same each time', () => {
    expect(nodeUserData(aRoom(), 1)).toBe(nodeUserData(aRoom(), 1));
  });

  it.each([2, 10, 100, 500])('of %i nodes with every setup leaves room for the user', (nodes) => {
    const subnet = { block: 0, bits: nodes > 250 ? 22 : 24 } as const;
    const room = aRoom({ nodes, setup: setups, openPorts: ['80'] }, { subnet });
    const without = sent(room, nodes - 1).length;
    const script = dense(8_000);

    expect(without).toBeLessThan(15_000);
    expect(userDataFaults(aRoom({ ...room.spec, userData: script }, { subnet }))).toEqual([]);
  });
});

describe('user data of a cluster with a job', () => {
  it('has the agent of the job, and leaves thousands of bytes with every setup', () => {
    const job = aJob();
    const room = aRoom({ nodes: 500, setup: setups, job }, { subnet: { block: 0, bits: 22 } });
    const text = gunzipSync(sent(room, 499)).toString();

    expect(text).toContain('onebuck-job-agent.service');
    expect(sent(aRoom({ setup: setups })).toString()).not.toContain('onebuck-job-agent.service');
    const userData = dense(3_000);
    expect(userDataFaults({ ...room, spec: { ...room.spec, userData } })).toEqual([]);
  });
});

describe('faults of user data', () => {
  it('name the bytes that are too many', () => {
    const [fault] = userDataFaults(aRoom({ userData: dense(16_000), setup: setups }));
    const { path, message } = fault ?? { path: '', message: '' };

    expect(path).toBe('userData');
    expect(message).toMatch(/^userData is too large by about \d+ bytes: .* Linode takes 16320\./);
  });

  it('refuse exactly what might not fit', () => {
    const ids = fc.stringMatching(/^c[a-z2-7]{10}$/).map((id) => id as ClusterId);
    const room = aRoom({ userData: dense(16_384), setup: setups });
    let most = 0;
    for (let length = 16_384; length > 8_000 && most === 0; length -= 16) {
      const userData = room.spec.userData?.slice(0, length) ?? '';
      if (userDataFaults({ ...room, spec: { ...room.spec, userData } }).length === 0) most = length;
    }
    const spec = { ...room.spec, userData: room.spec.userData?.slice(0, most) ?? '' };

    expect(most).toBeGreaterThan(8_000);
    fc.assert(
      fc.property(ids, fc.string(), fc.nat(3), (id, key, index) => {
        const { length } = sent({ ...room, spec, id, key }, index);
        expect(length).toBeLessThanOrEqual(BYTES_MAX);
        expect(length).toBeGreaterThan(BYTES_MAX - 300);
      }),
      { numRuns: 50 },
    );
  });

  it('refuse gzip that would unpack to megabytes', () => {
    const userDataBase64 = gzipSync(Buffer.alloc(2_000_000, '#')).toString('base64');
    expect(userDataFaults(aRoom({ userDataBase64 }))).toEqual([
      {
        path: 'userDataBase64',
        message: 'userDataBase64 must unpack to at most 1048576 bytes',
      },
    ]);
  });
});

describe('warnings about user data', () => {
  it('are of what is inside gzip, and of gzip that is broken', () => {
    const warningsOf = (bytes: Buffer) =>
      ownUserDataWarnings({ ...NONE, nodes: 1, userDataBase64: bytes.toString('base64') });

    expect(warningsOf(gzipSync('#!/bin/sh\n'))).toEqual([]);
    expect(warningsOf(gzipSync('no header'))).toEqual([
      expect.stringContaining('cloud-init ignores'),
    ]);
    expect(warningsOf(gzipSync('#!/bin/sh\n').subarray(0, 12))).toEqual([
      expect.stringContaining("can't be unpacked"),
    ]);
    expect(ownUserDataWarnings({ ...NONE, nodes: 1 })).toEqual([]);
  });
});

describe("the user's own user data alone", () => {
  it('is base64 of the text, or base64 as it was given', () => {
    expect(plainUserData({ userData: 'é', userDataBase64: null })).toBe('w6k=');
    expect(plainUserData({ userData: null, userDataBase64: 'AAAA' })).toBe('AAAA');
    expect(plainUserData({ userData: null, userDataBase64: null })).toBeNull();
  });
});
