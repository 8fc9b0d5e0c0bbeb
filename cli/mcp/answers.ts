import { createHash } from 'node:crypto';
import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { CliError, cliErrorOf } from '../errors.ts';

/** The answer of a tool: sentences, and for programs the data as the API gives them. */
export interface Answer {
  readonly sentences: readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Instants in answers are as in the API's, in ISO 8601 and UTC. */
export const utc = (at: string | number): string => new Date(at).toISOString();

/** Thrown to have the client ask a person; the client then calls the tool again, with the reply. */
class Question extends Error {
  /** The name of the reply. */
  readonly key: string;
  constructor(question: string, key: string) {
    super(question);
    this.key = key;
  }
}

/** Asks a person. */
export interface Asking {
  /**
   * Returns once a person has agreed to `question`. Throws a CliError if the person does not agree,
   * or if the client can't ask, with `otherwise` as what to do then. `terms`: what the person agrees
   * to, without what passes, such as times. If they differ from those of the question that was
   * answered, because a price has changed meanwhile, the person is asked again.
   */
  confirm(question: string, terms: string, otherwise: string): void;
}

const confirmation = z.object({
  confirm: z.boolean().describe('Whether Onebuck may do so.'),
});

export function askingOf(server: McpServer, { mcpReq }: ServerContext): Asking {
  // In revisions of the protocol before 2026, a client declares its capabilities once.
  const envelope = mcpReq.envelope as Record<string, unknown> | undefined;
  const capabilities = (envelope?.[CLIENT_CAPABILITIES_META_KEY] ??
    server.server.getClientCapabilities()) as ClientCapabilities | undefined;
  const { inputResponses } = mcpReq;
  return {
    confirm(question, terms, otherwise) {
      if (capabilities?.elicitation === undefined) {
        throw new CliError('usage', `Nobody can be asked here. ${otherwise}`);
      }
      const key = `confirm-${createHash('sha256').update(terms).digest('hex').slice(0, 16)}`;
      if (inputResponses?.[key] === undefined) throw new Question(question, key);
      if (acceptedContent(inputResponses, key, confirmation)?.confirm === true) return;
      throw new CliError('refused', 'The person did not agree. Nothing was done.');
    },
  };
}

/** What the protocol carries: an answer, a question to a person, or an error with what to do. */
export async function resultOf(
  answer: () => Promise<Answer>,
): Promise<CallToolResult | InputRequiredResult> {
  try {
    const { sentences, data } = await answer();
    const json = data === undefined ? [] : [JSON.stringify(data)];
    return { content: [text([...sentences, ...json].join('\n'))] };
  } catch (error) {
    if (error instanceof Question) {
      return inputRequired({
        inputRequests: {
          [error.key]: inputRequired.elicit({
            message: error.message,
            requestedSchema: confirmation,
          }),
        },
      });
    }
    const known = cliErrorOf(error);
    if (known === null) throw error;
    return { isError: true, content: [text(known.message)] };
  }
}

const text = (words: string) => ({ type: 'text' as const, text: words });
