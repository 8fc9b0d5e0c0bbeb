import type { Image, OfferedType, Region } from '../../client/answers.ts';
import { dollars } from '../../client/money.ts';
import { imagesFrom, regionsFrom, typesFrom } from './catalogue.ts';
import type { Remote } from './hooks.ts';
import { useConsole, useRemote } from './hooks.ts';
import { Field, MoneyInput } from './parts.tsx';
import type { SpecForm } from './spec.ts';

export interface FieldsProps {
  readonly form: SpecForm;
  readonly faults: Readonly<Record<string, string>>;
  readonly onChange: (change: Partial<SpecForm>) => void;
}

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
            type="number"
            min="1"
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
