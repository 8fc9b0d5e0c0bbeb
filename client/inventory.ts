import type { InventoryFormat } from '../lib/core/cluster/inventory.ts';

/** The forms of an inventory, with the name of the tool or file that reads each. */
export const inventoryFormats = {
  ssh: 'ssh config',
  hosts: '/etc/hosts',
  ansible: 'Ansible',
  mpi: 'Open MPI',
  json: 'JSON',
} as const satisfies Record<InventoryFormat | 'json', string>;
