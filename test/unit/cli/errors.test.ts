import { describe, expect, it } from 'vitest';
import { CliError, cliErrorOf, errorJson, withAdvice } from '../../../cli/errors.ts';
import { NoContact, refusalOf } from '../../../client/api.ts';
import { isLinodesRefusal } from '../../../client/problem.ts';

const URL = 'https://x';
const errorFor = (status: number, body: string) => cliErrorOf(refusalOf(URL, status, body));

describe('an error of the API', () => {
  it('names every fault and every alternative once', () => {
    const problem = {
      ...{ code: 'invalid', detail: 'The spec has faults. Or: take one node.' },
      errors: [
        { path: 'nodes', message: 'nodes must be a whole number' },
        { path: 'region', message: 'is required' },
      ],
      alternatives: [{ sentence: 'take one node' }, { sentence: 'Take us-east.' }],
    };
    expect(errorFor(400, JSON.stringify(problem))).toMatchObject({
      failure: 'usage',
      message:
        'The spec has faults. Or: take one node.\n' +
        '  nodes must be a whole number\n  region is required\n  Take us-east.',
      answer: problem,
    });
  });

  it.each([
    [401, 'notLoggedIn'],
    [403, 'notLoggedIn'],
    [404, 'notFound'],
    [409, 'failed'],
    [422, 'refused'],
    [500, 'failed'],
    [503, 'unreachable'],
  ])('with status %s is the failure %s', (status, failure) => {
    expect(errorFor(status, '{"detail":"d"}')?.failure).toBe(failure);
  });

  it('about a token says why it is refused, or what it may not do', () => {
    const of = (code: string, detail: string) =>
      errorFor(403, JSON.stringify({ status: 403, code, detail }));
    expect(of('unknownToken', 'The token has expired.')).toMatchObject({
      failure: 'notLoggedIn',
      message:
        'https://x refuses the token. The token has expired. ' +
        'Run "onebuck login" with one that it takes.',
    });
    expect(of('notAllowed', 'The token may only read.')).toMatchObject({
      ...{ failure: 'notLoggedIn', message: 'The token may only read.' },
    });
  });

  it('is Linode’s refusal by its code, so that a launch says that nothing was launched', () => {
    const of = (code: string) => refusalOf(URL, 502, JSON.stringify({ code, detail: 'd' }));
    const codes = ['linodeDenied', 'linodeUnavailable', 'internal', 'refused'];
    expect(codes.map((code) => isLinodesRefusal(of(code)))).toEqual([true, true, false, false]);
    const others = [refusalOf(URL, 502, '{"detail":"d"}'), refusalOf(URL, 502, ''), new Error('x')];
    expect(others.map(isLinodesRefusal)).toEqual([false, false, false]);
  });

  it('by another server says to check the address', () => {
    expect(errorFor(404, '<html>')?.message).toBe(
      'https://x answers 404, and not as Onebuck does. See that the address is right.',
    );
  });

  it('without an answer is unreachable, and says why', () => {
    const of = (code: string) => cliErrorOf(new NoContact(URL, 'reset', true, { code }));
    expect(of('ECONNREFUSED')).toMatchObject({
      failure: 'unreachable',
      message: expect.stringMatching(/^https:\/\/x cannot be reached: nothing listens there\. See/),
    });
    expect(of('ENOTFOUND')?.message).toContain('there is no such host');
    expect(of('ECONNRESET')?.message).toContain('reached: reset. See');
  });

  it('of an https address at which a server speaks http names the other address', () => {
    const cause = { code: 'ERR_SSL_WRONG_VERSION_NUMBER' };
    expect(
      cliErrorOf(new NoContact('https://x:3000', 'error:0A00010B', true, cause))?.message,
    ).toBe(
      'https://x:3000 cannot be reached: the server speaks no https there; ' +
        'give http://x:3000 if it speaks http.',
    );
  });

  it('has the same fields as JSON, with an answer of the API and without', () => {
    const problem = { code: 'refused', detail: 'Too dear.' };
    const asJson = (error: CliError | null) => JSON.parse(errorJson(error as CliError));
    expect(asJson(errorFor(422, JSON.stringify(problem)))).toEqual({
      ...{ failure: 'refused', exitCode: 6, message: 'Too dear.', answer: problem },
    });
    expect(asJson(new CliError('usage', 'Say what to run.'))).toEqual({
      ...{ failure: 'usage', exitCode: 2, message: 'Say what to run.', answer: null },
    });
  });

  it('can be given advice, unless the error is a bug', () => {
    const advised = withAdvice(new NoContact(URL, 'reset'), 'Ask again.');
    expect(advised).toBeInstanceOf(CliError);
    expect((advised as CliError).message).toMatch(/\nAsk again\.$/);
    const bug = new TypeError('x is undefined');
    expect([cliErrorOf(bug), withAdvice(bug, 'Ask again.')]).toEqual([null, bug]);
  });
});
