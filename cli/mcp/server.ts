import { McpServer, type ServerContext, type ToolAnnotations } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { getQuote, listImages, listRegions, listTypes } from '../../client/catalogue.ts';
import { getInventoryText } from '../../client/clusters.ts';
import { memory } from '../../client/memory.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { quoteSentence } from '../../client/quote.ts';
import { setups } from '../../client/spec.ts';
import { findCluster } from '../find.ts';
import { type Answer, type Asking, askingOf, resultOf, utc } from './answers.ts';
import { exec } from './exec.ts';
import { logs, results, stop, upload } from './jobs.ts';
import { status } from './looking.ts';
import { limitSentence, type Session } from './session.ts';
import { destroy, extend, launch } from './spending.ts';

const job = z.strictObject({
  command: z.string().min(1).describe('What the shell of a node runs, in the folder of the job.'),
  on: z.enum(['head', 'all']).optional().describe('Node 0, which is the default, or all.'),
  env: z.record(z.string(), z.string()).optional().describe('Variables for the command.'),
  inputs: z.array(z.string()).optional().describe('What the tool upload has given.'),
  results: z.array(z.string()).optional().describe('Paths or globs to keep, such as out/.'),
  tasks: z.string().optional().describe('Dealt to all nodes as ONEBUCK_TASK_IDS, such as 1-100.'),
  onDone: z.enum(['destroy', 'keep']).optional().describe('Of the cluster, after the command.'),
  onFailure: z.enum(['keepPaidHour', 'destroy', 'keep']).optional().describe('If it fails.'),
  gracePeriodSeconds: z.int().min(10).max(600).optional().describe('From SIGTERM to the end.'),
});

/** The fields of a spec, as the API takes them. */
export const specInput = z.strictObject({
  nodes: z.int().positive().describe('How many Linodes.'),
  type: z.string().optional().describe('Their type, as g6-nanode-1; or give vcpus or memoryMb.'),
  vcpus: z.int().positive().optional().describe('The cheapest type with at least so many vCPUs,'),
  memoryMb: z.int().positive().optional().describe('and with at least so many MB of memory.'),
  region: z.string().describe('Such as us-east; the tool regions lists them.'),
  image: z.string().describe('Id or label, as "Ubuntu 24.04 LTS"; the tool images lists them.'),
  budgetUsd: z.number().positive().describe('The most that Linode may bill for all nodes.'),
  maxHours: z.int().positive().optional().describe('The most hours that the cluster may live.'),
  transferGb: z.int().nonnegative().optional().describe('GB to send to the internet, if many.'),
  name: z.string().optional().describe('What to call the cluster.'),
  authorizedKeys: z.array(z.string()).optional().describe('SSH public keys that may log in.'),
  authorizedUsers: z.array(z.string()).optional().describe('Linode users whose keys may log in.'),
  userData: z.string().optional().describe('What cloud-init runs at first boot.'),
  userDataBase64: z.string().optional().describe('The same as bytes in base64, instead.'),
  onPartial: z.enum(['destroy', 'keep']).optional().describe('If some nodes cannot come up.'),
  tags: z.array(z.string()).optional().describe('Tags for every node.'),
  network: z.enum(['private', 'isolated', 'none']).optional().describe('Between the nodes.'),
  setup: z.array(z.enum(setups)).optional().describe('What Onebuck installs on every node.'),
  openPorts: z.array(z.string()).optional().describe('Beside ssh, such as "80" or "53/udp".'),
  job: job.optional().describe('A command; when it is over, the cluster ends.'),
});

const cluster = z.string().describe('The id of a cluster, or the name of a live one.');

const INSTRUCTIONS =
  'Onebuck launches clusters of Linodes and destroys each before it costs more than its budget. ' +
  'Linode bills every started hour of every node. Ask for a quote first. For work that ends by ' +
  'itself, launch with a job: upload its files, and fetch results when status says that it is over; ' +
  'its cluster ends with it. Destroy other clusters as soon as their work is done: their nodes and ' +
  'all that is on them are then gone. Times are UTC.';

const READS: ToolAnnotations = { readOnlyHint: true };
const ADDS: ToolAnnotations = { readOnlyHint: false, destructiveHint: false };
const SPENDS: ToolAnnotations = { readOnlyHint: false, destructiveHint: false };
const DESTROYS: ToolAnnotations = { readOnlyHint: false, destructiveHint: true };

/** How many types an answer has at most: the cheapest that fit come first. */
const TYPES_MAX = 20;

/** An MCP server with Onebuck's tools, for one connection. */
export function createAgentServer(session: Session, version: string): McpServer {
  const { api } = session;
  const server = new McpServer(
    { name: 'onebuck', title: 'Onebuck', version },
    { instructions: `${INSTRUCTIONS} ${limitSentence(session)}` },
  );

  function tool<Input extends z.ZodObject>(
    name: string,
    annotations: ToolAnnotations,
    description: string,
    inputSchema: Input,
    answer: (input: z.output<Input>, asking: Asking, signal: AbortSignal) => Promise<Answer>,
  ): void {
    const config = { description, annotations, inputSchema: inputSchema as z.ZodObject };
    server.registerTool(name, config, (input, context: ServerContext) =>
      resultOf(() =>
        answer(input as z.output<Input>, askingOf(server, context), context.mcpReq.signal),
      ),
    );
  }

  tool(
    'types',
    READS,
    `The ${TYPES_MAX} cheapest types of Linodes that match, with their prices.`,
    specInput
      .pick({ vcpus: true, memoryMb: true, nodes: true })
      .partial()
      .extend({
        region: z.string().optional().describe('With the prices of that region.'),
      }),
    async (asked) => {
      const { types } = await listTypes(api, asked);
      const sentences = types.slice(0, TYPES_MAX).map(({ id, vcpus, memoryMb, hourlyUsd }) => {
        const price = hourlyUsd === null ? 'price unknown' : `${dollars(hourlyUsd)} an hour`;
        return `${id}: ${plural(vcpus, 'vCPU')}, ${memory(memoryMb)}, ${price}`;
      });
      return { sentences: sentences.length > 0 ? sentences : ['No type has as much.'] };
    },
  );

  tool('regions', READS, 'All regions that a spec can name.', z.strictObject({}), async () => ({
    sentences: (await listRegions(api)).map(({ id, label }) => `${id}: ${label}`),
  }));

  tool('images', READS, 'The images that nodes can boot.', z.strictObject({}), async () => ({
    sentences: (await listImages(api)).map(({ id, label }) => `${id}: ${label}`),
  }));

  tool(
    'quote',
    READS,
    'What a cluster would cost and how long it would last. Nothing is bought.',
    specInput,
    async (asked) => {
      const quote = await getQuote(api, asked);
      const others = quote.alternatives.map(({ sentence }) => sentence);
      const said = [quoteSentence(quote, utc), ...quote.warnings, ...others];
      return { sentences: [...said, limitSentence(session)] };
    },
  );

  tool(
    'launch',
    SPENDS,
    'Launches a cluster, which Onebuck destroys before it costs more than budgetUsd.',
    specInput.extend({
      idempotencyKey: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters without spaces')
        .optional()
        .describe('Only after an unclear answer, which names it: nothing is launched twice.'),
    }),
    (asked, asking) => launch(session, asked, asking),
  );

  tool(
    'status',
    READS,
    'A cluster with its money, teardown time and history; without a cluster, all live ones.',
    z.strictObject({
      cluster: cluster.optional(),
      waitUntilUp: z.boolean().optional().describe('Waits up to 45 s for all nodes to be ready.'),
      waitUntilDone: z.boolean().optional().describe('Waits up to 45 s for the end of the job.'),
    }),
    (asked, _asking, signal) => status(session, asked, signal),
  );

  tool(
    'inventory',
    READS,
    'The names and addresses of the nodes, in the form that a tool reads.',
    z.strictObject({
      cluster,
      format: z.enum(['json', 'ssh', 'hosts', 'ansible', 'mpi']).optional(),
    }),
    async ({ cluster: named, format = 'json' }) => {
      const { id } = await findCluster(api, named);
      return { sentences: [await getInventoryText(api, id, format)] };
    },
  );

  tool(
    'upload',
    ADDS,
    'Uploads files and folders of this machine, without what .gitignore names, as inputs of a job.',
    z.strictObject({ paths: z.array(z.string()).min(1).describe('Such as ["."].') }),
    (asked) => upload(session, asked),
  );

  tool(
    'logs',
    READS,
    'The end of what the command of a job has printed, also after the end of its cluster.',
    z.strictObject({
      cluster,
      rank: z.int().min(0).optional().describe('The index of the node; 0 unless given.'),
    }),
    (asked) => logs(session, asked),
  );

  tool(
    'results',
    ADDS,
    'Fetches the results of a job into a folder of this machine, also after the end of its cluster.',
    z.strictObject({ cluster, into: z.string().describe('The folder.') }),
    (asked) => results(session, asked),
  );

  tool(
    'stop',
    DESTROYS,
    'Stops the command of a job by SIGTERM, and saves its results; then its cluster ends.',
    z.strictObject({ cluster }),
    (asked, asking) => stop(session, asked, asking),
  );

  tool(
    'exec',
    DESTROYS,
    'Runs a command on all nodes at once by ssh, and returns exit codes and output. For what ' +
      'takes more than a minute, start it in the background and look again.',
    z.strictObject({
      cluster,
      command: z.string().min(1).describe('Read by the shell of each node.'),
    }),
    (asked, _asking, signal) => exec(session, asked, signal),
  );

  tool(
    'extend',
    SPENDS,
    'Makes a cluster live longer, by hours or by a new budget. Give one of both.',
    z.strictObject({
      cluster,
      hours: z.int().positive().optional().describe('By so many hours.'),
      budgetUsd: z.number().positive().optional().describe('To this budget in all.'),
    }),
    (asked, asking) => extend(session, asked, asking),
  );

  tool(
    'destroy',
    DESTROYS,
    'Destroys a cluster now, with all that is on its nodes. Repeating it does no harm.',
    z.strictObject({ cluster }),
    (asked, asking) => destroy(session, asked, asking),
  );

  return server;
}
