import { AGENT } from '../../lib/core/room/scripts/agent.ts';
import { SENDING } from '../../lib/core/room/scripts/sending.ts';
import { aSandbox } from './sandbox.ts';

/*
 * The agent in a folder that stands for the root of a node, with a clock that only its own pauses
 * move. That it works on a node which boots is for `npm run test:nodes`.
 */

const NOON = '2026-11-26T12:00:00Z';
const secondOf = (time: string) => Date.parse(time) / 1_000;
/** So many seconds after the start, if the agent starts at noon. */
export const iso = (second: number) => new Date((secondOf(NOON) + second) * 1_000).toISOString();

export interface AgentWorld {
  /** When the agent starts; by default at noon. */
  readonly start?: string;
  readonly rank?: number;
  /** Seconds after the start. */
  readonly teardownAt?: number;
  /** What it has told Onebuck before. */
  readonly told?: 'ready' | 'failed';
  /** What cloud-init leaves when it is done, and after how many seconds. */
  readonly result?: string;
  readonly doneAt?: number;
  readonly fault?: string;
  readonly hasJob?: boolean;
  /** What Onebuck answers, as the commands of a shell; `$1` is the body of the call. */
  readonly answer?: string;
  /** How many times longer than asked each pause lasts; by default 1. */
  readonly slowness?: number;
  /** How many seconds the agent runs. */
  readonly seconds: number;
  /** null: the node has no limit, which is the default. */
  readonly limit?: Limit | null;
}

/** A node that has a limit, and a table of nftables as the boot script has left it. */
export interface Limit {
  readonly slice: number;
  /** What is counted in a second, as an expression of a shell in which `t` is the second. */
  readonly sends?: string;
  /** What the agent has kept before; null: nothing. */
  readonly kept?: string | null;
  /** Commands of a shell that each pause carries out at its end; `t` is the second. */
  readonly meanwhile?: string;
}

export const DONE = '{\n "v1": {\n  "datasource": "DataSourceAkamai",\n  "errors": []\n }\n}';

/** The calls of an agent: the second, the token, and the body. */
export function agentIn(world: AgentWorld) {
  const { rank = 0, teardownAt = 40_000, told, result = DONE, doneAt = 0 } = world;
  const { start = NOON, limit = null } = world;
  const began = secondOf(start);
  const sandbox = aSandbox({
    date: `case $* in
+%s) cat "$SANDBOX/now" ;;
'-u +%Y%m') ${REAL_DATE} -u -d "@$(cat "$SANDBOX/now")" +%Y%m ;;
*) ${REAL_DATE} "$@" ;;
esac`,
    nft: NFT,
    sleep: `t=$(($(cat "$SANDBOX/now") - ${began}))
pause=$(($1 * ${world.slowness ?? 1}))
[ ! -e "$SANDBOX/counter" ] || {
  sent=$(($(cat "$SANDBOX/counter") + pause * (${limit?.sends ?? 0})))
  echo $sent > "$SANDBOX/counter"; }
t=$((t + pause)) now=$((t + ${began}))
echo $now > "$SANDBOX/now"
${limit?.meanwhile ?? ''}
[ $t -lt ${doneAt} ] || [ -e "$SANDBOX/run/cloud-init/result.json" ] || {
  mkdir -p "$SANDBOX/run/cloud-init"; cp "$SANDBOX/result" "$SANDBOX/run/cloud-init/result.json"; }
[ $t -le ${world.seconds} ] || kill $PPID`,
    curl: `echo "$*" > "$SANDBOX/arguments"
header=$(cat)
for body; do [ "$previous" != --data-binary ] || break; previous=$body; done
printf '%s %s %s\\n' "$(($(cat "$SANDBOX/now") - ${began}))" "$header" "$body" >> "$SANDBOX/calls"
answer() { ${world.answer ?? 'echo {}'}
}
answer "$body"`,
    systemctl: 'echo "$*" >> "$SANDBOX/systemctl"',
  });
  const { put } = sandbox;
  put('now', `${began}`);
  put('result', result);
  put('calls', '');
  put('etc/onebuck/environment', `ONEBUCK_RANK=${rank}\nONEBUCK_TEARDOWN_AT=${iso(teardownAt)}\n`);
  put('etc/environment', `LANG=C\nONEBUCK_TEARDOWN_AT=${iso(teardownAt)}\n`);
  put(
    'etc/systemd/system.conf.d/onebuck.conf',
    `[Manager]\nDefaultEnvironment=A=1 ONEBUCK_TEARDOWN_AT=${iso(teardownAt)} B=2 \n`,
  );
  put('etc/onebuck/token', 'first\n');
  put('etc/onebuck/url', 'https://api.example.com/agent/cabcdefghij/0\n');
  put('etc/onebuck/teardown-at', `${iso(teardownAt)}\n`);
  put('run/systemd/system/a', '');
  put('var/log/cloud-init-output.log', LOG);
  if (told !== undefined) put('etc/onebuck/told', told === 'ready' ? 'ready\n' : '');
  if (world.hasJob) put('usr/local/lib/onebuck/job.sh', 'echo started >> "$SANDBOX/job"\n');
  if (world.fault !== undefined) put('etc/onebuck/fault', world.fault);
  if (limit !== null) {
    put('usr/local/lib/onebuck/sending', sandbox.inside(SENDING));
    put('etc/onebuck/limit', `slice=${limit.slice} wan=eth0\n`);
    put('counter', `${limit.kept?.split(' ')[1] ?? 0}`);
    if (limit.kept) put('etc/onebuck/sent', `${limit.kept}\n`);
  }
  sandbox.run(AGENT);
  const calls = sandbox
    .read('calls')
    .split('\n')
    .flatMap((line) => {
      const [, at, token, body] =
        /^(\d+) header = "Authorization: Bearer (\S+)" (.*)$/.exec(line) ?? [];
      return body === undefined ? [] : [{ at: Number(at), token, ...(JSON.parse(body) as Said) }];
    });
  const lines = (path: string) => (sandbox.has(path) ? sandbox.read(path).trim().split('\n') : []);
  return {
    ...sandbox,
    calls,
    /** The allowances of all tables that were loaded, after what had been sent. */
    tables: lines('tables'),
    /** What the agent keeps: the month, what was sent, the allowance. */
    kept: lines('etc/onebuck/sent')[0]?.split(' ').slice(0, 3).join(' ') ?? null,
    /** Since when it counts. */
    countsSince: lines('etc/onebuck/sent')[0]?.split(' ')[3] ?? null,
    events: calls.map(({ at, event }) => [at, event]),
  };
}

interface Said {
  readonly event: string;
  readonly detail: string;
  readonly sentBytes?: number;
  readonly countedSince?: number;
}

/** The table of nftables that counts is a file with its counter; the last one that was loaded is kept. */
const NFT = `counter="$SANDBOX/counter"
case $* in
'list counter inet onebuck_sending sent')
  [ -e "$counter" ] || exit 1
  printf 'table inet onebuck_sending {\\n\\tcounter sent {\\n\\t\\tpackets 9 bytes %s\\n\\t}\\n}\\n' "$(cat "$counter")" ;;
'delete table inet onebuck_sending') rm "$counter" ;;
'-f -')
  cat > "$SANDBOX/loaded"
  sed -n 's/^quota allowance { over \\(.*\\) bytes used \\(.*\\) bytes }/\\2 of \\1/p' "$SANDBOX/loaded" >> "$SANDBOX/tables"
  [ -e "$counter" ] ||
    sed -n 's/^counter sent { packets 0 bytes \\(.*\\) }/\\1/p' "$SANDBOX/loaded" > "$counter" ;;
*) exit 1 ;;
esac`;

const REAL_DATE = '/bin/date';
const LOG = `ci-info: | 0 | eth0 |
Cloud-init v. 25.1.4 running 'modules:final' at a time. Up 1.90 seconds.
it "fails" because\\of é
2026-11-26 04:10:21,143 - cc_scripts_user.py[WARNING]: Failed to run module scripts-user
`;
