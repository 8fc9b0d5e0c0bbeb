import { useMemo, useState } from 'preact/hooks';
import type { ClusterNode } from '../../client/answers.ts';
import { plural } from '../../client/plural.ts';
import { datedTime } from '../../client/times.ts';
import { isOver, lampOf } from './cluster-parts.tsx';
import { useConsole } from './hooks.ts';
import {
  chooseNodes,
  type NodeFilter,
  type NodeSortKey,
  type NodeStatus,
  statusesOf,
  statusOf,
} from './nodes-choice.ts';
import { Copy, SortHead } from './parts.tsx';
import { useSort } from './sort.ts';

const COLUMNS = [
  { key: 'index', title: 'Node' },
  { key: 'status', title: 'Status' },
  { key: 'ipv4', title: 'Address' },
  { key: 'createdAt', title: 'Created', class: 'wide' },
] as const;

const NONE: NodeFilter = { search: '', status: '' };

/** Every node, however many. Rows are drawn anew only when the nodes or the choice change. */
export function NodesTable({ nodes }: { nodes: readonly ClusterNode[] }) {
  const { clock } = useConsole();
  const [filter, setFilter] = useState(NONE);
  const [sort, toggle] = useSort<NodeSortKey>('index');
  const shown = useMemo(() => chooseNodes(nodes, filter, sort), [nodes, filter, sort]);
  const rows = useMemo(() => {
    const now = clock.now();
    return shown.map((node) => <Row key={node.index} node={node} now={now} />);
  }, [shown, clock]);
  const statuses = useMemo(() => statusesOf(nodes), [nodes]);
  return (
    <div class="listing">
      <div class="filters">
        <label>
          Search
          <input
            type="search"
            placeholder="index, label or address"
            value={filter.search}
            onInput={(event) => setFilter({ ...filter, search: event.currentTarget.value })}
          />
        </label>
        <label>
          Status
          <select
            value={filter.status}
            onChange={(event) =>
              setFilter({ ...filter, status: event.currentTarget.value as NodeStatus | '' })
            }
          >
            <option value="">any</option>
            {statuses.map(([status, count]) => (
              <option key={status} value={status}>
                {status} ({count})
              </option>
            ))}
          </select>
        </label>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="scroll tall" tabIndex={0} aria-label="Table of nodes">
        <table class="nodes-table">
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <SortHead key={column.key} column={column} sort={sort} onSort={toggle} />
              ))}
            </tr>
          </thead>
          <tbody>{rows}</tbody>
        </table>
        {shown.length === 0 && (
          <p class="empty">
            No node is like that.{' '}
            <button type="button" class="link" onClick={() => setFilter(NONE)}>
              Show all {nodes.length}
            </button>
          </p>
        )}
      </section>
      <p class="hint" role="status">
        {shown.length === nodes.length
          ? plural(nodes.length, 'node')
          : `${shown.length} of ${plural(nodes.length, 'node')}`}
      </p>
    </div>
  );
}

function Row({ node, now }: { node: ClusterNode; now: number }) {
  const { index, label, ipv4, ipv6, privateIp, createdAt, linodeId, reason, agentReason } = node;
  const status = statusOf(node);
  return (
    <tr>
      <th scope="row">
        {index}
        <small class="wide">{label}</small>
      </th>
      <td>
        <span class={lampOf(node)} /> {status}
        {status === 'not ready' && <small class="reason">{agentReason}</small>}
        {linodeId !== null && <small class="wide">Linode {linodeId}</small>}
        {reason !== undefined && <small class="reason">{reason}</small>}
      </td>
      <td>
        {ipv4 === null ? (
          '–'
        ) : (
          <>
            <code>{ipv4}</code>
            {!isOver(node) && <Copy text={ipv4} what={`the address of node ${index}`} />}
            {ipv6 !== null && <small class="wide">{ipv6}</small>}
            {privateIp !== null && <small class="wide">{privateIp} in the room</small>}
          </>
        )}
      </td>
      <td class="wide">{createdAt === null ? '–' : datedTime(createdAt, now)}</td>
    </tr>
  );
}
