import type { OfferedType } from '../client/answers.ts';
import { listImages, listRegions, listTypes } from '../client/catalogue.ts';
import { gigabytes } from '../client/memory.ts';
import { dollars } from '../client/money.ts';
import { numberIn } from '../client/spec.ts';
import { type Context, show } from './context.ts';
import { type Block, table } from './format.ts';
import { memoryMb } from './spec.ts';

export interface TypesOptions {
  readonly vcpus?: string;
  readonly memory?: string;
  readonly region?: string;
  readonly budget?: string;
  readonly nodes?: string;
  readonly transfer?: string;
}

export async function types(context: Context, options: TypesOptions): Promise<void> {
  const query = {
    vcpus: numberIn(options.vcpus),
    memoryMb: memoryMb(context, options.memory),
    region: options.region,
    budgetUsd: numberIn(options.budget),
    nodes: numberIn(options.nodes),
    transferGb: numberIn(options.transfer),
  };
  const answer = await listTypes(context.api(), query);
  show(context, answer, () => typesTable(answer.types));
}

function typesTable(offered: readonly OfferedType[]): Block {
  if (offered.length === 0) return 'No type has as much.';
  const hasHours = offered.some(({ affordableHours }) => affordableHours !== undefined);
  const hasStock = offered.some(({ available }) => available === false);
  const head = ['TYPE', 'VCPUS', 'MEMORY GB', 'DISK GB', 'AN HOUR'];
  const rows = offered.map((type) => [
    type.id,
    `${type.vcpus}`,
    gigabytes(type.memoryMb),
    gigabytes(type.diskMb),
    type.hourlyUsd === null ? 'unknown' : dollars(type.hourlyUsd),
    ...(hasHours ? [`${type.affordableHours ?? ''}`] : []),
    ...(hasStock ? [type.available === false ? 'sold out' : ''] : []),
  ]);
  return table([...head, ...(hasHours ? ['HOURS'] : []), ...(hasStock ? [''] : [])], rows);
}

export async function regions(
  context: Context,
  { country }: { readonly country?: string },
): Promise<void> {
  const found = await listRegions(context.api(), country);
  show(context, { regions: found }, () => {
    if (found.length === 0) return 'There is no such region.';
    const rows = found.map(({ id, label, country }) => [id, label, country.toUpperCase()]);
    return table(['REGION', 'PLACE', 'COUNTRY'], rows);
  });
}

export async function images(
  context: Context,
  { search }: { readonly search?: string },
): Promise<void> {
  const found = await listImages(context.api(), search);
  show(context, { images: found }, () => {
    if (found.length === 0) return 'There is no such image.';
    return table(
      ['IMAGE', 'LABEL'],
      found.map(({ id, label }) => [id, label]),
    );
  });
}
