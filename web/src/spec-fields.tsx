import type { Image, OfferedType, Region } from '../../client/answers.ts';
import { dollars } from '../../client/money.ts';
import { itemsIn, setups } from '../../client/spec.ts';
import { imagesFrom, regionsFrom, typesFrom } from './catalogue.ts';
import type { Remote } from './hooks.ts';
import { useConsole, useRemote } from './hooks.ts';
import { JobFields } from './job-fields.tsx';
import { labels } from './labels.ts';
import { Choices, Details, Field, MoneyInput } from './parts.tsx';
import { type FieldsProps, faultOf, toggled } from './spec.ts';

export interface Catalogue {
  readonly regions: readonly Region[];
  readonly images: readonly Image[];
}

export function useCatalogue() {
  const { api } = useConsole();
  return useRemote<Catalogue>('catalogue', async () => {
    const [regions, images] = await Promise.all([regionsFrom(api), imagesFrom(api)]);
    return { regions, images };
  });
}

export function useTypes(region: string) {
  const { api } = useConsole();
  return useRemote(region || null, () => typesFrom(api, region));
}

export function AmountFields({ form, faults, onChange }: FieldsProps) {
  return (
    <>
      <Field label="Nodes" class="short" error={faults.nodes}>
        {(attributes) => (
          <input
            {...attributes}
            inputmode="numeric"
            value={form.nodes}
            onInput={(event) => onChange({ nodes: event.currentTarget.value })}
          />
        )}
      </Field>
      <Field label="Budget" class="short" error={faults.budgetUsd}>
        {(attributes) => (
          <MoneyInput
            {...attributes}
            value={form.budget}
            onInput={(event) => onChange({ budget: event.currentTarget.value })}
          />
        )}
      </Field>
    </>
  );
}

export function PlaceFields({
  form,
  faults,
  onChange,
  catalogue: { regions, images },
}: FieldsProps & { catalogue: Catalogue }) {
  return (
    <>
      <Field label="Region" error={faults.region}>
        {(attributes) => (
          <select
            {...attributes}
            value={form.region}
            onChange={(event) => onChange({ region: event.currentTarget.value })}
          >
            {regions.map(({ id, label }) => (
              <option key={id} value={id}>
                {label} ({id})
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Image" error={faults.image}>
        {(attributes) => (
          <select
            {...attributes}
            value={form.image}
            onChange={(event) => onChange({ image: event.currentTarget.value })}
          >
            {images.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
    </>
  );
}

export function TypeSelect({
  form,
  faults,
  onChange,
  types,
}: FieldsProps & { types: Remote<readonly OfferedType[]> }) {
  const offered = types.kind === 'ready' ? types.value : [];
  return (
    <Field label="Type" error={faults.type}>
      {(attributes) => (
        <select
          {...attributes}
          value={form.type}
          onChange={(event) => onChange({ type: event.currentTarget.value })}
        >
          {form.type === '' && <option value="">The cheapest that fits</option>}
          {offered.map(({ id, label, hourlyUsd, available }) => (
            <option key={id} value={id} disabled={hourlyUsd === null || available === false}>
              {label}: {hourlyUsd === null ? 'no price' : dollars(hourlyUsd)} an hour
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function NameField({ form, faults, onChange }: FieldsProps) {
  return (
    <Field label="Name" hint="Optional." error={faults.name}>
      {(attributes) => (
        <input
          {...attributes}
          value={form.name}
          onInput={(event) => onChange({ name: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

/** The fields that are mostly left as they are. */
export function MoreFields({ form, faults, onChange }: FieldsProps) {
  return (
    <>
      <JobFields form={form} faults={faults} onChange={onChange} />
      <KeysField form={form} faults={faults} onChange={onChange} />
      <UsersField form={form} faults={faults} onChange={onChange} />
      <RoomFields form={form} faults={faults} onChange={onChange} />
      <Details
        summary="Most hours, transfer, user data, and what to do if some nodes do not come up"
        isOpen={['maxHours', 'transferGb', 'userData'].some((field) => field in faults)}
      >
        <Field
          label="At most hours"
          hint="Optional. Ends it before its budget does."
          error={faults.maxHours}
        >
          {(attributes) => (
            <input
              {...attributes}
              class="count"
              inputmode="numeric"
              value={form.maxHours}
              onInput={(event) => onChange({ maxHours: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field
          label="Transfer in GB"
          hint="Optional. What the nodes are to send to the internet, if it is more than they bring."
          error={faults.transferGb}
        >
          {(attributes) => (
            <input
              {...attributes}
              class="count"
              inputmode="numeric"
              value={form.transfer}
              onInput={(event) => onChange({ transfer: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field label="User data" hint="For cloud-init, at most 16 KiB." error={faults.userData}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={5}
              spellcheck={false}
              value={form.userData}
              onInput={(event) => onChange({ userData: event.currentTarget.value })}
            />
          )}
        </Field>
        <label class="check">
          <input
            type="checkbox"
            checked={form.onPartial === 'keep'}
            onChange={(event) =>
              onChange({ onPartial: event.currentTarget.checked ? 'keep' : 'destroy' })
            }
          />
          Keep what came up, if not all nodes do
        </label>
      </Details>
    </>
  );
}

function KeysField({ form, faults, onChange }: FieldsProps) {
  return (
    <Field
      label="SSH public keys"
      hint="One a line. Without keys, nodes get root passwords, which the cluster’s page shows."
      error={faultOf(faults, 'authorizedKeys')}
    >
      {(attributes) => (
        <textarea
          {...attributes}
          class="code"
          rows={2}
          spellcheck={false}
          placeholder="ssh-ed25519 AAAA…"
          value={form.keys}
          onInput={(event) => onChange({ keys: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

function UsersField({ form, faults, onChange }: FieldsProps) {
  return (
    <Field
      label={labels.authorizedUsers}
      hint="Optional, with blanks between them. Their SSH keys may log in."
      error={faultOf(faults, 'authorizedUsers')}
    >
      {(attributes) => (
        <input
          {...attributes}
          spellcheck={false}
          value={form.users}
          onInput={(event) => onChange({ users: event.currentTarget.value })}
        />
      )}
    </Field>
  );
}

/** What makes one room of the nodes, and what the internet reaches of them. */
function RoomFields({ form, faults, onChange }: FieldsProps) {
  const faulty = ['network', 'setup', 'openPorts'].some(
    (path) => faultOf(faults, path) !== undefined,
  );
  const isUsed = `${form.network}${form.setup}${form.open}` !== '';
  return (
    <Details summary="Private network, setup and open ports" isOpen={faulty || isUsed}>
      <div class="row">
        <Field
          label={labels.network}
          hint="As fits: private for two nodes and more, where region and image can have it."
          error={faults.network}
        >
          {(attributes) => (
            <select
              {...attributes}
              value={form.network}
              onChange={(event) => onChange({ network: event.currentTarget.value })}
            >
              <option value="">As fits</option>
              <option value="private">Private: a subnet of its own</option>
              <option value="isolated">Isolated: a VLAN of its own</option>
              <option value="none">None</option>
            </select>
          )}
        </Field>
        <Field
          label={labels.openPorts}
          hint="Such as 80, 8000-8100, 53/udp. From the internet, nodes take these and ssh."
          error={faultOf(faults, 'openPorts')}
        >
          {(attributes) => (
            <input
              {...attributes}
              spellcheck={false}
              value={form.open}
              onInput={(event) => onChange({ open: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
      <SetupFields form={form} faults={faults} onChange={onChange} />
    </Details>
  );
}

function SetupFields({ form, faults, onChange }: FieldsProps) {
  const chosen = itemsIn(form.setup);
  return (
    <Choices
      label={labels.setup}
      hint="Installed on every node, and working when the cluster is ready."
      error={faultOf(faults, 'setup')}
    >
      {(attributes) =>
        setups.map((name) => (
          <label key={name} class="check">
            <input
              {...attributes}
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={() => onChange({ setup: toggled(form.setup, name) })}
            />
            {name}
          </label>
        ))
      }
    </Choices>
  );
}
