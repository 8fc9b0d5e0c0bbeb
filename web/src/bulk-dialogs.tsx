import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import { changeCluster, destroyCluster } from '../../client/clusters.ts';
import { dollars, plusUsd } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { amountIn } from '../../client/spec.ts';
import { countWords, extensionsOf, type Failed, onEach } from './bulk.ts';
import { calledOf } from './cluster-parts.tsx';
import { useConsole } from './hooks.ts';
import { inLabels } from './labels.ts';
import { Dialog, Field, SubmitButton } from './parts.tsx';
import { faultSentence } from './quote.ts';
import { countFault, HOURS_MAX } from './spec.ts';

interface Props {
  /** At least one; all can still be changed. */
  readonly clusters: readonly Cluster[];
  readonly onChanged: (changed: readonly Cluster[]) => void;
  readonly onClose: () => void;
}

/** Asks with the number of clusters and nodes, and names what stops. */
export function DestroySeveral({ clusters, ...rest }: Props) {
  const { api } = useConsole();
  const spent = plusUsd(...clusters.map(({ spentUsd }) => spentUsd));
  const left = plusUsd(...clusters.map(({ leftUsd }) => leftUsd));
  return (
    <Several
      {...{ clusters, ...rest }}
      title={`Destroy ${countWords(clusters)}?`}
      why={null}
      verb={{ ask: `Destroy ${clusters.length}`, doing: 'Destroying', keep: 'Keep them' }}
      did={(count) => `${plural(count, 'cluster')} ${count === 1 ? 'is' : 'are'} being destroyed.`}
      act={(cluster) => destroyCluster(api, cluster.id)}
    >
      <p>
        Linode will bill {dollars(spent)} for them; {dollars(left)} of their budgets stays unspent.
        What is on their nodes is gone for good.
      </p>
    </Several>
  );
}

export function ExtendSeveral({ clusters, ...rest }: Props) {
  const { api, clock } = useConsole();
  const [hours, setHours] = useState('1');
  const fault = countFault(hours, HOURS_MAX);
  const count = fault === null ? amountIn(hours) : 0;
  const { changes, costUsd } = extensionsOf(clusters, count, clock.now());
  const why = fault === null ? null : faultSentence('Hours more', fault);
  return (
    <Several
      {...{ clusters: clusters.filter(({ id }) => changes.has(id)), ...rest }}
      title={`Extend ${countWords(clusters)}?`}
      why={why}
      verb={{ ask: `Extend for ${dollars(costUsd)}`, doing: 'Extending', keep: 'Leave them' }}
      did={(done) => `${plural(done, 'cluster')} extended by ${plural(count, 'hour')}.`}
      act={(cluster) => changeCluster(api, cluster.id, changes.get(cluster.id) ?? {})}
    >
      <Field label="Hours more" class="short" error={fault ?? undefined}>
        {(attributes) => (
          <input
            {...attributes}
            inputmode="numeric"
            value={hours}
            onInput={(event) => setHours(event.currentTarget.value)}
          />
        )}
      </Field>
      <p class="sentence" role="status">
        {why === null &&
          `${plural(count, 'hour')} more for all of them: ${dollars(costUsd)} in all.`}
      </p>
    </Several>
  );
}

interface SeveralProps extends Props {
  readonly title: string;
  readonly why: string | null;
  readonly verb: { readonly ask: string; readonly doing: string; readonly keep: string };
  readonly did: (count: number) => string;
  readonly act: (cluster: Cluster) => Promise<Cluster>;
  readonly children: ComponentChildren;
}

/** The question, its progress, and what failed. */
function Several({ clusters, title, why, verb, did, act, ...rest }: SeveralProps) {
  const { announce } = useConsole();
  // The question stays as it was asked, while the clusters that it is about change.
  const [asked, setAsked] = useState<readonly Cluster[] | null>(null);
  const [heading, setHeading] = useState('');
  const [done, setDone] = useState<readonly Cluster[]>([]);
  const [failed, setFailed] = useState<readonly Failed[] | null>(null);
  const isBusy = asked !== null && failed === null;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (why !== null || isBusy) return;
    const these = failed === null ? clusters : failed.map(({ cluster }) => cluster);
    setAsked(these);
    if (heading === '') setHeading(title);
    setFailed(null);
    setDone([]);
    const changed: Cluster[] = [];
    const left = await onEach(these, act, (after) => {
      changed.push(after);
      setDone([...changed]);
    });
    rest.onChanged(changed);
    announce(left.length === 0 ? did(changed.length) : `${left.length} of ${these.length} failed.`);
    if (left.length === 0) rest.onClose();
    else setFailed(left);
  };
  const shown = asked ?? clusters;
  return (
    <Dialog title={heading || title} onClose={rest.onClose}>
      <form class="limits" onSubmit={submit} noValidate>
        {failed === null ? (
          <>
            {rest.children}
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
            <ul class="names" tabIndex={0} aria-label="The clusters">
              {shown.map((cluster) => (
                <li key={cluster.id}>
                  {calledOf(cluster)} <small>{plural(cluster.nodes.length, 'node')}</small>
                </li>
              ))}
            </ul>
          </>
        ) : (
          <div class="problem" role="alert">
            <p>
              {failed.length} of {shown.length} failed:
            </p>
            <ul>
              {failed.map(({ cluster, error }) => (
                <li key={cluster.id}>
                  {calledOf(cluster)}: {inLabels(error.message)}
                </li>
              ))}
            </ul>
          </div>
        )}
        <div class="buttons">
          <button type="button" onClick={rest.onClose}>
            {failed === null ? verb.keep : 'Close'}
          </button>
          <SubmitButton id="why-several" why={why} isBusy={isBusy}>
            {isBusy
              ? `${verb.doing} … ${done.length} of ${shown.length}`
              : failed === null
                ? verb.ask
                : `Try ${failed.length} again`}
          </SubmitButton>
        </div>
      </form>
    </Dialog>
  );
}
