import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { askingOf, resultOf } from '../../../../cli/mcp/answers.ts';

const server = {
  server: { getClientCapabilities: () => ({ elicitation: { form: {} } }) },
} as unknown as McpServer;

/** The result of a tool that asks a person about a price, with the replies that the client has. */
const ask = (price: string, replies?: Record<string, unknown>) =>
  resultOf(async () => {
    const context = { mcpReq: { inputResponses: replies } } as unknown as ServerContext;
    askingOf(server, context).confirm(`Launch it for ${price}, until 10:00?`, price, '');
    return { sentences: ['launched'] };
  });

const agreed = { action: 'accept', content: { confirm: true } };
const launched = { content: [{ type: 'text', text: 'launched' }] };

async function keyOf(price: string): Promise<string> {
  const { inputRequests } = (await ask(price)) as { inputRequests: Record<string, unknown> };
  const [key = ''] = Object.keys(inputRequests);
  return key;
}

describe('confirm', () => {
  it('takes the "yes" to the same terms', async () => {
    expect(await ask('$1.00', { [await keyOf('$1.00')]: agreed })).toEqual(launched);
  });

  it('asks again when the terms have changed since the "yes"', async () => {
    const replies = { [await keyOf('$1.00')]: agreed };
    expect(await ask('$2.00', replies)).toHaveProperty('inputRequests');
    const both = { ...replies, [await keyOf('$2.00')]: agreed };
    expect(await ask('$2.00', both)).toEqual(launched);
  });

  it('does nothing after a "no"', async () => {
    const replies = { [await keyOf('$1.00')]: { action: 'decline' } };
    expect(await ask('$1.00', replies)).toMatchObject({ isError: true });
  });
});
