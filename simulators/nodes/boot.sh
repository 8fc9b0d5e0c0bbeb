#!/bin/sh
# Boots a node. Runs as PID 1 of the node's own namespaces (mount, pid, uts, ipc, cgroup, time); the
# network namespace is entered before. $1: the root file system, which all nodes share. $2: the
# node's folder, with upper/, work/, root/, proc/, dmi/, cmdline, console and, at the first boot,
# password. Writes a line to file descriptor 3 when systemd takes over.
set -eu
base=$1
node=$2
root=$node/root

mount --make-rprivate /
# `volatile` leaves this folder, which forbids a second mount after an unclean end.
rm -rf "$node/work/work/incompat"
mount -t overlay -o "lowerdir=$base,upperdir=$node/upper,workdir=$node/work,volatile" overlay "$root"
if [ -f "$node/password" ]; then
  chroot "$root" chpasswd <"$node/password"
  rm "$node/password"
fi

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid,size=1m dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
for name in null zero full random urandom tty; do
  touch "$root/dev/$name"
  mount --bind "/dev/$name" "$root/dev/$name"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
touch "$root/dev/console"
mount --bind "$node/console" "$root/dev/console"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
mount -t mqueue -o nosuid,nodev,noexec mqueue "$root/dev/mqueue"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount --bind "$node/cmdline" "$root/proc/cmdline"

# The kernel's settings are the host's, but those of the network are the node's own.
mount -t proc -o nosuid,nodev,noexec proc "$node/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount --bind "$node/proc/sys/net" "$root/proc/sys/net"
umount -l "$node/proc"
for file in sysrq-trigger kcore kmsg; do
  [ ! -e "$root/proc/$file" ] || mount --bind /dev/null "$root/proc/$file"
done
# cloud-init reads here that Akamai is the vendor. A host without it has the node's dmidecode
# answer (simulators/nodes/disk.ts).
if [ -d "$root/sys/class/dmi/id/" ]; then
  mount -t tmpfs -o mode=755 dmi "$root/sys/class/dmi/id/"
  cp "$node"/dmi/* "$root/sys/class/dmi/id/"
fi

# The node's network outlives its boots here, but the rules of a firewall must not.
chroot "$root" nft flush ruleset
hostname localhost
cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
echo booted >&3
exec 3>&-
# The node's root is the host's root: it must not set the host's clock or load its modules.
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=linux \
  setpriv --bounding-set \
  -sys_time,-sys_module,-sys_rawio,-syslog,-mac_admin,-mac_override,-wake_alarm,-block_suspend,-audit_control,-sys_pacct \
  /usr/lib/systemd/systemd systemd.log_target=journal
