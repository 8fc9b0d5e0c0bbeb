/*
 * The API names fields as its JSON has them. Here they are named as the labels on the page, which
 * is all that its reader sees.
 */

/** The label of each field, by the API's path. */
export const labels = {
  nodes: 'Nodes',
  budgetUsd: 'Budget',
  region: 'Region',
  image: 'Image',
  type: 'Type',
  vcpus: 'vCPUs',
  memoryMb: 'Memory',
  name: 'Name',
  maxHours: 'At most hours',
  transferGb: 'Transfer in GB',
  authorizedKeys: 'SSH public keys',
  authorizedUsers: 'Users of the Linode account',
  userData: 'User data',
  network: 'Private network',
  setup: 'Setup',
  openPorts: 'Open ports',
  onPartial: 'Keep what came up',
  job: 'Job',
  'job.command': 'Command',
  'job.on': 'Run on',
  'job.env': 'Variables',
  'job.inputs': 'Files',
  'job.results': 'Results',
  'job.onDone': 'When it is done',
  'job.onFailure': 'If it fails',
  'job.gracePeriodSeconds': 'Grace period',
  'job.tasks': 'Tasks',
  tags: 'Tags',
  cron: 'Cron expression',
  timezone: 'Time zone',
  overlap: 'Launch also while the last run’s cluster lives',
  owner: 'Owner',
  dailyCapUsd: 'At most a day',
  weeklyCapUsd: 'At most a week',
  monthlyCapUsd: 'At most a month',
  retry: 'Try again for',
  'retry.forMinutes': 'Try again for',
  'retry.everyMinutes': 'Try again for',
} as const satisfies Readonly<Record<string, string>>;

type Path = keyof typeof labels;
const isPath = (path: string): path is Path => Object.hasOwn(labels, path);

/** Whether a field, or a line of it, has a label of its own on the page. */
export const isLabelled = (path: string): boolean =>
  isPath(path.replace(/\[\d+\]$|^(job\.env)\..*/, '$1'));

/** A field of a message's beginning, such as `spec.nodes`, `authorizedKeys[1]` or `job.env.SEED`. */
const LEADING =
  /^(?:spec\.)?([a-z]\w*(?:\.[a-z]\w*)?)(?:\[(\d+)\]|(?<=job\.env)\.([^\s.]+))?(?= )/i;
/** Names that are no English words, and so mean the field wherever they stand. */
const CODED =
  /\b(?:spec\.)?(budgetUsd|maxHours|transferGb|memoryMb|authorizedKeys|authorizedUsers|userData|openPorts|dailyCapUsd|weeklyCapUsd|monthlyCapUsd|job\.[a-z]\w*)\b/gi;

/** A message of the API's with the labels of fields in place of their paths. */
export function inLabels(message: string): string {
  const [, path = '', index, variable] = LEADING.exec(message) ?? [];
  const rest = message.replace(LEADING, (lead) => (isPath(path) ? '' : lead));
  const label = !isPath(path)
    ? ''
    : variable === undefined
      ? nameOf(path, index)
      : `${labels[path]}: ${variable}`;
  return `${label}${rest.replace(CODED, (_, name: string) => (isPath(name) ? labels[name] : name))}`;
}

function nameOf(path: Path, index: string | undefined): string {
  if (index === undefined) return labels[path];
  const item = path === 'authorizedKeys' ? 'line' : 'item';
  return `${labels[path]}, ${item} ${Number(index) + 1},`;
}
