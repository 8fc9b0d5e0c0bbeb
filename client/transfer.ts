import type { Cluster } from './answers.ts';
import { dollars } from './money.ts';

/** `sent 180.2 GB of 166 GB, $0.075 beyond what the nodes brought` */
export function transferSentence({
  sentGb,
  limitGb,
  broughtGb,
  beyondUsd,
}: NonNullable<Cluster['transfer']>): string {
  const beyond = beyondUsd === 0 ? '' : `, ${dollars(beyondUsd)} beyond what the nodes brought`;
  return `sent ${sentGb} GB of ${limitGb ?? broughtGb} GB${beyond}`;
}
