import * as z from 'zod/mini';
import { must, optional, text, wholeNumber } from '../base/fields.ts';
import { SEGMENT_BYTES, SEGMENTS_MAX } from '../job/keys.ts';
import { UPLOAD_BYTES_MAX } from '../job/upload.ts';

/**
 * What a node's agent may say. `ready`: the node's cloud-init is done. `failed`: it, or the user's
 * own script in it, has failed. `alive`: nothing new. `due`: the teardown time has passed. `sending`:
 * the node has used half of what it may send; may it send more?
 */
const nodeEvents = ['ready', 'failed', 'alive', 'due', 'sending'] as const;

/**
 * What it may say of the cluster's job. `job`: it asks for the job. `staged`: the inputs are there;
 * may the command start? `started`: it runs. `log`: a segment of its output. `exited`: the command
 * has ended. `upload`: it asks where to put the results. `ended`: all is told, the results are there.
 */
const jobEvents = ['job', 'staged', 'started', 'log', 'exited', 'upload', 'ended'] as const;

const agentEvents = [...nodeEvents, ...jobEvents] as const;

/** No node sends so much in a month, and numbers are exact up to here. */
const SENT_BYTES_MAX = 9e15;

/** The year 5138, as clocks may be wrong. */
const COUNTED_SINCE_MAX = 1e11;

/** More than an agent sends; what is kept of it is shorter still. */
const DETAIL_CHARACTERS_MAX = 2_000;

const resultsShape = z
  .strictObject(
    {
      name: text(/^r[a-z2-7]{10}$/, 'the name that the answer to upload gave', 'The name.'),
      bytes: wholeNumber(1, UPLOAD_BYTES_MAX, 'The size of the archive.'),
      unpackedBytes: wholeNumber(0, 1e15, 'The bytes of the files in it.'),
      files: wholeNumber(0, 1e9, 'The number of files in it.'),
    },
    { error: must('an object with name, bytes, unpackedBytes and files') },
  )
  .check(z.describe('With ended: the archive with the results; null: there are none.'));

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
        z.describe(
          "With failed: cloud-init's status, and the last lines of its log. With exited or ended: " +
            'why there is no exit code, or what is missing among the results.',
        ),
      ),
  ),
  sentBytes: optional(
    wholeNumber(
      0,
      SENT_BYTES_MAX,
      'With sending: the bytes that the node has counted in this calendar month (UTC) that it has ' +
        'sent to the internet.',
    ),
  ),
  countedSince: optional(
    wholeNumber(
      0,
      COUNTED_SINCE_MAX,
      'With sending: since when the node has counted what it sends, in seconds of the epoch, by its ' +
        'own clock. A node that was rebuilt counts anew.',
    ),
  ),
  segment: optional(
    wholeNumber(0, SEGMENTS_MAX - 1, 'With log: the number of the segment, from 0.'),
  ),
  data: optional(
    z
      .string({ error: must(`base64 of at most ${SEGMENT_BYTES} bytes`) })
      .check(
        z.regex(/^[A-Za-z0-9+/]*={0,2}$/),
        z.maxLength(4 * Math.ceil(SEGMENT_BYTES / 3)),
        z.describe('With log: the whole segment as far as it has grown, in base64.'),
      ),
  ),
  exitCode: optional(
    wholeNumber(0, 255, 'With exited or ended: the exit code of the command; null: it has none.'),
  ),
  bytes: optional(
    wholeNumber(1, UPLOAD_BYTES_MAX, 'With upload: the size of the archive with the results.'),
  ),
  lastCall: z._default(
    z
      .boolean({ error: must('true or false') })
      .check(z.describe('With ended: whether the agent ended the command itself.')),
    false,
  ),
  results: optional(resultsShape),
};

export type AgentEvent = (typeof agentEvents)[number];

export const isOfJob = ({ event }: { readonly event: AgentEvent }): boolean =>
  (jobEvents as readonly AgentEvent[]).includes(event);

export const agentCallSchema = z.strictObject(agentCallShape);
export type AgentCall = z.output<typeof agentCallSchema>;
