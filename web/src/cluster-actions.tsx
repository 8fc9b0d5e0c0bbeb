import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import { destroyCluster } from '../../client/clusters.ts';
import { destroySentence } from '../../client/end.ts';
import { dollarsMore, extensionOf } from '../../client/extension.ts';
import { dollars } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { nearTime } from '../../client/times.ts';
import { calledOf } from './cluster-parts.tsx';
import { useAction, useConsole } from './hooks.ts';
import { type LimitsForm, limitsOf, withChange } from './limits.ts';
import { LimitsDialog } from './limits-dialog.tsx';
import { Dialog, Problem } from './parts.tsx';

interface Props {
  readonly cluster: Cluster;
  readonly onChanged: (cluster: Cluster) => void;
}

/** What can be done to a live cluster. Whatever costs money or destroys asks first. */
export function ClusterActions({
  cluster,
  onChanged,
  children,
}: Props & { children: ComponentChildren }) {
  const { clock } = useConsole();
  const [isDestroying, setIsDestroying] = useState(false);
  const [limits, setLimits] = useState<LimitsForm | null>(null);
  const [hours, setHours] = useState('');
  const called = calledOf(cluster);
  const anHour = extensionOf(cluster, 1, clock.now());
  const now = limitsOf(cluster);
  const ask = (form: LimitsForm, more = '') => {
    setLimits(form);
    setHours(more);
  };
  return (
    <>
      <div class="actions">
        {anHour !== null && (
          <fieldset class="group" aria-label={`Extend or shorten ${called}`}>
            <button type="button" onClick={() => ask(withChange(now, anHour.change), '1')}>
              + 1 h <small>{dollars(anHour.costUsd)}</small>
            </button>
            <button type="button" onClick={() => ask(withChange(now, dollarsMore(cluster, 1)))}>
              + $1
            </button>
            <button type="button" onClick={() => ask(now)}>
              Limits …
            </button>
          </fieldset>
        )}
        {children}
        {cluster.status !== 'deleting' && (
          <button type="button" class="danger" onClick={() => setIsDestroying(true)}>
            Destroy …
          </button>
        )}
      </div>
      {limits !== null && (
        <LimitsDialog
          cluster={cluster}
          first={limits}
          firstHours={hours}
          onChanged={onChanged}
          onClose={() => setLimits(null)}
        />
      )}
      {isDestroying && (
        <Destroy cluster={cluster} onChanged={onChanged} onClose={() => setIsDestroying(false)} />
      )}
    </>
  );
}

function Destroy({ cluster, onChanged, onClose }: Props & { onClose: () => void }) {
  const { api, clock, announce } = useConsole();
  const { isBusy, error, run } = useAction();
  const called = calledOf(cluster);
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
      <p>
        {cluster.nodes.length === 1 ? 'Its node' : `Its ${plural(cluster.nodes.length, 'node')}`}{' '}
        and what is on {cluster.nodes.length === 1 ? 'it is' : 'them is'} gone for good.
      </p>
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
