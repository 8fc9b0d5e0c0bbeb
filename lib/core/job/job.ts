import * as z from 'zod/mini';
import type { Fault } from '../base/fault.ts';
import { isObject, must, optional, wholeNumber } from '../base/fields.ts';
import { tasksIn } from './tasks.ts';

/** A command that a cluster runs, with its inputs and results. When it is over, so is the cluster. */
export interface Job {
  /** 1 to 8,192 bytes, which the shell of a node reads. */
  readonly command: string;
  /** `head`: node 0 runs it; `all`: every node does. */
  readonly on: 'head' | 'all';
  /** Variables for the command: at most 50, 8,192 bytes together. */
  readonly env: Readonly<Record<string, string>>;
  /** At most 5 uploads, which every node unpacks before the command starts. */
  readonly inputs: readonly string[];
  /** At most 20 paths or globs below the folder of the job. */
  readonly results: readonly string[];
  /** What becomes of the cluster when the command has ended with 0. */
  readonly onDone: 'destroy' | 'keep';
  /**
   * The same when the job has failed. `keepPaidHour`: its nodes live until just before the end of
   * the hour that is paid anyway, so that people can look at them for free.
   */
  readonly onFailure: 'keepPaidHour' | 'destroy' | 'keep';
  /** How long before the teardown time the command gets SIGTERM: 10 to 600. */
  readonly gracePeriodSeconds: number;
  /** Numbers that are dealt to the nodes, such as `1-100`; null: none. */
  readonly tasks: string | null;
}

const COMMAND_BYTES_MAX = 8_192;
const ENV_MAX = 50;
const ENV_BYTES_MAX = 8_192;
const INPUTS_MAX = 5;
const RESULTS_MAX = 20;
const RESULT_CHARACTERS_MAX = 200;
const GRACE_DEFAULT_SECONDS = 120;

const bytesOf = (content: string): number => new TextEncoder().encode(content).length;

const COMMAND = `a command of 1 to ${COMMAND_BYTES_MAX} bytes in UTF-8, without NUL`;
/** Half of a surrogate pair has no UTF-8. */
const isWhole = (content: string): boolean => !/\p{Cs}/u.test(content);
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;
const WITHOUT_NUL = /^[^\0]*$/;
const ENV = `an object of at most ${ENV_MAX} names with texts, such as {"SEED": "7"}`;

const command = z.string({ error: must(COMMAND) }).check(
  z.regex(/^[^\0]*[^\s\0][^\0]*$/),
  z.maxLength(COMMAND_BYTES_MAX),
  z.refine((content) => bytesOf(content) <= COMMAND_BYTES_MAX && isWhole(content), {
    error: must(COMMAND),
  }),
  z.describe('What the shell of a node runs, in the folder of the job.'),
);

const variables = z
  .record(
    z.string().check(
      z.regex(NAME, { error: 'must have names of letters, digits and _' }),
      z.refine((name) => !/^ONEBUCK_/.test(name), {
        error: 'must have no name that begins with ONEBUCK_, which Onebuck sets',
      }),
    ),
    z
      .string({ error: must('a text') })
      .check(z.regex(WITHOUT_NUL), z.refine(isWhole, { error: must('a text') })),
    {
      error: (issue) =>
        issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? '') : must(ENV)(issue),
    },
  )
  .check(
    z.refine((all) => Object.keys(all).length <= ENV_MAX, { error: must(ENV) }),
    z.refine((all) => bytesOf(Object.entries(all).flat().join('')) <= ENV_BYTES_MAX, {
      error: `must be at most ${ENV_BYTES_MAX} bytes long together`,
    }),
  );

/** Zod leaves a key `__proto__` out of a record without a fault: a variable must not get lost. */
const env = z
  .pipe(
    z.unknown().check(
      z.refine((all) => !isObject(all) || !Object.hasOwn(all, '__proto__'), {
        error: 'must have no variable __proto__, which JavaScript keeps for itself',
      }),
    ),
    variables,
  )
  .check(
    z.meta({
      description: "Variables of the command's environment.",
      override: {
        type: 'object',
        propertyNames: { type: 'string', pattern: NAME.source },
        additionalProperties: { type: 'string', pattern: WITHOUT_NUL.source },
      },
    }),
  );

const UPLOAD = 'the id of an upload, which POST /uploads gives';

const inputs = z
  .array(z.string({ error: must(UPLOAD) }).check(z.regex(/^u[a-z2-7]{10}$/)), {
    error: must(`a list of at most ${INPUTS_MAX} uploads`),
  })
  .check(
    z.maxLength(INPUTS_MAX),
    z.refine((ids) => new Set(ids).size === ids.length, { error: 'must name each upload once' }),
    z.describe('The uploads that every node unpacks into the folder of the job, in this order.'),
  );

const RESULT = 'a path or a glob below the folder of the job, such as out/ or *.csv';
/** Relative, without a part `..`, and without control characters. */
const RESULT_PATTERN = /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\p{C}]+$/u;

const results = z
  .array(
    z
      .string({ error: must(RESULT) })
      .check(
        z.regex(RESULT_PATTERN),
        z.maxLength(RESULT_CHARACTERS_MAX),
        z.meta({ override: { pattern: '^[^/.\\u0000-\\u001f][^.\\u0000-\\u001f]*$' } }),
      ),
    { error: must(`a list of at most ${RESULTS_MAX} paths`) },
  )
  .check(
    z.maxLength(RESULTS_MAX),
    z.describe('What is kept of the folder of the job, of every node that ran the command.'),
  );

const tasks = z.string({ error: must('numbers and ranges, such as 1-100') }).check(
  z.superRefine((text, context) => {
    const read = tasksIn(text);
    if ('fault' in read) context.addIssue({ code: 'custom', message: read.fault });
  }),
  z.meta({ override: { pattern: '^[1-9][0-9]{0,2}$' } }),
  z.describe(
    'Numbers that are dealt to the nodes, each to one: ONEBUCK_TASK_IDS has those of a node.',
  ),
);

const oneOf = <const Names extends readonly [string, ...string[]]>(
  names: Names,
  description: string,
) => z.enum(names, { error: must(`one of ${names.join(', ')}`) }).check(z.describe(description));

/** The JSON form of a job. The message of a fault reads on from its path: "must be …". */
export const jobSchema = z.strictObject(
  {
    command,
    on: z._default(oneOf(['head', 'all'], 'Whether node 0 runs it, or every node.'), 'head'),
    env: z._default(env, {}),
    inputs: z._default(inputs, []),
    results: z._default(results, []),
    onDone: z._default(
      oneOf(['destroy', 'keep'], 'What becomes of the cluster when the command has ended with 0.'),
      'destroy',
    ),
    onFailure: z._default(
      oneOf(
        ['keepPaidHour', 'destroy', 'keep'],
        'What becomes of the cluster when the job has failed. keepPaidHour: it lives until just ' +
          'before the end of the hour that is paid anyway.',
      ),
      'keepPaidHour',
    ),
    gracePeriodSeconds: z._default(
      wholeNumber(
        10,
        600,
        'How long before the teardown time the command gets SIGTERM, so that results are saved.',
      ),
      GRACE_DEFAULT_SECONDS,
    ),
    tasks: optional(tasks),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has the unknown field ${issue.keys[0]}: leave it out`
        : must('an object with a command')(issue),
  },
);

/** Faults of fields that exclude each other. */
export function jobFaults(job: Job | null | undefined): Fault[] {
  if (job === null || job === undefined || job.tasks === null || job.on === 'all') return [];
  const message = 'job.tasks are dealt to all nodes: set job.on to all, or leave tasks out';
  return [{ path: 'job.tasks', message }];
}

/** The indexes of the nodes that run the command, of a cluster with so many nodes. */
export const runnersOf = ({ on }: Pick<Job, 'on'>, nodes: number): number[] =>
  on === 'head' ? [0] : Array.from({ length: nodes }, (_, index) => index);
