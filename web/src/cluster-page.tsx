import { useEffect, useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import {
  getCredentials,
  hasPasswords,
  isLive,
  nodesReady,
  readySentence,
} from '../../client/clusters.ts';
import { memory } from '../../client/memory.ts';
import { plural } from '../../client/plural.ts';
import { datedTime, nearTime, readableTimes } from '../../client/times.ts';
import { transferSentence } from '../../client/transfer.ts';
import { ClusterActions } from './cluster-actions.tsx';
import { Burning, Burnt, calledOf, LostContact, MetaLine, StatusBadge } from './cluster-parts.tsx';
import { useConsole, useRemote } from './hooks.ts';
import { InventoryView } from './inventory-view.tsx';
import { plainText } from './job.ts';
import { JobView } from './job-view.tsx';
import { inLabels } from './labels.ts';
import { useCluster } from './live.ts';
import { NodesTable } from './nodes-table.tsx';
import { Copy, Dialog, Loading, Problem } from './parts.tsx';

/** All about one cluster, live or ended. */
export function ClusterPage({ id }: { id: string }) {
  const { cluster, contact, put, lookNow } = useCluster(id);
  const called = cluster === null ? id : calledOf(cluster);
  useEffect(() => {
    document.title = `${called} · Onebuck`;
  }, [called]);
  return (
    <div class="view">
      <div class="headline">
        <div>
          <p class="meta">
            <a href="#/clusters">Clusters</a>
          </p>
          <h1 tabIndex={-1}>{called}</h1>
          {cluster !== null && <MetaLine cluster={cluster} />}
        </div>
        {cluster !== null && <StatusBadge status={cluster.status} />}
      </div>
      {cluster === null ? (
        <>
          {contact.lost === null && <Loading what="the cluster" />}
          <Problem error={contact.lost} onRetry={lookNow} />
        </>
      ) : (
        <>
          <LostContact contact={contact} onRetry={lookNow} />
          <Whole cluster={cluster} onChanged={put} onNews={lookNow} />
        </>
      )}
    </div>
  );
}

interface Props {
  readonly cluster: Cluster;
  readonly onChanged: (cluster: Cluster) => void;
}

function Whole({ cluster, onChanged, onNews }: Props & { readonly onNews: () => void }) {
  const isAlive = isLive(cluster);
  return (
    <>
      <section class={`card is-${cluster.status}`} aria-label="Budget and time">
        {isAlive ? <Burning cluster={cluster} /> : <Burnt cluster={cluster} />}
        {isAlive && (
          <ClusterActions cluster={cluster} onChanged={onChanged}>
            <Passwords cluster={cluster} />
          </ClusterActions>
        )}
      </section>
      {cluster.job !== null && <JobView {...{ cluster, job: cluster.job, onChanged, onNews }} />}
      <section class="card" aria-labelledby="nodes">
        <h2 id="nodes">{isAlive ? nodesReady(cluster) : plural(cluster.nodes.length, 'node')}</h2>
        <Readiness cluster={cluster} />
        <NodesTable nodes={cluster.nodes} />
      </section>
      {isAlive && <InventoryView cluster={cluster} />}
      <div class="halves">
        <Asked cluster={cluster} />
        <Story cluster={cluster} />
      </div>
    </>
  );
}

/** Said aloud when it changes. */
function Readiness({ cluster }: { cluster: Cluster }) {
  const { clock } = useConsole();
  const now = clock.now();
  return (
    <p class="hint" role="status">
      {readySentence(cluster, (at) => nearTime(at, now))}
    </p>
  );
}

/** Such as `10.128.0.0/24, on the VLAN onebuck-prod`; null: the nodes have none. */
const networkWords = ({ network }: Cluster): string | null =>
  network === null ? null : `${network.cidr}, on the VLAN ${network.vlan}`;

/** What the job was launched with, beside its command. */
function jobRows(job: Cluster['spec']['job']): readonly (readonly [string, string | null])[] {
  if (job === null) return [];
  const variables = Object.keys(job.env).join(', ');
  return [
    ['The job runs on', job.on === 'head' ? 'node 0' : 'every node'],
    ['Tasks', job.tasks],
    ['Variables', variables || null],
    ['Uploads', job.inputs.length === 0 ? null : plural(job.inputs.length, 'upload')],
    ['Results', job.results.map(plainText).join(', ') || null],
    ['Grace period', plural(job.gracePeriodSeconds, 'second')],
  ];
}

/** What it was launched with, and what came of it. */
const transferWords = ({ transfer }: Cluster): string | null =>
  transfer === null ? null : transferSentence(transfer);

function Asked({ cluster }: { cluster: Cluster }) {
  const { clock } = useConsole();
  const { spec, vcpus, diskMb, memoryMb } = cluster;
  const keys = spec.authorizedKeys.length;
  const rows: readonly (readonly [string, string | null])[] = [
    [
      'Type',
      `${cluster.type}: ${plural(vcpus, 'vCPU')}, ${memory(memoryMb)}, disk ${memory(diskMb)}`,
    ],
    ['Region', cluster.region],
    ['Image', cluster.image],
    ['Owner', cluster.owner],
    ['Launched', datedTime(cluster.createdAt, clock.now())],
    ['By schedule', cluster.scheduleId],
    ['At most hours', cluster.maxHours === null ? null : String(cluster.maxHours)],
    ['Transfer', transferWords(cluster)],
    ['SSH public keys', hasPasswords(spec) ? 'none: root passwords' : String(keys)],
    ['Users of the Linode account', spec.authorizedUsers.join(', ') || null],
    ['User data', spec.userData === null ? null : plural(spec.userData.length, 'character')],
    ['Private network', networkWords(cluster)],
    ['Setup', spec.setup.join(', ') || null],
    ['Open ports', spec.openPorts.join(', ') || null],
    ...jobRows(spec.job),
    ['If some nodes fail', spec.onPartial === 'keep' ? 'keep the others' : 'destroy all'],
    ['Tags', spec.tags.join(', ') || null],
  ];
  return (
    <section class="card" aria-labelledby="asked">
      <h2 id="asked">Launched with</h2>
      <dl>
        {rows.map(
          ([title, value]) =>
            value !== null && (
              <div key={title}>
                <dt>{title}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

function Story({ cluster }: { cluster: Cluster }) {
  const { clock } = useConsole();
  const now = clock.now();
  return (
    <section class="card story" aria-labelledby="story">
      <h2 id="story">What happened</h2>
      <ol>
        {cluster.history.map(({ at, event }) => (
          <li key={`${at} ${event}`}>
            <time dateTime={at}>{datedTime(at, now)}</time> {inLabels(readableTimes(event, now))}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Nodes without keys have passwords, for as long as they live. */
function Passwords({ cluster }: { cluster: Cluster }) {
  const [isOpen, setIsOpen] = useState(false);
  if (!hasPasswords(cluster.spec) || cluster.status === 'deleting') return null;
  return (
    <>
      <button type="button" onClick={() => setIsOpen(true)}>
        Root passwords
      </button>
      {isOpen && <PasswordsDialog cluster={cluster} onClose={() => setIsOpen(false)} />}
    </>
  );
}

function PasswordsDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const { api } = useConsole();
  const { remote, reload } = useRemote(cluster.id, () => getCredentials(api, cluster.id));
  return (
    <Dialog title={`Root passwords of ${calledOf(cluster)}`} onClose={onClose}>
      {remote.kind === 'loading' && <Loading what="passwords" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <ul class="passwords" tabIndex={0}>
          {remote.value.nodes.map(({ index, ipv4, user, rootPassword }) => (
            <li key={index}>
              <code>
                {user}@{ipv4 ?? '…'}
              </code>
              <code>{rootPassword ?? 'by key'}</code>
              {rootPassword !== null && (
                <Copy text={rootPassword} what={`the password of node ${index}`} />
              )}
            </li>
          ))}
        </ul>
      )}
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
