import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What Linode writes on a new Linode's disk, and what its machine says of itself. */
export interface NewDisk {
  readonly id: number;
  readonly rootPass: string | null;
  readonly authorizedKeys: readonly string[];
}

/**
 * Makes the folder with which `boot.sh` boots the node: `upper/` has what differs from the root
 * file system of all nodes.
 */
export function makeDisk(folder: string, { id, rootPass, authorizedKeys }: NewDisk): void {
  for (const inner of ['upper/etc', 'upper/usr/sbin', 'work', 'root', 'proc', 'dmi']) {
    mkdirSync(join(folder, inner), { recursive: true });
  }
  write(folder, 'upper/etc/machine-id', `${randomBytes(16).toString('hex')}\n`);
  write(folder, 'console', '');
  write(folder, 'cmdline', 'BOOT_IMAGE=/boot/vmlinuz root=/dev/sda console=ttyS0,19200n8 ro\n');
  for (const directory of ['upper/root', 'upper/root/.ssh']) {
    mkdirSync(join(folder, directory), { mode: 0o700 });
  }
  write(folder, 'upper/root/.ssh/authorized_keys', lines(authorizedKeys), 0o600);
  // boot.sh has the node's own `chpasswd` set it, and removes the file.
  if (rootPass !== null) write(folder, 'password', `root:${rootPass}\n`, 0o600);
  const dmi = dmiOf(id, randomUUID());
  for (const [name, value] of Object.entries(dmi)) write(folder, `dmi/${name}`, `${value}\n`);
  if (existsSync('/sys/class/dmi/id')) return;
  write(folder, 'upper/usr/sbin/dmidecode', dmidecodeScript(dmi), 0o755);
}

/** The fields that cloud-init reads, by the names of /sys/class/dmi/id. */
export interface Dmi {
  readonly sys_vendor: string;
  readonly product_name: string;
  readonly product_serial: string;
  readonly product_uuid: string;
  readonly board_serial: string;
}

/**
 * `als=0` has cloud-init ask the metadata service once the network is up, not by a DHCP of its own,
 * and `v6=0` by IPv4 only: the lab has neither DHCP nor IPv6.
 */
export const dmiOf = (id: number, uuid: string): Dmi => ({
  sys_vendor: 'Akamai',
  product_name: 'Compute Instance',
  product_serial: `${id}`,
  product_uuid: uuid,
  board_serial: 'als=0;v6=0',
});

/** cloud-init falls back to dmidecode on a host without /sys/class/dmi. */
export const dmidecodeScript = (dmi: Dmi): string => `#!/bin/sh
for word; do
  case \${word#--string=} in
    system-manufacturer) echo '${dmi.sys_vendor}' ;;
    system-product-name) echo '${dmi.product_name}' ;;
    system-serial-number) echo '${dmi.product_serial}' ;;
    system-uuid) echo '${dmi.product_uuid}' ;;
    baseboard-serial-number) echo '${dmi.board_serial}' ;;
  esac
done
`;

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

function write(folder: string, name: string, content: string, mode = 0o644): void {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  // The process's umask takes bits from a new file.
  chmodSync(path, mode);
}
