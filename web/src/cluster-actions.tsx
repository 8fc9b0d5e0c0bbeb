import { useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import type { Change } from '../../client/clusters.ts';
import {
  changeCluster,
  destroyCluster,
  getCredentials,
  getInventoryText,
} from '../../client/clusters.ts';
import { destroySentence } from '../../client/end.ts';
import { dollarsMore, extensionOf } from '../../client/extension.ts';
import { inventoryFormats } from '../../client/inventory.ts';
import { dollars } from '../../client/money.ts';
import { nearTime } from '../../client/times.ts';
import { useAction, useConsole, useRemote } from './hooks.ts';
import { Copy, Dialog, Loading, Problem, saveFile } from './parts.tsx';

interface Props {
  readonly cluster: Cluster;
  readonly onChanged: (cluster: Cluster) => void;
}

type Open = 'destroy' | 'passwords' | null;

export function ClusterActions({ cluster, onChanged }: Props) {
  const { api, clock, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const [open, setOpen] = useState<Open>(null);
  const called = cluster.name ?? cluster.id;
  const isGoing = cluster.status === 'deleting';
  const anHour = extensionOf(cluster, 1, clock.now());
  const change = (body: Change, told: string) =>
    run(async () => {
      onChanged(await changeCluster(api, cluster.id, body));
      announce(`${called}: ${told}.`);
    });
  return (
    <>
      <Problem error={error} />
      <div class="actions">
        {anHour !== null && (
          <fieldset class="group" aria-label={`Extend ${called}`}>
            <button
              type="button"
              disabled={isBusy}
              onClick={() => change(anHour.change, 'an hour more')}
            >
              + 1 h <small>{dollars(anHour.costUsd)}</small>
            </button>
            <button
              type="button"
              disabled={isBusy}
              onClick={() => change(dollarsMore(cluster, 1), 'a dollar more')}
            >
              + $1
            </button>
          </fieldset>
        )}
        <Inventory cluster={cluster} />
        {cluster.spec.authorizedKeys.length === 0 && !isGoing && (
          <button type="button" onClick={() => setOpen('passwords')}>
            Root passwords
          </button>
        )}
        {!isGoing && (
          <button type="button" class="danger" onClick={() => setOpen('destroy')}>
            Destroy …
          </button>
        )}
      </div>
      {open === 'destroy' && (
        <Destroy cluster={cluster} onChanged={onChanged} onClose={() => setOpen(null)} />
      )}
      {open === 'passwords' && <Passwords cluster={cluster} onClose={() => setOpen(null)} />}
    </>
  );
}

function Inventory({ cluster: { id, name } }: { cluster: Cluster }) {
  const { api } = useConsole();
  const { error, run } = useAction();
  const save = (format: string) =>
    run(async () => {
      const text = await getInventoryText(api, id, format);
      const ending = format === 'json' ? 'json' : 'txt';
      saveFile(`${name ?? id}-${format}.${ending}`, text);
    });
  return (
    <>
      <label class="inventory">
        <span class="unseen">Inventory of {name ?? id}</span>
        <select
          value=""
          onChange={(event) => {
            const format = event.currentTarget.value;
            event.currentTarget.value = '';
            if (format !== '') void save(format);
          }}
        >
          <option value="">Inventory …</option>
          {Object.entries(inventoryFormats).map(([format, title]) => (
            <option key={format} value={format}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <Problem error={error} />
    </>
  );
}

function Destroy({ cluster, onChanged, onClose }: Props & { onClose: () => void }) {
  const { api, clock, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const called = cluster.name ?? cluster.id;
  const now = clock.now();
  const destroy = () =>
    run(async () => {
      onChanged(await destroyCluster(api, cluster.id));
      announce(`${called} is being destroyed.`);
      onClose();
    });
  return (
    <Dialog title={`Destroy ${called}?`} onClose={onClose}>
      <p>{destroySentence(cluster, now, (at) => nearTime(at, now))}</p>
      <p>Its nodes and what is on them are gone for good.</p>
      <Problem error={error} />
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="primary" disabled={isBusy} onClick={destroy}>
          {isBusy ? 'Destroying …' : 'Destroy now'}
        </button>
      </div>
    </Dialog>
  );
}

function Passwords({ cluster: { id, name }, onClose }: { cluster: Cluster; onClose: () => void }) {
  const { api } = useConsole();
  const { remote, reload } = useRemote(id, () => getCredentials(api, id));
  return (
    <Dialog title={`Root passwords of ${name ?? id}`} onClose={onClose}>
      {remote.kind === 'loading' && <Loading what="passwords" />}
      {remote.kind === 'failed' && <Problem error={remote.error} onRetry={reload} />}
      {remote.kind === 'ready' && (
        <ul class="passwords">
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
