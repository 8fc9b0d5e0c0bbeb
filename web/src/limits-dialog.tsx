import { useEffect, useState } from 'preact/hooks';
import type { Cluster } from '../../client/answers.ts';
import { Refusal } from '../../client/api.ts';
import { changeCluster } from '../../client/clusters.ts';
import { dollars } from '../../client/money.ts';
import { nearTime } from '../../client/times.ts';
import { calledOf } from './cluster-parts.tsx';
import { useAction, useConsole, useNow } from './hooks.ts';
import { inLabels, labels } from './labels.ts';
import {
  changeFrom,
  type LimitsForm,
  limitsFaults,
  limitsVerb,
  moreHours,
  outlookSentence,
} from './limits.ts';
import { Dialog, Field, focusFault, MoneyInput, Problem, SubmitButton } from './parts.tsx';
import { faultSentence } from './quote.ts';

interface Props {
  readonly cluster: Cluster;
  /** What the fields begin with. */
  readonly first: LimitsForm;
  readonly firstHours: string;
  readonly onChanged: (cluster: Cluster) => void;
  readonly onClose: () => void;
}

/** Asks before a limit changes, up or down, and says what the change comes to. */
export function LimitsDialog({ cluster, first, firstHours, onChanged, onClose }: Props) {
  const { api, announce } = useConsole();
  const now = useNow();
  const [form, setForm] = useState(first);
  const [hours, setHours] = useState(firstHours);
  const { isBusy, error, run, setError } = useAction();
  useEffect(() => setError(null), [form, setError]);
  const called = calledOf(cluster);
  const faults = limitsFaults(form);
  const change = changeFrom(cluster, form);
  const [fault] = Object.entries(faults);
  const isSame = Object.keys(change).length === 0;
  const why = fault !== undefined ? faultSentence(...fault) : isSame ? 'Nothing is changed.' : null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (why !== null) return focusFault(event.currentTarget as HTMLFormElement);
    void run(async () => {
      const after = await changeCluster(api, cluster.id, change);
      onChanged(after);
      const until =
        after.teardownAt === null ? '' : `: teardown ${nearTime(after.teardownAt, now)}`;
      announce(`${called} has a budget of ${dollars(after.budgetUsd)}${until}.`);
      onClose();
    });
  };
  const problem = error instanceof Refusal ? error.problem : null;
  const offered = problem?.smallestBudgetUsd ?? problem?.largestBudgetUsd;
  return (
    <Dialog title={`Limits of ${called}`} onClose={onClose}>
      <form class="limits" onSubmit={submit} noValidate>
        <div class="row">
          <Field label="Hours more" class="short" hint="Fills in the rest.">
            {(attributes) => (
              <input
                {...attributes}
                inputmode="numeric"
                value={hours}
                onInput={(event) => {
                  setHours(event.currentTarget.value);
                  const more = moreHours(cluster, event.currentTarget.value, now);
                  setForm({ ...form, ...more, transfer: form.transfer });
                }}
              />
            )}
          </Field>
          <Field
            label="Budget"
            class="short"
            hint={`${dollars(cluster.spentUsd)} is spent.`}
            error={faults.budgetUsd}
          >
            {(attributes) => (
              <MoneyInput
                {...attributes}
                value={form.budget}
                onInput={(event) => setForm({ ...form, budget: event.currentTarget.value })}
              />
            )}
          </Field>
          <Field
            label="At most hours"
            class="short"
            hint="Blank: no limit."
            error={faults.maxHours}
          >
            {(attributes) => (
              <input
                {...attributes}
                inputmode="numeric"
                value={form.maxHours}
                onInput={(event) => setForm({ ...form, maxHours: event.currentTarget.value })}
              />
            )}
          </Field>
          {cluster.transfer !== null && (
            <Field
              label={labels.transferGb}
              class="short"
              hint="Blank: what its nodes bring."
              error={faults.transferGb}
            >
              {(attributes) => (
                <input
                  {...attributes}
                  inputmode="numeric"
                  value={form.transfer ?? `${cluster.transfer?.limitGb ?? ''}`}
                  onInput={(event) => setForm({ ...form, transfer: event.currentTarget.value })}
                />
              )}
            </Field>
          )}
        </div>
        <p class="sentence outlook" role="status">
          {why === null && inLabels(outlookSentence(cluster, form, now) ?? '')}
        </p>
        <Problem error={error} />
        {offered !== undefined && offered > 0 && (
          <button type="button" onClick={() => setForm({ ...form, budget: String(offered) })}>
            Make the budget {dollars(offered)}
          </button>
        )}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Leave as it is
          </button>
          <SubmitButton id={`why-${cluster.id}`} why={why} isBusy={isBusy}>
            {isBusy ? 'Changing …' : limitsVerb(cluster, form)}
          </SubmitButton>
        </div>
      </form>
    </Dialog>
  );
}
