import * as z from 'zod/mini';
import { must, optional } from '../base/fields.ts';

/**
 * What a node's agent may say. `ready`: the node's cloud-init is done. `failed`: it, or the user's
 * own script in it, has failed. `alive`: nothing new. `due`: the teardown time has passed.
 */
export const agentEvents = ['ready', 'failed', 'alive', 'due'] as const;

/** More than an agent sends; what is kept of it is shorter still. */
const DETAIL_CHARACTERS_MAX = 2_000;

export const agentCallShape = {
  event: z
    .enum(agentEvents, { error: must(`one of ${agentEvents.join(', ')}`) })
    .check(z.describe('What the node is, or, with due, that its teardown time has passed.')),
  detail: optional(
    z
      .string({ error: must('a text') })
      .check(
        z.maxLength(
          DETAIL_CHARACTERS_MAX,
          `must be at most ${DETAIL_CHARACTERS_MAX} characters long`,
        ),
        z.describe("With failed: cloud-init's status, and the last lines of its log."),
      ),
  ),
};

export const agentCallSchema = z.strictObject(agentCallShape);
export type AgentCall = z.output<typeof agentCallSchema>;
