/* The API's words for a field, in those of the command line. */

/** The option for each field that has another name, or that only an option's name tells apart. */
const FLAGS: Readonly<Record<string, string>> = {
  memoryMb: '--memory',
  budgetUsd: '--budget',
  maxHours: '--max-hours',
  transferGb: '--transfer',
  authorizedKeys: '--ssh-key',
  authorizedUsers: '--authorized-user',
  userDataBase64: '--user-data',
  userData: '--user-data',
  onPartial: '--on-partial',
  openPorts: '--open',
  dailyCapUsd: '--daily-cap',
  weeklyCapUsd: '--weekly-cap',
  monthlyCapUsd: '--monthly-cap',
  'token.expiresAt': '--expires',
  expiresAt: '--expires',
  'token.may': '--may',
  'job.command': 'the command',
  'job.onFailure': '--on-failure',
  'job.onDone': '--keep',
  'job.on': '--on',
  'job.env': '--env',
  'job.inputs': '--upload',
  'job.results': '--results',
  'job.tasks': '--array',
  'job.gracePeriodSeconds': '--grace in seconds',
  'retry.forMinutes': '--retry-for',
  'retry.everyMinutes': '--retry-every',
};

/** The fields that are words of English, too: only at the beginning of a fault do they mean fields. */
const WORDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['nodes', 'type', 'vcpus', 'region', 'image', 'name', 'cron', 'timezone', 'overlap'],
      ...['network', 'setup'],
      ...['month', 'status', 'owner', 'country', 'search'],
    ].map((field) => [field, `--${field}`]),
  ),
  tags: '--tag',
};

const field = new RegExp(
  `(?<![\\w-])(${Object.keys(FLAGS).join('|').replaceAll('.', '\\.')})\\b`,
  'g',
);
const atFault = new RegExp(
  `^(\\s*)(?:spec\\.)?(${Object.keys(WORDS).join('|')})(?=(?:\\[\\d+\\])? (?:must|is|has)\\b)`,
  'gm',
);

/** A message of the API's in which each fault names the option, and each list its command. */
export const inFlags = (message: string): string =>
  message
    .replace(
      /\bmemoryMb must be a whole number[^\n]*/g,
      '--memory must be a size such as 4GB or 512MB',
    )
    .replace(atFault, (_, indent: string, name: string) => `${indent}${WORDS[name]}`)
    .replace(field, (name) => FLAGS[name] ?? name)
    .replace(/\bGET \/(types|regions|images)\b/g, 'onebuck $1');
