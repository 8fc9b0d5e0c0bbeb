import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AgentClaim,
  agentToken,
  expiryFrom,
  readAgentToken,
} from '../../../lib/app/agent-token.ts';
import type { ClusterId } from '../../../lib/core/base/names.ts';
import { epochMs, hours, plus } from '../../../lib/core/base/units.ts';
import { at } from '../../support/builders.ts';

const KEY = 'a password key of 32 characters!';
const NOW = at('2026-11-26T12:00:00Z');
const CLAIM: AgentClaim = { clusterId: 'c5ks6joutnp', rank: 3, expiresAt: plus(NOW, hours(1)) };

const claims = fc.record({
  clusterId: fc.stringMatching(/^c[a-z2-7]{10}$/).map((id) => id as ClusterId),
  rank: fc.integer({ min: 0, max: 499 }),
  expiresAt: fc.integer({ min: 1, max: 4_000_000_000 }).map((at) => epochMs(at * 1_000)),
});

describe('a token of an agent', () => {
  it('has a form that a person can tell', () => {
    expect(agentToken(KEY, CLAIM)).toMatch(/^oba_c5ks6joutnp_3_[0-9a-z]{6}_[\w-]{43}$/);
  });

  it('says of which node and until when it speaks', () => {
    fc.assert(
      fc.property(claims, (claim) => {
        const read = readAgentToken(KEY, agentToken(KEY, claim), epochMs(0));
        expect(read).toEqual(claim);
      }),
    );
  });

  it('is the same each time it is made, so that a repeated create has the same user data', () => {
    expect(agentToken(KEY, CLAIM)).toBe(agentToken(KEY, { ...CLAIM }));
    expect(expiryFrom(NOW) - NOW).toBe(7 * 24 * 3_600_000);
  });

  it('is taken until it expires, and not from then on', () => {
    const token = agentToken(KEY, CLAIM);
    expect(readAgentToken(KEY, token, epochMs(CLAIM.expiresAt - 1))).toEqual(CLAIM);
    expect(readAgentToken(KEY, token, CLAIM.expiresAt)).toBe('expired');
  });

  it('is rounded up to whole seconds', () => {
    const token = agentToken(KEY, { ...CLAIM, expiresAt: epochMs(CLAIM.expiresAt - 1) });
    expect(readAgentToken(KEY, token, NOW)).toEqual(CLAIM);
  });

  it('of another deployment is forged, also after its expiry', () => {
    const token = agentToken('the password key of another stage', CLAIM);
    expect(readAgentToken(KEY, token, NOW)).toBe('forged');
    expect(readAgentToken(KEY, token, plus(NOW, hours(2)))).toBe('forged');
  });

  it('is forged if one character of it is changed, left out or added', () => {
    const character = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789_-ABCXYZ');
    fc.assert(
      fc.property(claims, fc.nat(), character, fc.nat(2), (claim, where, put, width) => {
        const token = agentToken(KEY, claim);
        const place = where % token.length;
        const changed = `${token.slice(0, place)}${put}${token.slice(place + width)}`;
        fc.pre(changed !== token);
        expect(readAgentToken(KEY, changed, epochMs(0))).toBe('forged');
      }),
      { numRuns: 500 },
    );
  });

  it('never speaks for another claim than its own', () => {
    fc.assert(
      fc.property(claims, claims, (claim, other) => {
        const [token, mac] = [agentToken(KEY, other), agentToken(KEY, claim).slice(-43)];
        fc.pre(mac !== token.slice(-43));
        expect(readAgentToken(KEY, `${token.slice(0, -43)}${mac}`, epochMs(0))).toBe('forged');
      }),
    );
  });

  it.each([
    '',
    'oba_',
    'oba_c5ks6joutnp_3_tlo5c0_',
    `oba_c5ks6joutnp_03_tlo5c0_${'A'.repeat(43)}`,
    `oba_c5ks6joutnp_1000_tlo5c0_${'A'.repeat(43)}`,
    `oba_s5ks6joutnp_3_tlo5c0_${'A'.repeat(43)}`,
    `oba_c5ks6joutnp_3_tlo5c0_${'é'.repeat(43)}`,
    'onebuck-local',
  ])('is nothing of another form: %j', (text) => {
    expect(readAgentToken(KEY, text, NOW)).toBe('forged');
  });
});
