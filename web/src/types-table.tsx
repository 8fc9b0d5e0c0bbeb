import { useMemo, useState } from 'preact/hooks';
import type { OfferedType } from '../../client/answers.ts';
import { memory } from '../../client/memory.ts';
import { dollars, hoursFor } from '../../client/money.ts';
import { plural } from '../../client/plural.ts';
import { useConsole } from './hooks.ts';
import { SortHead } from './parts.tsx';
import { lastsWords } from './quote.ts';
import { useSort } from './sort.ts';
import { choose, type Filter, noFilter, type SortKey } from './types-choice.ts';

interface Props {
  readonly types: readonly OfferedType[];
  readonly chosen: string;
  readonly nodes: number;
  readonly budgetUsd: number;
  readonly onChoose: (type: string) => void;
}

const COLUMNS = [
  { key: 'label', title: 'Type' },
  { key: 'vcpus', title: 'vCPUs', class: 'wide' },
  { key: 'memoryMb', title: 'Memory', class: 'wide' },
  { key: 'diskMb', title: 'Disk', class: 'wide' },
  { key: 'hourlyUsd', title: 'An hour' },
] as const;

export function TypesTable({ types, chosen, nodes, budgetUsd, onChoose }: Props) {
  const [filter, setFilter] = useState<Filter>(noFilter);
  const [sort, toggle] = useSort<SortKey>('hourlyUsd');
  const { clock } = useConsole();
  const now = clock.now();
  const isKnown = Number.isFinite(budgetUsd) && Number.isFinite(nodes);
  const shown = useMemo(() => choose(types, filter, sort), [types, filter, sort]);
  return (
    <fieldset class="types">
      <legend>Type</legend>
      <Filters filter={filter} types={types} onChange={setFilter} />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={toggle} />
              ))}
              <th scope="col" class="lasts">
                Lasts
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((type) => (
              <Row
                key={type.id}
                type={type}
                isChosen={type.id === chosen}
                lasts={isKnown ? lastsOf(type, nodes, budgetUsd, now) : '–'}
                onChoose={onChoose}
              />
            ))}
          </tbody>
        </table>
        {shown.length === 0 && (
          <p class="empty">
            No type is like that.{' '}
            <button type="button" class="link" onClick={() => setFilter(noFilter)}>
              Show all {types.length}
            </button>
          </p>
        )}
      </div>
      <p class="hint" role="status">
        {shown.length === types.length
          ? plural(types.length, 'type')
          : `${shown.length} of ${plural(types.length, 'type')}`}
      </p>
    </fieldset>
  );
}

const TOO_DEAR = 'too dear';

const isOut = ({ available, hourlyUsd }: OfferedType) => available === false || hourlyUsd === null;

function lastsOf(type: OfferedType, nodes: number, budgetUsd: number, now: number): string {
  if (isOut(type) || type.hourlyUsd === null) return '–';
  const hours = hoursFor(budgetUsd, type.hourlyUsd * nodes);
  return hours === 0 ? TOO_DEAR : lastsWords(hours, now);
}

interface RowProps {
  readonly type: OfferedType;
  readonly isChosen: boolean;
  readonly lasts: string;
  readonly onChoose: (type: string) => void;
}

function Row({ type, isChosen, lasts, onChoose }: RowProps) {
  const isNone = isOut(type);
  return (
    <tr
      class={isChosen ? 'chosen' : isNone ? 'out' : undefined}
      onClick={() => isNone || onChoose(type.id)}
    >
      <th scope="row">
        <label>
          <input
            type="radio"
            name="type"
            checked={isChosen}
            disabled={isNone}
            onChange={() => onChoose(type.id)}
          />
          <span>
            {type.label}
            <small>
              <span class="id">{type.id}</span>
              <span class="size">
                {plural(type.vcpus, 'vCPU')}, {memory(type.memoryMb)}
              </span>
              {type.gpus > 0 && ` · ${plural(type.gpus, 'GPU')}`}
              {type.available === false && ' · none left'}
            </small>
          </span>
        </label>
      </th>
      <td class="wide">{type.vcpus}</td>
      <td class="wide">{memory(type.memoryMb)}</td>
      <td class="wide">{memory(type.diskMb)}</td>
      <td>{type.hourlyUsd === null ? '–' : dollars(type.hourlyUsd)}</td>
      <td class="lasts">{lasts === TOO_DEAR ? <span class="short">{lasts}</span> : lasts}</td>
    </tr>
  );
}

interface FiltersProps {
  readonly filter: Filter;
  readonly types: readonly OfferedType[];
  readonly onChange: (filter: Filter) => void;
}

function Filters({ filter, types, onChange }: FiltersProps) {
  const vcpus = [...new Set(types.map((type) => type.vcpus))].toSorted((a, b) => a - b);
  const sizes = [...new Set(types.map((type) => type.memoryMb))].toSorted((a, b) => a - b);
  const classes = [...new Set(types.map((type) => type.class))];
  return (
    <div class="filters">
      <label>
        vCPUs
        <select
          value={filter.vcpus}
          onChange={(event) => onChange({ ...filter, vcpus: Number(event.currentTarget.value) })}
        >
          <option value={0}>any</option>
          {vcpus.map((count) => (
            <option key={count} value={count}>
              {count} or more
            </option>
          ))}
        </select>
      </label>
      <label>
        Memory
        <select
          value={filter.memoryMb}
          onChange={(event) => onChange({ ...filter, memoryMb: Number(event.currentTarget.value) })}
        >
          <option value={0}>any</option>
          {sizes.map((mb) => (
            <option key={mb} value={mb}>
              {memory(mb)} or more
            </option>
          ))}
        </select>
      </label>
      <label>
        Class
        <select
          value={filter.class}
          onChange={(event) => onChange({ ...filter, class: event.currentTarget.value })}
        >
          <option value="">any</option>
          {classes.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Up to $ an hour
        <input
          inputmode="decimal"
          size={6}
          placeholder="any"
          value={filter.maxHourly}
          onInput={(event) => onChange({ ...filter, maxHourly: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}
