import type { Quote, Shape } from '../client/answers.ts';
import { getQuote } from '../client/catalogue.ts';
import { roughly } from '../client/durations.ts';
import { gigabytes } from '../client/memory.ts';
import { dollars } from '../client/money.ts';
import type { Spec } from '../client/spec.ts';
import { workIn } from '../client/work.ts';
import { type Context, show } from './context.ts';
import { CliError } from './errors.ts';
import { type Block, table } from './format.ts';
import { type SpecOptions, specOf } from './spec.ts';

const MINUTE_MS = 60_000;

/** Shows the clusters that do some work within a budget. */
export async function plan(
  context: Context,
  { work: text, ...options }: SpecOptions & { readonly work: string },
): Promise<void> {
  const work = workIn(text);
  if (work === null) {
    const message = `--work must be such as "120 vcpu-hours" or "8 gpu-hours", not ${text}.`;
    throw new CliError('usage', message);
  }
  const spec = specOf(context, options);
  const answer = await getQuote(context.api(), { ...spec, work });
  show(context, answer, () => planBlocks(answer, spec));
}

function planBlocks(answer: Quote, { transferGb }: Spec): Block[] {
  const { shapes = [], region, warnings } = answer;
  const [fastest] = shapes;
  const rows = shapes.map((shape, index) => [
    ['fastest', 'cheapest'][index] ?? '',
    `${shape.nodes} × ${shape.type}`,
    ...size(shape),
    roughly(shape.takesMinutes * MINUTE_MS),
    `${shape.hours}`,
    dollars(shape.costUsd),
    dollars(shape.wastedUsd),
  ]);
  const head = ['', 'NODES', 'VCPUS', 'MEMORY GB', 'DONE IN', 'HOURS', 'COSTS', 'IDLE'];
  return [
    table(head, rows),
    'VCPUS and MEMORY GB are of each node; HOURS are started hours, and IDLE is what their rest costs.',
    ...warnings.map((warning) => `Note: ${warning}`),
    ...(fastest === undefined
      ? []
      : [`Launch the fastest with: ${launchCommand(fastest, region, transferGb)}`]),
  ];
}

const size = ({ vcpus, memoryMb }: Shape): string[] => [`${vcpus}`, gigabytes(memoryMb)];

/** `transferGb`: what the cost pays for, too, and so the launch must plan. */
const launchCommand = (
  { nodes, type, hours, costUsd }: Shape,
  region: string,
  transferGb: unknown,
): string =>
  `onebuck launch --nodes ${nodes} --type ${type} --region ${region} --max-hours ${hours} ` +
  `${typeof transferGb === 'number' ? `--transfer ${transferGb} ` : ''}--budget ${costUsd} …`;
