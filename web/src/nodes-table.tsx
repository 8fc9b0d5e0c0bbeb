import { useMemo, useState } from 'preact/hooks';
import type { ClusterNode } from '../../client/answers.ts';
import { datedTime } from '../../client/times.ts';
import { isOver, lampOf } from './cluster-parts.tsx';
import { useConsole } from './hooks.ts';
import { ListedNodes } from './listed-nodes.tsx';
import {
  chooseNodes,
  type NodeFilter,
  type NodeSortKey,
  statusesOf,
  statusOf,
} from './nodes-choice.ts';
import { Copy } from './parts.tsx';
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
    <ListedNodes
      label="Table of nodes"
      searched={{
        ...{ label: 'Search', hint: 'index, label or address' },
        text: filter.search,
      }}
      chosen={{
        label: 'Status',
        value: filter.status,
        choices: statuses.map(([value, count]) => ({ value, text: `${value} (${count})` })),
      }}
      columns={COLUMNS}
      sort={sort}
      onSearch={(search) => setFilter({ ...filter, search })}
      onChoose={(status) => setFilter({ ...filter, status })}
      onShowAll={() => setFilter(NONE)}
      onSort={toggle}
      shown={shown.length}
      total={nodes.length}
    >
      {rows}
    </ListedNodes>
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
